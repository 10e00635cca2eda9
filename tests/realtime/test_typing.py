"""Who types: shown to the others, and never for longer than it is so."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import answer, until_pong

Enter = Callable[..., Any]
TYPES, STOPS = {"type": "typing", "is_typing": True}, {"type": "typing", "is_typing": False}


@pytest.fixture
async def here(enter: Enter, alice: Any, conversation: Any) -> Any:
    """Alice's socket; she types."""
    return await enter(alice, conversation)


@pytest.fixture
async def there(enter: Enter, bob: Any, conversation: Any, here: Any) -> Any:
    """Bob's socket; he has seen that Alice types."""
    socket = await enter(bob, conversation)
    await here.send(TYPES)
    assert (await socket.receive_until("typing"))["is_typing"] is True
    return socket


async def test_typing_is_shown_to_the_others(here: Any, enter: Enter, alice: Any, bob: Any, conversation: Any) -> None:
    there = await enter(bob, conversation)
    await here.send(TYPES)
    assert await there.receive_until("typing") == {
        "type": "typing",
        "conversation_id": conversation.pk,
        "user_id": alice.pk,
        "username": "alice",
        "is_typing": True,
    }


async def test_one_s_own_typing_is_never_shown(
    here: Any, there: Any, enter: Enter, alice: Any, conversation: Any
) -> None:
    also_here = await enter(alice, conversation)
    await here.send(STOPS)
    await here.send(TYPES)
    await there.receive_until("typing")
    await there.receive_until("typing")
    assert await until_pong(here) == await until_pong(also_here) == []


async def test_typing_is_shown_in_its_conversation_only(
    here: Any, enter: Enter, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    there, elsewhere = await enter(bob, conversation), await enter(bob, group)
    await here.send({**TYPES, "conversation_id": group.pk})
    await there.receive_until("typing")
    assert await until_pong(elsewhere) == []


async def test_typing_ends_when_it_is_said_to(here: Any, there: Any, alice: Any, conversation: Any) -> None:
    await here.send(STOPS)
    assert await there.receive_until("typing") == {
        "type": "typing",
        "conversation_id": conversation.pk,
        "user_id": alice.pk,
        "username": "alice",
        "is_typing": False,
    }


async def test_typing_ends_with_a_message_on_the_socket(here: Any, there: Any) -> None:
    await here.send({"type": "chat_message", "content": "Hello"})
    kinds = sorted([(await there.receive())["type"], (await there.receive())["type"]])
    assert kinds == ["chat_message", "typing"]


async def test_typing_ends_with_a_message_over_rest(
    there: Any, post: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    await post(alice, conversation)
    frames = await until_pong(there)
    assert [each["is_typing"] for each in frames if each["type"] == "typing"] == [False]


async def test_typing_does_not_end_with_somebody_else_s_message(
    there: Any, post: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    await post(bob, conversation)
    assert [each["type"] for each in await until_pong(there)] == ["chat_message"]


async def test_typing_ends_when_the_socket_closes(here: Any, there: Any) -> None:
    await here.close()
    assert (await there.receive_until("typing"))["is_typing"] is False


async def test_typing_ends_when_who_types_is_removed(
    enter: Enter, remove: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    there, here = await enter(alice, group), await enter(bob, group)
    await here.send(TYPES)
    await there.receive_until("typing")
    await remove(group, alice, bob)
    assert (await there.receive_until("typing"))["is_typing"] is False


async def test_who_does_not_type_is_not_said_to_have_stopped(here: Any, there: Any) -> None:
    await here.send(STOPS)
    await there.receive_until("typing")
    await answer(here, {**STOPS, "client_id": "1"})
    await answer(here, {"type": "chat_message", "content": "Hello", "client_id": "2"})
    assert [each["type"] for each in await until_pong(there)] == ["chat_message"]


async def test_of_a_flood_a_few_are_shown_and_its_last_word_a_moment_later(
    here: Any, there: Any, enter: Enter, alice: Any, conversation: Any
) -> None:
    also_here = await enter(alice, conversation)
    for _ in range(30):
        await answer(here, {**STOPS, "client_id": "1"})
        await answer(also_here, {**TYPES, "client_id": "2"})
    await answer(here, {**STOPS, "client_id": "3"})
    shown = [each["is_typing"] for each in await until_pong(there)]
    assert 1 < len(shown) <= 5
    if shown[-1]:
        assert (await there.receive_until("typing"))["is_typing"] is False
    assert await until_pong(there) == []


async def test_what_waits_to_be_shown_is_shown_when_the_socket_closes(here: Any, there: Any) -> None:
    for number in range(30):
        await answer(here, {**TYPES, "client_id": str(number)})
    await answer(here, {**STOPS, "client_id": "stops"})
    await here.close()
    async with asyncio.timeout(3):  # before it would end by itself
        while (await there.receive_until("typing", timeout=3))["is_typing"]:
            pass


async def test_a_socket_that_closes_ends_nothing_that_another_one_of_the_user_types(
    here: Any, there: Any, enter: Enter, alice: Any, conversation: Any
) -> None:
    also_here = await enter(alice, conversation)
    await also_here.close()
    assert await until_pong(there, "typing") == []


async def test_what_waits_to_be_shown_is_old_with_the_message(
    here: Any, there: Any, enter: Enter, alice: Any, conversation: Any
) -> None:
    for number in range(30):
        await answer(here, {**TYPES, "client_id": str(number)})
    await answer(here, {"type": "chat_message", "content": "Hello", "client_id": "said"})
    shown = await until_pong(there)
    assert [each["type"] for each in shown][-2:] == ["typing", "chat_message"]
    assert shown[-2]["is_typing"] is False
    await there.nothing(1.5)


async def test_typing_ends_by_itself_six_seconds_after_it_was_last_said(
    enter: Enter, add: Callable[..., Any], alice: Any, bob: Any, carol: Any, group: Any
) -> None:
    await add(group, alice, carol)
    watcher, once, again = [await enter(user, group) for user in (alice, bob, carol)]

    async def type_twice() -> None:
        await again.send(TYPES)
        await asyncio.sleep(1.5)
        await again.send(TYPES)

    begin = time.monotonic()
    await once.send(TYPES)
    typing = asyncio.create_task(type_twice())
    ended: dict[int, float] = {}
    while len(ended) < 2:
        frame = await watcher.receive_until("typing", timeout=12)
        if not frame["is_typing"]:
            assert frame["user_id"] not in ended
            ended[frame["user_id"]] = time.monotonic() - begin
    await typing
    assert 5 < ended[bob.pk] < 7.5
    assert 6.5 < ended[carol.pk] < 9
