"""Rows that somebody else holds for long stall what is about them, and nothing else (SQLite has one lock for all)."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.services.server import ServerProcess

Start = Callable[..., ServerProcess]


async def hold(url: str, statement: str, *parameters: int) -> psycopg.AsyncConnection[Any]:
    """A connection in whose transaction that has been done."""
    holder = await psycopg.AsyncConnection.connect(url)
    await holder.execute(statement, parameters)  # type: ignore[arg-type]
    return holder


async def test_read_markers_of_one_group_do_not_hold_up_what_is_said_elsewhere(
    start_server: Start, postgres_url: str, person: Callable[..., Any]
) -> None:
    server = start_server(DATABASE_URL=postgres_url)
    alice, *others = [await person(server, f"user{number}") for number in range(10)]
    held, free = await alice.create_group("Held", *others), await alice.create_group("Free")
    message = await alice.post(held, "Hello")
    sockets = [await each.connect(held) for each in others]
    socket = await alice.connect(free)
    async with await hold(postgres_url, "DELETE FROM chat_conversationparticipant WHERE conversation_id = %s", held):
        for each in sockets:
            await each.send({"type": "read_receipt", "message_id": message["id"]})
        await asyncio.sleep(0.5)
        for number in range(5):
            await socket.send({"type": "chat_message", "content": "Hello", "client_id": str(number)})
            await socket.receive_until("ack", timeout=2)


async def test_a_user_whose_row_is_held_keeps_nobody_else_out(
    start_server: Start, postgres_url: str, person: Callable[..., Any]
) -> None:
    server = start_server(DATABASE_URL=postgres_url)
    alice, bob = await person(server, "alice"), await person(server, "bob")
    pk = await alice.create_private(bob)
    async with await hold(postgres_url, "SELECT FROM authentication_user WHERE id = %s FOR NO KEY UPDATE", bob.id):
        his, hers = await bob.connect(pk), await alice.connect(pk)
        for socket in (his, hers):
            await socket.receive("connected", timeout=3)
    shown = await hers.receive_until("user_status", timeout=3)  # once the row is free
    assert (shown["user_id"], shown["status"]) == (bob.id, "online")


def test_the_messages_of_a_conversation_go_before_its_participants(alice: Any, bob: Any, group: Any) -> None:
    from chat import services

    with CaptureQueriesContext(connection) as queries:
        services.delete_group_for_everyone(user=alice, conversation_id=group.pk)
    deleted = [query["sql"].split('"')[1] for query in queries if query["sql"].startswith("DELETE")]
    tables = [name for number, name in enumerate(deleted) if name not in deleted[:number]]
    assert tables == ["chat_message", "chat_conversationparticipant", "chat_conversation"]
