"""Each version once and in order, though the channel layer loses, doubles and reorders what it carries."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from tests.realtime.frames import DURABLE, answer, durable, pong, the_rest, until_pong, up_to_version, versions

ARRIVES = 5  # seconds after a message was stored, at most
Enter = Callable[..., Any]


def _hello(number: int) -> dict[str, Any]:
    return {"type": "chat_message", "content": str(number), "client_id": str(number)}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_socket_gets_each_message_once_in_order(
    layer: Callable[..., None], enter: Enter, alice: Any, bob: Any, conversation: Any, seed: int
) -> None:
    layer("UnreliableLayer", seed=seed)
    here, *others = [await enter(user, conversation) for user in (alice, alice, bob, bob)]
    for number in range(40):
        await here.send(_hello(number))
    streams = [await up_to_version(socket, 40, timeout=ARRIVES + 3) for socket in others]
    assert [versions(frames) for frames in streams] == [list(range(1, 41))] * 3
    assert await until_pong(others[0], *DURABLE) == []


@pytest.mark.parametrize("seed", [4, 5])
async def test_every_socket_ends_with_what_rest_shows(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any], call: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any, seed: int,
) -> None:  # fmt: skip
    layer("UnreliableLayer", seed=seed)
    sockets = [await enter(user, conversation) for user in (alice, bob)]
    messages = [await post(alice, conversation, str(number)) for number in range(6)]
    for message in messages * 2:
        await call(alice, "patch", f"messages/{message['id']}/", {"content": f"{message['content']}, {time.time()}"})
    for message in messages[::2]:
        await call(alice, "delete", f"messages/{message['id']}/delete/")
    shown = (await call(bob, "get", f"conversations/{conversation.pk}/messages/"))["results"]
    for socket in sockets:
        frames = await up_to_version(socket, 21, timeout=ARRIVES + 1)
        assert versions(frames) == sorted(set(versions(frames)))
        last = {frame["message"]["seq"]: frame["message"] for frame in frames}
        assert [last[seq] for seq in sorted(last)] == shown


async def test_what_the_layer_has_lost_arrives_late(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    layer("SilentLayer")
    socket = await enter(bob, conversation)
    message = await post(alice, conversation)
    assert [frame["message"] for frame in await durable(socket, 1, timeout=ARRIVES)] == [message]


async def test_a_lost_message_is_read_as_soon_as_a_later_one_shows_the_gap(
    layer: Callable[..., None], enter: Enter, alice: Any, bob: Any, conversation: Any
) -> None:
    layer("UnreliableLayer", seed=7)
    here, there = await enter(alice, conversation), await enter(bob, conversation)
    begin = time.monotonic()
    for number in range(200):
        await here.send(_hello(number))
    assert len(await up_to_version(there, 200, timeout=60)) == 200
    assert time.monotonic() - begin < 60


@pytest.mark.parametrize("name", ["DeadLayer", "FadingLayer", "DeafLayer"])
async def test_while_the_layer_is_away_sends_are_acknowledged_and_arrive_in_order(
    layer: Callable[..., None], enter: Enter, alice: Any, bob: Any, conversation: Any, name: str
) -> None:
    layer(name)
    here, there = await enter(alice, conversation), await enter(bob, conversation)
    get_channel_layer().hangs = True
    for number in range(3):
        begin = time.monotonic()
        await here.send({"type": "typing", "is_typing": True})
        assert (await answer(here, _hello(number)))["type"] == "ack"
        assert time.monotonic() - begin < 1
    assert versions(await durable(there, 3, timeout=ARRIVES)) == [1, 2, 3]
    get_channel_layer().hangs = False


@pytest.mark.parametrize("name", ["DeadLayer", "FadingLayer", "DeafLayer"])
async def test_while_the_layer_is_away_sockets_are_let_in(
    layer: Callable[..., None],
    enter: Enter,
    post: Callable[..., Any],
    alice: Any,
    bob: Any,
    conversation: Any,
    name: str,
) -> None:
    layer(name)
    there = await enter(bob, conversation)
    get_channel_layer().hangs = True
    await post(alice, conversation, "1")
    here = await enter(alice, conversation, since=0)
    await post(alice, conversation, "2")
    assert versions(await durable(here, 2, timeout=ARRIVES)) == [1, 2]
    assert versions(await durable(there, 2, timeout=ARRIVES)) == [1, 2]
    get_channel_layer().hangs = False


async def test_a_layer_that_comes_back_carries_on(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    layer("FadingLayer")
    socket = await enter(bob, conversation)
    get_channel_layer().hangs = True
    await post(alice, conversation, "1")
    late = await enter(bob, conversation, since=0)
    get_channel_layer().hangs = False
    await post(alice, conversation, "2")
    for each in (socket, late):
        assert versions(await durable(each, 2, timeout=ARRIVES)) == [1, 2]


@pytest.mark.parametrize("name", ["FadingLayer", "DeafLayer"])
async def test_new_rooms_while_the_layer_hangs_do_not_hold_up_the_others(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any, name: str,
) -> None:  # fmt: skip
    from chat import services

    groups = [
        await sync_to_async(services.create_group)(creator=alice, name=str(number), participant_ids=[])
        for number in range(8)
    ]
    layer(name)
    there = await enter(bob, conversation)
    get_channel_layer().hangs = True
    await asyncio.gather(*(enter(alice, group) for group in groups))
    await pong(there)
    await post(alice, conversation)
    assert versions(await durable(there, 1, timeout=ARRIVES)) == [1]
    get_channel_layer().hangs = False


async def test_a_pong_holds_what_was_stored_though_nothing_was_carried(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    layer("SilentLayer")
    socket = await enter(bob, conversation)
    await post(alice, conversation)
    deadline = time.monotonic() + ARRIVES
    while (held := await pong(socket))["version"] < 1:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert (held["version"], held["last_seq"]) == (1, 1)


@pytest.mark.parametrize("name", ["SilentLayer", "DeadLayer"])
async def test_nothing_after_the_removal_reaches_who_was_removed_though_nothing_is_carried(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any], remove: Callable[..., Any],
    alice: Any, bob: Any, group: Any, name: str,
) -> None:  # fmt: skip
    layer(name)
    socket, here = await enter(bob, group), await enter(alice, group)
    await post(alice, group, "before")
    await remove(group, alice, bob)
    for number in range(5):
        await post(alice, group, f"after {number}")
    frames, code = await the_rest(socket)
    assert code == 4403
    assert all(frame["version"] <= 3 for frame in frames if frame["type"] in DURABLE)
    assert versions(await up_to_version(here, 8, timeout=ARRIVES)) == [2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("seed", range(11, 15))
async def test_nothing_after_the_removal_reaches_who_was_removed_by_an_unreliable_layer(
    layer: Callable[..., None], enter: Enter, post: Callable[..., Any], remove: Callable[..., Any],
    alice: Any, bob: Any, group: Any, seed: int,
) -> None:  # fmt: skip
    layer("UnreliableLayer", seed=seed)
    socket = await enter(bob, group)
    await post(alice, group, "before")
    await remove(group, alice, bob)
    for number in range(5):
        await post(alice, group, f"after {number}")
    frames, code = await the_rest(socket)
    assert code == 4403
    assert all(frame["version"] <= 3 for frame in frames if frame["type"] in DURABLE)
