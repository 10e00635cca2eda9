"""The rows of many sends at once: two round trips for all of them, inside the transaction that stores them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import orjson
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model

from chat.models import Conversation, ConversationParticipant, Message
from chat_server.statements import Statement

Row = TypeVar("Row", bound=Model)

READ = Statement(
    {"number": "bigint", "conversation_id": "bigint", "sender_id": "bigint", "client_id": "text"},
    """, locked AS (
        SELECT id, last_seq, version FROM chat_conversation
        WHERE id IN (SELECT conversation_id FROM given) ORDER BY id {for_update}
    )
    SELECT given.number, locked.id, locked.last_seq, locked.version, seen.id, seen.version,
        part.id, part.visible_after_seq, person.username, person.first_name, person.last_name, said.id
    FROM given
    LEFT JOIN locked ON locked.id = given.conversation_id
    LEFT JOIN chat_conversation seen ON seen.id = given.conversation_id
    LEFT JOIN chat_conversationparticipant part
        ON part.conversation_id = given.conversation_id AND part.user_id = given.sender_id
    LEFT JOIN authentication_user person ON person.id = part.user_id
    LEFT JOIN chat_message said
        ON said.conversation_id = given.conversation_id AND said.sender_id = given.sender_id
        AND said.client_id = given.client_id""",
)
LOCK = Statement(
    {"id": "bigint"}, "SELECT id FROM chat_conversation WHERE id IN (SELECT id FROM given) {wait_for_update}"
)
STORE = Statement(
    {
        "conversation_id": "bigint",
        "seq": "bigint",
        "version": "bigint",
        "type": "text",
        "sender_id": "bigint",
        "content": "text",
        "reply_to_id": "bigint",
        "client_id": "text",
        "client_digest": "text",
        "event": "text",
        "created_at": "timestamptz",
    },
    """INSERT INTO chat_message (conversation_id, seq, version, type, sender_id, content, reply_to_id, client_id,
        client_digest, event, created_at)
    SELECT conversation_id, seq, version, type, sender_id, content, reply_to_id, client_id, client_digest,
        CAST(event AS {json}), created_at
    FROM given WHERE true {returning} id, conversation_id, seq""",
    """UPDATE chat_conversation SET last_seq = said.seq, version = said.version, updated_at = said.created_at
    FROM (
        SELECT conversation_id, max(seq) AS seq, max(version) AS version, max(created_at) AS created_at
        FROM given GROUP BY conversation_id
    ) said WHERE chat_conversation.id = said.conversation_id""",
    """UPDATE chat_conversationparticipant SET last_read_seq = said.seq, last_read_at = said.created_at
    FROM (
        SELECT conversation_id, sender_id, max(seq) AS seq, max(created_at) AS created_at
        FROM given GROUP BY conversation_id, sender_id
    ) said
    WHERE chat_conversationparticipant.conversation_id = said.conversation_id
        AND chat_conversationparticipant.user_id = said.sender_id""",
)
STORED = Statement(
    {"conversation_id": "bigint", "seq": "bigint"},
    """SELECT stored.id, stored.conversation_id, stored.seq FROM given JOIN chat_message stored
        ON stored.conversation_id = given.conversation_id AND stored.seq = given.seq""",
)


class Known(NamedTuple):
    """What is stored about one send."""

    is_there: bool  # the conversation
    conversation: Conversation | None  # with no more than its head; None: somebody else holds it, or it is not there
    part: ConversationParticipant | None  # the sender's, with of the user what a message shows
    said_id: int | None  # the message that was sent with the same `client_id`


def lock_and_read(sends: Sequence[tuple[int, int, str | None]]) -> list[Known]:
    """Lock the conversations that nobody else holds, and read what is needed to judge each of these sends: its
    conversation, its sender and its `client_id`.

    All of it is read before the locks were had, or in the same moment. What was changed in between has moved the
    conversation's version, and is not judged by what was read: it counts as held.
    """
    conversations: dict[int, Conversation] = {}
    known: list[Known | None] = [None] * len(sends)
    for number, pk, last_seq, version, seen_pk, seen_version, *rest in READ.run(
        [(number, *send) for number, send in enumerate(sends)]
    ):
        if pk is not None and pk not in conversations and version == seen_version:
            conversations[pk] = _of(Conversation, ["id", "last_seq", "version"], (pk, last_seq, version))
        part_id, begin, *names, said_id = rest
        part = None if part_id is None else _part(part_id, sends[number][0], sends[number][1], begin, names)
        known[number] = Known(seen_pk is not None, conversations.get(pk), part, said_id)
    return [each for each in known if each is not None]


def lock(conversation_id: int) -> None:
    """Wait until nobody else holds the conversation; one that is not there is left to `lock_and_read`."""
    LOCK.run([(conversation_id,)])


def _part(pk: int, conversation_id: int, user_id: int, begin: int, names: Sequence[str]) -> ConversationParticipant:
    fields = ["id", "conversation_id", "user_id", "visible_after_seq"]
    part = _of(ConversationParticipant, fields, (pk, conversation_id, user_id, begin))
    part.user = _of(get_user_model(), ["id", "username", "first_name", "last_name"], (user_id, *names))
    return part


def store(messages: Sequence[Message]) -> None:
    """Store new messages, which get their id, where their conversations are, and what their senders have read."""
    rows = [
        (
            *(message.conversation_id, message.seq, message.version, message.type, message.sender_id),
            *(message.content, message.reply_to_id, message.client_id, message.client_digest),
            None if message.event is None else orjson.dumps(message.event).decode(),
            connection.ops.adapt_datetimefield_value(message.created_at),
        )
        for message in messages
    ]
    ids = STORE.run(rows) or STORED.run([(message.conversation_id, message.seq) for message in messages])
    by_place = {(conversation_id, seq): pk for pk, conversation_id, seq in ids}
    for message in messages:
        message.pk = by_place[message.conversation_id, message.seq]
        message._state.adding, message._state.db = False, connection.alias


def _of(model: type[Row], fields: list[str], values: Sequence[Any]) -> Row:
    """A row of which no more was read."""
    return model.from_db(connection.alias, fields, values)
