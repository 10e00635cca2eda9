"""A program for `test_query_plans`: fills the database of DATABASE_URL, makes the calls of chat, and prints how
PostgreSQL goes about each of their queries, as JSON: `{call: [[sql, plan], …]}`."""

import json
import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from tests.chat.calls import CONVERSATIONS, SEND, UNREAD, in_conversation, of_message, participant  # noqa: E402

# 20,500 users; Alice is 1. Groups 1 to 3 have 300 members and 20,000 messages each, groups 4 to 303 four members and 5
# messages; the 20,000 private conversations have 2 each. All groups and 200 of the private ones are Alice's.
FILL = """
INSERT INTO authentication_user (id, password, is_superuser, email, username, first_name, last_name, bio, is_active,
                                 is_staff, date_joined, is_online)
    SELECT n, '!', false, 'user' || n || '@example.com', 'user' || n, 'First' || n, 'Last' || n, '', true, false,
           now(), false FROM generate_series(1, 20500) n;
INSERT INTO chat_conversation (id, type, name, description, private_key, last_seq, version, created_at, updated_at)
    SELECT n, CASE WHEN n <= 303 THEN 'group' ELSE 'private' END, CASE WHEN n <= 303 THEN 'Group ' || n ELSE '' END, '',
           CASE WHEN n <= 303 THEN NULL WHEN n <= 503 THEN '1:' || n ELSE n || ':' || n + 1 END,
           CASE WHEN n <= 3 THEN 20000 WHEN n <= 303 THEN 5 ELSE 2 END,
           CASE WHEN n <= 3 THEN 20000 WHEN n <= 303 THEN 5 ELSE 2 END,
           now() - n * interval '1 minute', now() - n * interval '1 minute' FROM generate_series(1, 20303) n;
INSERT INTO chat_conversationparticipant
    (conversation_id, user_id, is_admin, joined_at, visible_after_seq, last_read_seq)
    SELECT c, u, u = 1, now() - u * interval '1 second', 0, 60 * u
    FROM generate_series(1, 3) c, generate_series(1, 300) u
    UNION ALL SELECT c, u, u = 1, now(), 0, 3 FROM generate_series(4, 303) c, generate_series(1, 4) u
    UNION ALL SELECT c, CASE WHEN c <= 503 THEN 1 ELSE c + 1 END, false, now(), 0, c % 3
    FROM generate_series(304, 20303) c
    UNION ALL SELECT c, c, false, now(), 0, 2 FROM generate_series(304, 20303) c;
INSERT INTO chat_message (conversation_id, seq, version, type, sender_id, content, client_id, client_digest, created_at)
    SELECT c, n, n, 'text', 1 + n % 300, 'Message ' || n, 'client-' || n, '', now() - n * interval '1 second'
    FROM generate_series(1, 3) c, generate_series(1, 20000) n
    UNION ALL SELECT c, n, n, 'text', 1 + n % 4, 'Message ' || n, NULL, '', now()
    FROM generate_series(4, 303) c, generate_series(1, 5) n
    UNION ALL SELECT c, n, n, 'text', c, 'Message ' || n, NULL, '', now()
    FROM generate_series(304, 20303) c, generate_series(1, 2) n;
UPDATE chat_message SET reply_to_id = id - 1 WHERE seq > 1 AND seq % 7 = 0;
"""
TABLES = ("authentication_user", "chat_conversation", "chat_conversationparticipant", "chat_message")


def fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL)
        for table in TABLES:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
            cursor.execute(f"VACUUM ANALYZE {table}")


def calls(client: Any, reader: Any, message: int) -> dict[str, Callable[[], Any]]:
    big, small = in_conversation(1), in_conversation(400)
    send = {"conversation": 1, "content": "Hello", "client_id": "new", "reply_to": message}
    return {
        "conversations": lambda: client.get(CONVERSATIONS),
        "conversations, the last of many": lambda: client.get(CONVERSATIONS, {"limit": 100}),
        "conversations?unread=true": lambda: client.get(CONVERSATIONS, {"unread": "true"}),
        "conversations?type=group": lambda: client.get(CONVERSATIONS, {"type": "group"}),
        "conversations?search=": lambda: client.get(CONVERSATIONS, {"search": "First45"}),
        "conversation": lambda: client.get(big),
        "a private conversation": lambda: client.get(small),
        "history": lambda: client.get(f"{big}messages/"),
        "history?before=": lambda: client.get(f"{big}messages/", {"before": 9000}),
        "history?after=": lambda: client.get(f"{big}messages/", {"after": 9000}),
        "history?around=": lambda: client.get(f"{big}messages/", {"around": 9000}),
        "changes": lambda: client.get(f"{big}changes/"),
        "changes?since=": lambda: client.get(f"{big}changes/", {"since": 19_000, "limit": 100}),
        "changes, none": lambda: client.get(f"{big}changes/", {"since": 20_000}),
        "participants": lambda: client.get(f"{big}participants/"),
        "unread": lambda: client.get(UNREAD),
        "message": lambda: client.get(of_message(message)),
        "receipts": lambda: client.get(of_message(message, "receipts/")),
        "send": lambda: client.post(SEND, send),
        "send again": lambda: client.post(SEND, send),
        "edit": lambda: client.patch(of_message(mine()), {"content": "Edited"}),
        "mark read up to": lambda: reader.post(f"{big}mark-read/", {"message_id": message}),
        "mark read": lambda: reader.post(f"{big}mark-read/"),
        "rename": lambda: client.patch(big, {"name": "Renamed"}),
        "add": lambda: client.post(f"{big}participants/", {"user_ids": [15000, 15001]}),
        "grant": lambda: client.patch(participant(1, 7), {"is_admin": True}),
        "remove": lambda: client.delete(participant(1, 9)),
        "delete a message": lambda: client.delete(of_message(message, "delete/")),
        "delete a private conversation": lambda: client.delete(f"{small}delete/"),
        "open a private conversation": lambda: client.post(
            f"{CONVERSATIONS}create/", {"type": "private", "participant_ids": [400]}
        ),
        "delete a group": lambda: client.delete(f"{in_conversation(303)}delete/?for_everyone=true"),
    }


def mine() -> int:
    from chat.models import Message

    return Message.objects.filter(conversation=1, sender=1).order_by("-seq")[0].pk


def plan_of(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        return cursor.fetchone()[0]


def main() -> None:
    from rest_framework.test import APIClient

    from authentication import tokens
    from authentication.models import Session, User
    from chat.models import Message

    fill()
    clients = []
    for pk in (1, 250):
        client = APIClient()
        client.default_format = "json"
        token = tokens.issue_pair(Session(user=User.objects.get(pk=pk)))["access"]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_HOST="localhost")
        clients.append(client)
    message = Message.objects.get(conversation=1, seq=19_000).pk
    plans: dict[str, list[Any]] = {}
    for name, call in calls(*clients, message).items():
        with CaptureQueriesContext(connection) as captured:
            response = call()
        if response.status_code >= 300:
            raise SystemExit(f"{name}: {response.status_code} {response.content.decode()[:500]}")
        words = ("SELECT", "UPDATE", "DELETE")
        asked = [query["sql"] for query in captured if query["sql"].startswith(words)]
        plans[name] = [[sql, plan_of(sql)] for sql in asked]
    # What PostgreSQL itself asks of every message that goes with its conversation, and of every account.
    plans["nobody quotes this message"] = [
        [sql, plan_of(sql)] for sql in ("SELECT 1 FROM chat_message WHERE reply_to_id = 5 FOR KEY SHARE",)
    ]
    from authentication.services import delete_account

    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        delete_account(user=User.objects.get(pk=290))
    asked = [query["sql"] for query in captured if query["sql"].startswith(("SELECT", "UPDATE", "DELETE"))]
    plans["delete an account"] = [[sql, plan_of(sql)] for sql in asked]
    json.dump(plans, sys.stdout)


if __name__ == "__main__":
    main()
