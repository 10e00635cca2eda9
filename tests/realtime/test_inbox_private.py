"""A private conversation that its user deletes: gone from their inboxes, back with the next message."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import DURABLE, contents, durable, until_pong

Open = Callable[..., Any]
ARRIVES = 5


async def test_a_private_conversation_that_is_deleted_goes_on_all_devices_and_comes_back_with_a_message(
    carried: bool, open_inbox: Open, call: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any,
) -> None:  # fmt: skip
    await post(bob, conversation, "old")
    sockets = [await open_inbox(alice) for _ in range(2)]
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    for socket in sockets:
        removed = await socket.receive_until("conversation_removed", timeout=ARRIVES)
        assert removed["conversation_id"] == conversation.pk
    await post(bob, conversation, "new")
    for socket in sockets:
        added = await socket.receive_until("conversation_added", timeout=ARRIVES)
        assert (added["conversation"]["id"], added["conversation"]["version"]) == (conversation.pk, 1)
        [frame] = await durable(socket, 1, timeout=ARRIVES)
        assert (frame["message"]["content"], frame["version"]) == ("new", 2)


async def test_one_that_is_created_again_comes_back(
    carried: bool, open_inbox: Open, call: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    socket = await open_inbox(alice)
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await socket.receive_until("conversation_removed", timeout=ARRIVES)
    await call(alice, "post", "conversations/create/", {"type": "private", "participant_ids": [bob.pk]})
    added = await socket.receive_until("conversation_added", timeout=ARRIVES)
    assert added["conversation"]["id"] == conversation.pk


async def test_a_deleted_one_is_quiet_and_comes_back_in_an_inbox_that_was_opened_later(
    open_inbox: Open, enter: Open, call: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any,
) -> None:  # fmt: skip
    old = await post(bob, conversation, "old")
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    socket, his = await open_inbox(alice), await enter(bob, conversation)
    await his.send({"type": "typing", "is_typing": True})
    await call(bob, "patch", f"messages/{old['id']}/", {"content": "changed"})
    assert await until_pong(socket) == []
    await post(bob, conversation, "new")
    assert (await socket.receive("conversation_added"))["conversation"]["unread_count"] == 0
    assert contents(await durable(socket, 1)) == ["new"]


async def test_the_other_one_s_inbox_notices_nothing_of_it(
    open_inbox: Open, call: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await open_inbox(alice)
    socket = await open_inbox(bob)
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await call(alice, "post", "conversations/create/", {"type": "private", "participant_ids": [bob.pk]})
    await asyncio.sleep(1.5)  # the timer looks as well
    assert await until_pong(socket) == []


@pytest.mark.parametrize("path", ["inbox", "conversation"])
async def test_who_deletes_a_private_conversation_gets_no_edit_of_before_however_soon_it_comes(
    open_inbox: Open, enter: Open, call: Callable[..., Any], post: Callable[..., Any], monkeypatch: Any,
    alice: Any, bob: Any, conversation: Any, path: str,
) -> None:  # fmt: skip
    from chat import catchup

    plain = catchup.read_shown

    def take_long(*args: Any) -> Any:
        time.sleep(0.5)
        return plain(*args)

    old = await post(bob, conversation, "old")
    socket = await (open_inbox(alice) if path == "inbox" else enter(alice, conversation))
    monkeypatch.setattr(catchup, "read_shown", take_long)
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await call(bob, "patch", f"messages/{old['id']}/", {"content": "changed"})
    await asyncio.sleep(1)
    assert await until_pong(socket, *DURABLE) == []
