"""Sends that arrive together share a transaction, and no other fate."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from asgiref.sync import sync_to_async
from rest_framework.exceptions import NotFound, Throttled

from chat import services
from chat.exceptions import Conflict, DoesNotExist
from chat.models import Conversation, ConversationParticipant, Message
from chat_server.environment import Rate
from tests.services.server import RealClient, ServerProcess

pytestmark = pytest.mark.usefixtures("transactional_db")


def say(sender: Any, conversation: Any, content: Any, **fields: Any) -> Any:
    return services.asend_message(sender=sender, conversation_id=conversation.pk, content=content, **fields)


@sync_to_async
def stored(conversation: Any) -> list[Message]:
    return list(conversation.messages.filter(type="text").order_by("seq"))


async def test_sends_that_arrive_together_share_a_transaction(alice: Any, bob: Any, conversation: Any) -> None:
    answers = await asyncio.gather(*(say(who, conversation, str(n)) for n in range(30) for who in (alice, bob)))
    messages = await stored(conversation)
    assert [message.seq for message in messages] == list(range(1, 61))
    assert {message.pk for message, is_new in answers if is_new} == {message.pk for message in messages}
    assert len({message.created_at for message in messages}) <= 10  # those of one transaction have one time


async def test_both_doors_share_a_transaction(alice: Any, bob: Any, conversation: Any) -> None:
    over_rest = [
        asyncio.to_thread(services.send_message, sender=bob, conversation_id=conversation.pk, content=f"bob {n}")
        for n in range(8)
    ]
    await asyncio.gather(*over_rest, *(say(alice, conversation, f"alice {n}") for n in range(40)))
    messages = await stored(conversation)
    by_time: dict[Any, set[int | None]] = {}
    for message in messages:
        by_time.setdefault(message.created_at, set()).add(message.sender_id)
    assert len(messages) == 48
    assert {alice.pk, bob.pk} in by_time.values()


async def test_what_is_refused_fails_alone(alice: Any, bob: Any, eve: Any, conversation: Any, group: Any) -> None:
    elsewhere = await say(alice, group, "elsewhere")
    answers = await asyncio.gather(
        say(alice, conversation, "first", client_id="one"),
        say(eve, conversation, "a stranger's"),
        say(alice, Conversation(pk=10**9), "nowhere"),
        say(bob, conversation, "a quote", reply_to=elsewhere[0].pk),
        say(alice, conversation, "something else", client_id="one"),
        say(alice, conversation, "first", client_id="one"),
        say(bob, conversation, "last"),
        return_exceptions=True,
    )
    kinds = [type(each) for each in answers]
    assert kinds == [tuple, NotFound, NotFound, DoesNotExist, Conflict, tuple, tuple]
    assert (answers[0][1], answers[5][1], answers[0][0].pk == answers[5][0].pk) == (True, False, True)
    assert [message.content for message in await stored(conversation)] == ["first", "last"]


async def test_a_send_and_its_repetitions_count_once_and_what_is_over_the_limit_fails_alone(
    alice: Any, bob: Any, conversation: Any, settings: Any
) -> None:
    settings.THROTTLE_MESSAGES = Rate(3, 600)
    answers = await asyncio.gather(
        say(alice, conversation, "first"),
        *(say(alice, conversation, "same", client_id="same") for _ in range(3)),
        say(alice, conversation, "third"),
        *(say(alice, conversation, "one too many", client_id="later") for _ in range(2)),
        say(bob, conversation, "bob's"),
        return_exceptions=True,
    )
    assert [type(each) for each in answers] == [tuple] * 5 + [Throttled] * 2 + [tuple]
    assert [message.content for message in await stored(conversation)] == ["first", "same", "third", "bob's"]


async def test_what_the_database_refuses_fails_alone(alice: Any, bob: Any, conversation: Any) -> None:
    answers = await asyncio.gather(
        *(say(alice, conversation, f"before {n}") for n in range(3)),
        say(bob, conversation, None),  # no door lets this through: here it stands for a fault that nobody foresaw
        *(say(alice, conversation, f"after {n}") for n in range(3)),
        return_exceptions=True,
    )
    assert [isinstance(each, Exception) for each in answers] == [False] * 3 + [True] + [False] * 3
    messages = await stored(conversation)
    assert [message.seq for message in messages] == [1, 2, 3, 4, 5, 6]
    assert "after 2" in [message.content for message in messages]


async def test_each_sender_has_read_up_to_what_they_said(alice: Any, bob: Any, conversation: Any) -> None:
    await asyncio.gather(*(say(who, conversation, str(n)) for n in range(5) for who in (alice, bob)))
    messages = await stored(conversation)

    @sync_to_async
    def markers() -> dict[int, int]:
        return dict(ConversationParticipant.objects.values_list("user", "last_read_seq"))

    last = {message.sender_id: message.seq for message in messages}
    assert await markers() == last


async def test_who_no_longer_waits_is_stored_and_disturbs_nobody(alice: Any, bob: Any, conversation: Any) -> None:
    waiting = [asyncio.ensure_future(say(alice, conversation, str(n))) for n in range(5)]
    await asyncio.sleep(0)
    waiting[3].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await say(bob, conversation, "next")
    assert len(await stored(conversation)) == 6


async def test_a_conversation_that_somebody_else_holds_stalls_alone(
    start_server: Callable[..., ServerProcess], postgres_url: str, person: Callable[..., Any]
) -> None:
    server = start_server(DATABASE_URL=postgres_url)
    alice: RealClient = await person(server, "alice")
    bob: RealClient = await person(server, "bob")
    held, free = await alice.create_group("Held", bob), await alice.create_group("Free", bob)
    socket = await alice.connect(free)
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("SELECT FROM chat_conversation WHERE id = %s FOR UPDATE", [held])
        stalled = [asyncio.ensure_future(each.post(held, f"stalled {n}")) for n in range(6) for each in (alice, bob)]
        for n in range(10):
            await socket.send({"type": "chat_message", "content": f"free {n}", "client_id": str(n)})
            await socket.receive_until("ack", timeout=2)
            await asyncio.wait_for(bob.post(free, f"free as well {n}"), 2)
        assert not any(send.done() for send in stalled)
    messages = await asyncio.gather(*stalled)
    assert sorted(message["seq"] for message in messages) == list(range(2, 14))


async def test_a_conversation_that_somebody_else_holds_stalls_alone_in_an_inbox(
    start_server: Callable[..., ServerProcess], postgres_url: str, person: Callable[..., Any]
) -> None:
    server = start_server(DATABASE_URL=postgres_url)
    alice: RealClient = await person(server, "alice")
    held, free = await alice.create_group("Held"), await alice.create_group("Free")
    socket = await alice.open_inbox()
    await socket.receive("connected")

    async def send(conversation: int, client_id: str) -> None:
        frame = {"type": "chat_message", "conversation_id": conversation, "content": "Hello", "client_id": client_id}
        await socket.send(frame)

    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("SELECT FROM chat_conversation WHERE id = %s FOR UPDATE", [held])
        for n in range(3):
            await send(held, f"held {n}")
        for n in range(5):
            await send(free, f"free {n}")
            assert (await socket.receive_until("ack", timeout=2))["client_id"] == f"free {n}"
    acks = [await socket.receive_until("ack", timeout=5) for _ in range(3)]
    assert [(ack["client_id"], ack["seq"]) for ack in acks] == [("held 0", 2), ("held 1", 3), ("held 2", 4)]
