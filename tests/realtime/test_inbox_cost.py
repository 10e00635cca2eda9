"""What an inbox costs does not grow with its user's conversations, nor a message with the inboxes that it goes to."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import psycopg
from channels.layers import get_channel_layer

from tests.realtime.frames import durable
from tests.services.server import RealClient, ServerProcess

Open = Callable[..., Any]
MANY, TIMES = 1000, 12


def transactions(url: str) -> int:
    """How many the server has run on its database so far: a query by itself is one."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int((row.fetchone() or [0])[0])


def fill(url: str, user_id: int) -> None:
    """As if the user had created so many groups."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO chat_conversation (type, name, description, last_seq, version, created_at, updated_at)"
            " SELECT 'group', 'Group', '', 0, 0, now(), now() FROM generate_series(1, %s)",
            [MANY],
        )
        connection.execute(
            "INSERT INTO chat_conversationparticipant"
            " (conversation_id, user_id, is_admin, joined_at, visible_after_seq, last_read_seq)"
            " SELECT id, %s, true, now(), 0, 0 FROM chat_conversation WHERE name = 'Group'",
            [user_id],
        )


async def test_an_inbox_of_a_thousand_conversations_opens_for_as_many_queries_as_one_of_two(
    start_server: Callable[..., ServerProcess], postgres_url: str, person: Callable[..., Any]
) -> None:
    server = start_server(DATABASE_URL=postgres_url)
    few, many = await person(server, "few"), await person(server, "many")
    for name in ("One", "Two"):
        await few.create_group(name)
    await asyncio.to_thread(fill, postgres_url, many.id)

    async def cost(client: RealClient) -> int:
        await asyncio.sleep(1.5)  # statistics are at most a second old
        before = transactions(postgres_url)
        for _ in range(TIMES):
            socket = await client.open_inbox()
            connected = await socket.receive("connected", timeout=20)
            await socket.close()
        assert len(connected["conversations"]) == (2 if client is few else 200)
        await asyncio.sleep(1.5)
        return transactions(postgres_url) - before

    # What runs every second is in it, and one takes longer than the other: one query for each would be twelve thousand.
    assert await cost(many) < await cost(few) + 10 * TIMES


async def test_an_inbox_asks_the_layer_only_for_conversations_that_nobody_has_open_here(
    layer: Callable[..., None], enter: Open, open_inbox: Open, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    layer("CountingLayer")
    await enter(bob, conversation)
    for user in (alice, alice, bob):
        await open_inbox(user)
    asked = [name for name in get_channel_layer().asked if name.startswith("conversation.")]
    assert asked == [f"conversation.{conversation.pk}", f"conversation.{group.pk}"]


async def test_a_message_is_encoded_and_published_once_for_all_inboxes_and_sockets(
    layer: Callable[..., None], enter: Open, open_inbox: Open, post: Callable[..., Any],
    alice: Any, bob: Any, group: Any, monkeypatch: Any,
) -> None:  # fmt: skip
    layer("CountingLayer")
    sockets = [await open_inbox(user) for user in [alice, bob] * 4]
    sockets += [await enter(user, group) for user in [alice, bob] * 4]
    encoded: list[str] = []
    plain = orjson.dumps

    def dumps(value: Any) -> bytes:
        encoded.append(value["type"])
        return plain(value)

    monkeypatch.setattr("chat.broadcast.orjson.dumps", dumps)
    get_channel_layer().sent.clear()
    await post(alice, group)
    for socket in sockets:
        assert len(await durable(socket, 1)) == 1
    assert encoded.count("chat_message") == 1
    assert get_channel_layer().sent.count(f"conversation.{group.pk}") == 1
