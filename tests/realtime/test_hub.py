"""Sockets that come and go: each gets what is for it, and a conversation that nobody has open is none the worse."""

import asyncio
from collections.abc import Callable
from typing import Any

from tests.realtime.frames import contents, durable, until_pong, up_to_version, versions

Enter = Callable[..., Any]
TYPES = {"type": "typing", "is_typing": True}


async def test_a_conversation_that_was_left_by_everybody_is_live_again_for_who_comes_back(
    enter: Enter, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    for number in range(3):
        socket, typist = await enter(bob, conversation), await enter(alice, conversation)
        await typist.send(TYPES)
        await socket.receive_until("typing")  # carried by the layer, and never repaired
        await post(alice, conversation, str(number))
        assert contents(await durable(socket, 1)) == [str(number)]
        await asyncio.gather(socket.close(), typist.close())


async def test_the_last_socket_that_goes_while_another_comes_takes_nothing_from_it(
    enter: Enter, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    typist = await enter(alice, group)
    await typist.close()
    old = await enter(bob, group)
    for _ in range(5):
        _, new = await asyncio.gather(old.close(), enter(bob, group))
        typist = await enter(alice, group)
        await typist.send(TYPES)
        await new.receive_until("typing")
        await typist.close()
        old = new


async def test_what_was_said_while_nobody_was_there_is_resumed(
    enter: Enter, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await (await enter(bob, conversation)).close()
    await post(alice, conversation, "1")
    socket = await enter(bob, conversation, since=0)
    await post(alice, conversation, "2")
    assert contents(await durable(socket, 2)) == ["1", "2"]


async def test_a_stranger_who_knocks_first_is_no_matter_to_who_comes_then(
    connect: Callable[..., Any],
    enter: Enter,
    post: Callable[..., Any],
    eve: Any,
    alice: Any,
    bob: Any,
    conversation: Any,
) -> None:
    refused, socket = await asyncio.gather(connect(eve, conversation), enter(bob, conversation))
    assert await refused.closed() == 4404
    await post(alice, conversation)
    assert versions(await durable(socket, 1)) == [1]


async def test_many_sockets_get_many_messages_in_the_same_order(
    enter: Enter, alice: Any, bob: Any, conversation: Any
) -> None:
    sockets = [await enter(user, conversation) for user in [alice, bob] * 5]
    for number in range(5):
        for socket in sockets[:4]:
            await socket.send({"type": "chat_message", "content": str(number)})
    streams = [await up_to_version(socket, 20) for socket in sockets]
    assert versions(streams[0]) == list(range(1, 21))
    assert all(stream == streams[0] for stream in streams)


async def test_a_socket_that_goes_in_the_middle_costs_the_others_nothing(
    enter: Enter, alice: Any, bob: Any, conversation: Any
) -> None:
    here, stays, goes = [await enter(user, conversation) for user in (alice, bob, bob)]
    for number in range(20):
        await here.send({"type": "chat_message", "content": str(number)})
        if number == 10:
            await goes.close()
    assert versions(await up_to_version(stays, 20)) == list(range(1, 21))


async def test_a_socket_that_goes_at_once_leaves_nothing_behind(
    connect: Callable[..., Any], enter: Enter, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    for _ in range(5):
        await (await connect(bob, conversation)).close()  # before `connected` was read
    socket = await enter(bob, conversation)
    await post(alice, conversation)
    assert versions(await durable(socket, 1)) == [1]
    assert await until_pong(socket) == []
