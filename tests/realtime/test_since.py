"""`?since=`: first all that was missed, then live, without gap or overlap."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.realtime.frames import contents, durable, pong, until_pong, up_to_version, versions
from tests.services.client import Socket

Connect = Callable[..., Any]


async def _replayed(socket: Socket) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """`connected`, and what comes after it."""
    return await socket.receive("connected", timeout=10), await until_pong(socket)


@pytest.fixture
async def said(post: Callable[..., Any], bob: Any, conversation: Any) -> list[dict[str, Any]]:
    """Five messages of Bob's, versions 1 to 5."""
    return [await post(bob, conversation, str(number)) for number in range(1, 6)]


async def test_what_came_after_a_version_is_replayed_in_order(
    connect: Connect, alice: Any, conversation: Any, said: list[dict[str, Any]]
) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=2))
    assert (connected["recovered"], connected["version"], connected["last_seq"]) == (True, 5, 5)
    assert [frame["message"] for frame in frames] == said[2:]
    assert [(frame["type"], frame["version"]) for frame in frames] == [("chat_message", n) for n in (3, 4, 5)]


@pytest.mark.usefixtures("said")
async def test_since_0_replays_everything(connect: Connect, alice: Any, conversation: Any) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=0))
    assert (connected["recovered"], versions(frames)) == (True, [1, 2, 3, 4, 5])


async def test_edits_and_deletions_are_replayed_at_their_version_in_their_last_state(
    connect: Connect, call: Callable[..., Any], alice: Any, bob: Any, conversation: Any, said: list[dict[str, Any]]
) -> None:
    await call(bob, "patch", f"messages/{said[0]['id']}/", {"content": "once"})
    await call(bob, "delete", f"messages/{said[3]['id']}/delete/")
    await call(bob, "patch", f"messages/{said[0]['id']}/", {"content": "twice"})
    _, frames = await _replayed(await connect(alice, conversation, since=1))
    shown = (await call(alice, "get", f"conversations/{conversation.pk}/changes/?since=1"))["results"]
    assert [frame["message"] for frame in frames] == shown
    assert [(frame["type"], frame["version"], frame["message"]["seq"]) for frame in frames] == [
        ("chat_message", 2, 2),
        ("chat_message", 3, 3),
        ("chat_message", 5, 5),
        ("message_deleted", 7, 4),
        ("message_updated", 8, 1),
    ]


@pytest.mark.usefixtures("said")
async def test_who_has_everything_is_recovered_and_gets_nothing(
    connect: Connect, alice: Any, conversation: Any
) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=5))
    assert (connected["recovered"], frames) == (True, [])


async def test_who_has_the_nothing_of_an_empty_conversation_is_recovered(
    connect: Connect, alice: Any, conversation: Any
) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=0))
    assert (connected["recovered"], frames) == (True, [])


GARBAGE = ["", "abc", "-1", "1.5", "1e0", " 1", "+1", "0x1", "²", "٣", "null", "9" * 18, "9" * 40, "9" * 5000, "\u0000"]


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize("since", [6, 10**9, 2**63, 2**70, *GARBAGE], ids=lambda since: ascii(since)[:20])
async def test_a_version_from_the_future_or_no_version_is_not_recovered(
    connect: Connect, alice: Any, conversation: Any, since: Any
) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=since))
    assert (connected["recovered"], connected["version"], frames) == (False, 5, [])


@pytest.mark.usefixtures("said")
async def test_without_since_it_is_not_recovered_and_goes_on_live(
    connect: Connect, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    socket = await connect(alice, conversation)
    connected, frames = await _replayed(socket)
    assert (connected["recovered"], frames) == (False, [])
    await post(bob, conversation, "live")
    assert versions(await durable(socket, 1)) == [6]


@pytest.fixture
async def a_thousand_and_one(bob: Any, conversation: Any) -> None:
    """So many messages."""
    from chat.models import Conversation, Message

    def fill() -> None:
        now = timezone.now()
        fields = {"conversation": conversation, "sender": bob, "created_at": now}
        rows = (Message(seq=n, version=n, content=str(n), **fields) for n in range(1, 1002))
        Message.objects.bulk_create(rows)
        Conversation.objects.filter(pk=conversation.pk).update(version=1001, last_seq=1001)

    await sync_to_async(fill)()


@pytest.mark.usefixtures("a_thousand_and_one")
async def test_a_thousand_changes_are_replayed(connect: Connect, alice: Any, conversation: Any) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=1))
    assert (connected["recovered"], versions(frames)) == (True, list(range(2, 1002)))


@pytest.mark.usefixtures("a_thousand_and_one")
async def test_more_than_a_thousand_changes_are_not(connect: Connect, alice: Any, conversation: Any) -> None:
    connected, frames = await _replayed(await connect(alice, conversation, since=0))
    assert (connected["recovered"], connected["version"], frames) == (False, 1001, [])


# Windows --------------------------------------------------------------------------------------------


async def test_a_newcomer_gets_nothing_older_than_their_own_coming(
    connect: Connect, post: Callable[..., Any], add: Callable[..., Any], alice: Any, carol: Any, group: Any
) -> None:
    await post(alice, group, "before")
    await add(group, alice, carol)
    await post(alice, group, "after")
    connected, frames = await _replayed(await connect(carol, group, since=0))
    assert (connected["recovered"], connected["version"]) == (True, 4)
    assert [frame["message"]["event"] for frame in frames] == [
        {"action": "participant_added", "user_id": carol.pk},
        None,
    ]
    assert contents(frames) == ["", "after"]


async def test_the_later_edit_of_an_older_message_is_not_for_a_newcomer(
    connect: Connect, enter: Connect, post: Callable[..., Any], call: Callable[..., Any], add: Callable[..., Any],
    alice: Any, bob: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    old = await post(alice, group, "before")
    await add(group, alice, carol)
    there, newcomer = await enter(bob, group), await enter(carol, group)
    await call(alice, "patch", f"messages/{old['id']}/", {"content": "changed"})
    await call(alice, "delete", f"messages/{old['id']}/delete/")
    await post(alice, group, "after")
    assert [frame["type"] for frame in await durable(there, 3)] == [
        "message_updated",
        "message_deleted",
        "chat_message",
    ]
    assert contents(await durable(newcomer, 1)) == ["after"]
    assert (await pong(newcomer))["version"] == 6
    _, frames = await _replayed(await connect(carol, group, since=3))
    assert contents(frames) == ["after"]


@pytest.mark.usefixtures("said")
async def test_a_deleted_private_conversation_replays_nothing_older(
    connect: Connect, call: Callable[..., Any], post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    connected, frames = await _replayed(await connect(alice, conversation, since=0))
    assert (connected["recovered"], connected["version"], frames) == (True, 5, [])
    await post(bob, conversation, "new")
    assert contents((await _replayed(await connect(alice, conversation, since=0)))[1]) == ["new"]
    assert len((await _replayed(await connect(bob, conversation, since=0)))[1]) == 6


async def test_an_open_socket_gets_no_edit_of_what_its_user_deleted(
    enter: Connect, call: Callable[..., Any], post: Callable[..., Any], alice: Any, bob: Any, conversation: Any,
    said: list[dict[str, Any]],
) -> None:  # fmt: skip
    socket, there = await enter(alice, conversation), await enter(bob, conversation)
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await call(bob, "patch", f"messages/{said[0]['id']}/", {"content": "changed"})
    await post(bob, conversation, "new")
    assert contents(await durable(there, 2)) == ["changed", "new"]
    assert contents(await durable(socket, 1)) == ["new"]


async def test_who_was_removed_and_added_again_gets_what_came_since_and_stays(
    connect: Connect, post: Callable[..., Any], add: Callable[..., Any], remove: Callable[..., Any],
    alice: Any, bob: Any, group: Any,
) -> None:  # fmt: skip
    await remove(group, alice, bob)
    await post(alice, group, "in between")
    await add(group, alice, bob)
    await post(alice, group, "again")
    _, frames = await _replayed(await connect(bob, group, since=0))
    assert contents(frames) == ["", "again"]


# No gap and no overlap ------------------------------------------------------------------------------


async def test_sends_that_race_with_sockets_that_come_reach_each_of_them_once_in_order(
    connect: Connect, enter: Connect, alice: Any, bob: Any, conversation: Any
) -> None:
    here = await enter(bob, conversation)

    async def send() -> None:
        for number in range(50):
            await here.send({"type": "chat_message", "content": str(number)})
            await asyncio.sleep(0)

    async def come(number: int) -> tuple[str, list[int]]:
        await asyncio.sleep(0.03 * number)
        socket = await connect(alice, conversation, since=0)
        first = await socket.receive(timeout=10)
        return first["type"], versions(await up_to_version(socket, 50))

    _, *streams = await asyncio.gather(send(), *(come(number) for number in range(10)))
    assert streams == [("connected", list(range(1, 51)))] * 10


async def test_edits_that_race_with_sockets_that_come_reach_each_of_them_in_their_last_state(
    connect: Connect, call: Callable[..., Any], alice: Any, bob: Any, conversation: Any, said: list[dict[str, Any]]
) -> None:
    async def edit() -> None:
        for number in range(25):
            await call(bob, "patch", f"messages/{said[number % 5]['id']}/", {"content": f"edit {number}"})

    async def come(number: int) -> list[dict[str, Any]]:
        await asyncio.sleep(0.05 * number)
        socket = await connect(alice, conversation, since=0)
        await socket.receive("connected")
        return await up_to_version(socket, 30)

    _, *streams = await asyncio.gather(edit(), *(come(number) for number in range(5)))
    for frames in streams:
        assert versions(frames) == sorted(set(versions(frames)))
        last = {frame["message"]["seq"]: frame["message"]["content"] for frame in frames}
        assert last == {seq: f"edit {19 + seq}" for seq in range(1, 6)}
