"""A send whose conversation changes while it is judged: it goes by what is stored once it holds the row.

The statement that locks and reads sees the database as it was when it began. On PostgreSQL it is made to wait between
that moment and its lock, while the change is committed; SQLite has one writer, and there it is made to see old rows.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from rest_framework.exceptions import NotFound

from chat import services
from chat.exceptions import Conflict
from chat.models import Message
from chat.services import log
from chat.services.sending import Send

from .calls import numbers, say

pytestmark = pytest.mark.django_db(transaction=True)

KEY = 7301  # of an advisory lock
ASKED = "WHERE id IN (SELECT conversation_id FROM given)"


def ask(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def while_it_waits(conversation: Any, change: Callable[[], Any], send: Callable[[], Any]) -> Any:
    """What the send returns, whose statement has its snapshot before the change, and its lock after that's commit."""
    is_first = True

    def wait(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        nonlocal is_first
        waits, is_first = is_first and ASKED in sql, is_first and ASKED not in sql
        if waits:
            sql = sql.replace(ASKED, f"{ASKED} AND (SELECT pg_advisory_xact_lock_shared({KEY}) IS NOT NULL)")
        return execute(sql, *args)

    def run() -> Any:
        try:
            with connection.execute_wrapper(wait):
                return send()
        finally:
            connections.close_all()

    ask(f"SELECT pg_advisory_lock({KEY})")
    with ThreadPoolExecutor(1) as threads:
        try:
            answer = threads.submit(run)
            deadline = time.monotonic() + 10
            while not ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
                assert not answer.done(), answer.result()
                assert time.monotonic() < deadline, "the statement does not wait"
            change()
        finally:
            ask(f"SELECT pg_advisory_unlock({KEY})")
        result = answer.result(15)
    assert not is_first
    return result


def by_old_rows(conversation: Any, change: Callable[[], Any], send: Callable[[], Any]) -> Any:
    """What the send returns after the change, whose first statement sees what was stored before it."""
    version = numbers(conversation)[1]
    parts = " UNION ALL ".join(
        f"SELECT {pk} AS id, {conversation.pk} AS conversation_id, {user} AS user_id, {begin} AS visible_after_seq"
        for pk, user, begin in conversation.participants.values_list("pk", "user", "visible_after_seq")
    )
    old = {
        "LEFT JOIN chat_conversation seen": f"LEFT JOIN (SELECT {conversation.pk} AS id, {version} AS version) seen",
        "LEFT JOIN chat_conversationparticipant part": f"LEFT JOIN ({parts}) part",
        "AND said.client_id = given.client_id": f"AND said.client_id = given.client_id AND said.version <= {version}",
    }
    is_first = True

    def see(execute: Callable[..., Any], sql: str, *args: Any) -> Any:
        nonlocal is_first
        if is_first and ASKED in sql:
            is_first = False
            for now, before in old.items():
                assert now in sql
                sql = sql.replace(now, before)
        return execute(sql, *args)

    change()
    with connection.execute_wrapper(see):
        answer = send()
    assert not is_first
    return answer


def meanwhile(conversation: Any, change: Callable[[], Any], send: Callable[[], Any]) -> Any:
    """What the send returns or raises, for which the change comes between what it reads and what it holds."""
    way = while_it_waits if connection.vendor == "postgresql" else by_old_rows
    return way(conversation, change, send)


def say_elsewhere(sender: Any, conversation: Any, content: str, client_id: str | None = None) -> None:
    """As another process does it: in this one a send waits for those that are under way."""
    digest = Send(sender, conversation.pk, content, client_id).digest
    with transaction.atomic():
        message = Message(content=content, client_id=client_id, client_digest=digest)
        log.append(log.lock(conversation_id=conversation.pk), [message], sender=sender)


def texts(conversation: Any) -> list[str]:
    return list(conversation.messages.filter(type="text").order_by("seq").values_list("content", flat=True))


def test_who_is_removed_meanwhile_is_not_heard(alice: Any, bob: Any, group: Any) -> None:
    def remove() -> None:
        services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)

    with pytest.raises(NotFound):
        meanwhile(group, remove, lambda: say(bob, group, "I am still here"))
    assert texts(group) == []


def test_nobody_is_heard_in_a_group_that_is_deleted_meanwhile(alice: Any, bob: Any, group: Any) -> None:
    def delete() -> None:
        services.delete_group_for_everyone(user=alice, conversation_id=group.pk)

    with pytest.raises(NotFound):
        meanwhile(group, delete, lambda: say(bob, group, "I am still here"))
    assert not Message.objects.exists()


def test_what_is_said_meanwhile_keeps_its_number(alice: Any, bob: Any, conversation: Any) -> None:
    said = meanwhile(
        conversation,
        lambda: say_elsewhere(alice, conversation, "First"),
        lambda: say(bob, conversation, "Second"),
    )
    assert (said.seq, said.version) == (2, 2)
    assert texts(conversation) == ["First", "Second"]
    assert numbers(conversation) == (2, 2)


def test_what_is_edited_meanwhile_keeps_its_version(alice: Any, bob: Any, conversation: Any) -> None:
    first = say(alice, conversation, "First")

    def edit() -> None:
        services.edit_message(editor=alice, message_id=first.pk, content="Edited")

    said = meanwhile(conversation, edit, lambda: say(bob, conversation, "Second"))
    assert (said.seq, said.version) == (2, 3)
    assert numbers(conversation) == (2, 3)


def test_a_client_id_that_is_used_meanwhile_stores_one_message(alice: Any, conversation: Any) -> None:
    said = meanwhile(
        conversation,
        lambda: say_elsewhere(alice, conversation, "Hello", client_id="once"),
        lambda: say(alice, conversation, "Hello", client_id="once"),
    )
    assert said.seq == 1
    assert texts(conversation) == ["Hello"]


def test_a_client_id_that_is_used_for_something_else_meanwhile_is_a_conflict(alice: Any, conversation: Any) -> None:
    with pytest.raises(Conflict):
        meanwhile(
            conversation,
            lambda: say_elsewhere(alice, conversation, "Hello", client_id="once"),
            lambda: say(alice, conversation, "Goodbye", client_id="once"),
        )
    assert texts(conversation) == ["Hello"]


def test_who_is_added_meanwhile_is_heard(alice: Any, carol: Any, group: Any) -> None:
    def add() -> None:
        services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])

    assert meanwhile(group, add, lambda: say(carol, group, "I am new")).seq == 3
    assert texts(group) == ["I am new"]
