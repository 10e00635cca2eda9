"""Conversations that come, change and go while an inbox is open."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.realtime.frames import DURABLE, INBOX, contents, durable, until_pong, versions

Open = Callable[..., Any]
ARRIVES = 5


@pytest.fixture
def show(call: Callable[..., Any]) -> Callable[..., Any]:
    """`await show(user, conversation)`: the conversation as REST shows it to the user."""

    async def show(user: Any, conversation: Any) -> Any:
        return await call(user, "get", f"conversations/{getattr(conversation, 'pk', conversation)}/")

    return show


# They come ------------------------------------------------------------------------------------------


async def test_who_is_added_to_a_group_is_shown_it_and_gets_what_is_said_there(
    carried: bool, open_inbox: Open, add: Callable[..., Any], post: Callable[..., Any], show: Callable[..., Any],
    alice: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    socket = await open_inbox(carol)
    await add(group, alice, carol)
    added = await socket.receive_until("conversation_added", timeout=ARRIVES)
    assert added == {"type": "conversation_added", "conversation": await show(carol, group)}
    await post(alice, group, "Welcome")
    assert versions(await durable(socket, 1)) == [added["conversation"]["version"] + 1]


@pytest.mark.parametrize("kind", ["private", "group"])
async def test_a_new_conversation_is_shown_to_all_who_take_part(
    carried: bool, open_inbox: Open, call: Callable[..., Any], show: Callable[..., Any],
    alice: Any, bob: Any, carol: Any, eve: Any, kind: str,
) -> None:  # fmt: skip
    sockets = {user: await open_inbox(user) for user in (alice, carol)}
    stranger = await open_inbox(eve)
    body = {"type": kind, "participant_ids": [carol.pk]} | ({"name": "New"} if kind == "group" else {})
    made = await call(alice, "post", "conversations/create/", body)
    for user, socket in sockets.items():
        added = await socket.receive_until("conversation_added", timeout=ARRIVES)
        assert added["conversation"] == await show(user, made["id"])
    assert await until_pong(stranger) == []


@pytest.mark.parametrize("read", [1, 2])
async def test_a_conversation_joined_between_connecting_and_connected_is_not_missed(
    carried: bool, connect: Open, hold_places: Callable[..., Any], add: Callable[..., Any], post: Callable[..., Any],
    alice: Any, carol: Any, group: Any, read: int,
) -> None:  # fmt: skip
    """She is added while the first of two reads is under way, or the second one, which counts."""
    coming = hold_places(read)
    socket = await connect(carol, path=INBOX)
    await coming.reached()
    await add(group, alice, carol)
    await asyncio.sleep(0.1)
    coming.may_go_on.set()
    assert (await socket.receive("connected"))["conversations"] == []
    added = await socket.receive_until("conversation_added", timeout=ARRIVES)
    assert added["conversation"]["id"] == group.pk
    await post(alice, group, "Welcome")
    assert contents(await durable(socket, 1, timeout=ARRIVES)) == ["Welcome"]


async def test_a_conversation_lost_between_connecting_and_connected_is_not_named(
    connect: Open, hold_places: Callable[..., Any], remove: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    coming = hold_places(1)
    socket = await connect(bob, path=INBOX)
    await coming.reached()
    await remove(group, alice, bob)
    coming.may_go_on.set()
    assert (await socket.receive("connected"))["conversations"] == []
    assert await until_pong(socket) == []


async def test_who_is_added_and_removed_at_once_is_shown_nothing(
    open_inbox: Open, add: Callable[..., Any], remove: Callable[..., Any], monkeypatch: Any,
    alice: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    from chat import catchup

    plain = catchup.read_shown

    def take_long(*args: Any) -> Any:
        time.sleep(0.3)
        return plain(*args)

    socket = await open_inbox(carol)
    monkeypatch.setattr(catchup, "read_shown", take_long)
    await add(group, alice, carol)
    await remove(group, alice, carol)
    await asyncio.sleep(0.5)
    assert await until_pong(socket) == []
    await add(group, alice, carol)
    await socket.receive_until("conversation_added", timeout=ARRIVES)


async def test_a_new_conversation_that_cannot_be_read_at_first_is_shown_later(
    open_inbox: Open, add: Callable[..., Any], monkeypatch: Any, alice: Any, carol: Any, group: Any
) -> None:
    from django.db import OperationalError

    from chat import catchup

    plain, fails = catchup.read_shown, [True]

    def fail_once(*args: Any) -> Any:
        if fails:
            fails.pop()
            raise OperationalError
        return plain(*args)

    socket = await open_inbox(carol)
    monkeypatch.setattr(catchup, "read_shown", fail_once)
    await add(group, alice, carol)
    await socket.receive_until("conversation_added", timeout=ARRIVES)


async def test_a_newcomer_gets_nothing_of_before(
    open_inbox: Open, add: Callable[..., Any], post: Callable[..., Any], call: Callable[..., Any],
    alice: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    old = await post(alice, group, "before")
    socket = await open_inbox(carol)
    await add(group, alice, carol)
    await socket.receive_until("conversation_added")
    await call(alice, "patch", f"messages/{old['id']}/", {"content": "changed"})
    await post(alice, group, "after")
    assert contents(await durable(socket, 1)) == ["after"]


async def test_what_is_carried_twice_is_shown_once(
    layer: Callable[..., None], open_inbox: Open, add: Callable[..., Any], post: Callable[..., Any],
    call: Callable[..., Any], alice: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    layer("DoublingLayer")
    socket = await open_inbox(carol)
    await add(group, alice, carol)
    await socket.receive_until("conversation_added")
    await post(alice, group, "Welcome")
    await call(carol, "post", f"conversations/{group.pk}/mark-read/", {})
    await call(alice, "patch", f"conversations/{group.pk}/", {"description": "What it is about"})
    await socket.receive_until("conversation_updated")
    frames = await until_pong(socket, *DURABLE, "conversation_added", "conversation_updated", "unread")
    await post(alice, group, "Again")
    frames += [await socket.receive_until("chat_message")]
    assert [each["type"] for each in frames] == ["chat_message"]


async def test_a_conversation_that_is_found_twice_at_once_is_shown_once(
    layer: Callable[..., None], open_inbox: Open, add: Callable[..., Any], post: Callable[..., Any],
    alice: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    from chat.hub import get_hub

    layer("SilentLayer")
    socket = await open_inbox(carol)
    await add(group, alice, carol)
    for _ in range(2):  # by the layer and by the timer, say
        get_hub().show_joined(group.pk, [carol.pk])
    await socket.receive_until("conversation_added")
    await post(alice, group)
    await durable(socket, 1, timeout=ARRIVES)
    assert await until_pong(socket, *DURABLE, "conversation_added") == []


# They change ----------------------------------------------------------------------------------------


async def _rename(call: Any, alice: Any, group: Any, carol: Any) -> None:
    await call(alice, "patch", f"conversations/{group.pk}/", {"name": "Another name"})


async def _describe(call: Any, alice: Any, group: Any, carol: Any) -> None:
    await call(alice, "patch", f"conversations/{group.pk}/", {"description": "What it is about"})


async def _add(call: Any, alice: Any, group: Any, carol: Any) -> None:
    await call(alice, "post", f"conversations/{group.pk}/participants/", {"user_ids": [carol.pk]})


async def _make_admin(call: Any, alice: Any, group: Any, carol: Any) -> None:
    bob = await group.participants.exclude(user=alice).aget()
    await call(alice, "patch", f"conversations/{group.pk}/participants/{bob.user_id}/", {"is_admin": True})


@pytest.mark.parametrize("change", [_rename, _describe, _add, _make_admin], ids=lambda each: each.__name__.strip("_"))
async def test_a_conversation_that_changes_is_shown_anew(
    carried: bool, open_inbox: Open, call: Callable[..., Any], show: Callable[..., Any],
    alice: Any, bob: Any, carol: Any, group: Any, change: Any,
) -> None:  # fmt: skip
    sockets = {user: await open_inbox(user) for user in (alice, bob)}
    before = {user: await show(user, group) for user in sockets}
    await change(call, alice, group, carol)
    for user, socket in sockets.items():
        version, last_seq = before[user]["version"], before[user]["last_seq"]
        read = last_seq - before[user]["unread_count"]
        while (frame := await socket.receive(timeout=ARRIVES))["type"] != "conversation_updated":
            if frame["type"] == "chat_message":
                version, last_seq = frame["version"], frame["message"]["seq"]
                read = last_seq if frame["message"]["sender"]["id"] == user.pk else read
        # How far the client is goes with the frames that it was sent: the system message may come before this or after.
        numbers = {"version": version, "last_seq": last_seq, "unread_count": last_seq - read}
        assert frame["conversation"] == {**await show(user, group), **numbers}


async def test_what_changes_nothing_is_not_shown(
    open_inbox: Open, call: Callable[..., Any], post: Callable[..., Any], alice: Any, group: Any
) -> None:
    socket = await open_inbox(alice)
    await call(alice, "patch", f"conversations/{group.pk}/", {"name": "The group"})
    await post(alice, group)
    await durable(socket, 1)
    await socket.nothing(1.5)


async def test_the_name_of_a_private_conversation_whose_other_account_is_deleted_changes(
    open_inbox: Open, alice: Any, bob: Any, conversation: Any
) -> None:
    from authentication import services

    socket = await open_inbox(alice)
    await sync_to_async(services.delete_account)(user=bob)
    updated = await socket.receive_until("conversation_updated", timeout=ARRIVES)
    assert updated["conversation"]["name"] == "Deleted user"


# They go --------------------------------------------------------------------------------------------


async def _leave(call: Any, alice: Any, bob: Any, group: Any) -> None:
    await call(bob, "delete", f"conversations/{group.pk}/participants/{bob.pk}/")


async def _remove(call: Any, alice: Any, bob: Any, group: Any) -> None:
    await call(alice, "delete", f"conversations/{group.pk}/participants/{bob.pk}/")


async def _delete_for_himself(call: Any, alice: Any, bob: Any, group: Any) -> None:
    await call(bob, "delete", f"conversations/{group.pk}/delete/")


async def _delete_for_everyone(call: Any, alice: Any, bob: Any, group: Any) -> None:
    await call(alice, "delete", f"conversations/{group.pk}/delete/?for_everyone=true")


async def _take_out_in_the_database(call: Any, alice: Any, bob: Any, group: Any) -> None:
    await group.participants.filter(user=bob).adelete()


async def _delete_in_the_database(call: Any, alice: Any, bob: Any, group: Any) -> None:
    await group.adelete()


@pytest.mark.parametrize(
    "end",
    [_leave, _remove, _delete_for_himself, _delete_for_everyone, _take_out_in_the_database, _delete_in_the_database],
    ids=lambda each: each.__name__.strip("_"),
)
async def test_a_conversation_that_is_lost_goes_and_the_inbox_stays(
    carried: bool, open_inbox: Open, call: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any, group: Any, end: Any,
) -> None:  # fmt: skip
    socket, pk = await open_inbox(bob), group.pk
    await end(call, alice, bob, group)
    removed = await socket.receive_until("conversation_removed", timeout=2)
    assert removed == {"type": "conversation_removed", "conversation_id": pk}
    await post(alice, conversation, "still here")
    assert contents(await durable(socket, 1, timeout=ARRIVES)) == ["still here"]
    await socket.send({"type": "typing", "is_typing": True, "conversation_id": pk, "client_id": "1"})
    assert (await socket.receive_until("error"))["code"] == "not_found"


async def test_the_removal_is_the_last_thing_that_who_was_removed_gets(
    open_inbox: Open, remove: Callable[..., Any], post: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    socket = await open_inbox(bob)
    await remove(group, alice, bob)
    await post(alice, group, "after")
    frames = []
    while (frame := await socket.receive())["type"] != "conversation_removed":
        frames.append(frame)
    assert [each["message"]["event"] for each in frames if each["type"] in DURABLE] == [
        {"action": "participant_removed", "user_id": bob.pk}
    ]
    assert await until_pong(socket, *DURABLE) == []


async def test_who_is_added_again_gets_it_again(
    carried: bool, open_inbox: Open, add: Callable[..., Any], remove: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, group: Any,
) -> None:  # fmt: skip
    socket = await open_inbox(bob)
    await remove(group, alice, bob)
    await post(alice, group, "not for him")
    await add(group, alice, bob)
    await socket.receive_until("conversation_removed", timeout=ARRIVES)
    added = await socket.receive_until("conversation_added", timeout=ARRIVES)
    assert added["conversation"]["last_message"]["event"]["user_id"] == bob.pk
    await post(alice, group, "for him")
    assert contents(await durable(socket, 1, timeout=ARRIVES)) == ["for him"]
