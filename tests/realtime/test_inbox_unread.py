"""A user's devices agree on what is unread."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import durable, until_pong

Open = Callable[..., Any]


@pytest.fixture
async def devices(open_inbox: Open, alice: Any, conversation: Any, group: Any) -> Any:
    """Two inboxes of Alice's."""
    return [await open_inbox(alice) for _ in range(2)]


async def test_what_is_read_over_rest_is_read_everywhere(
    devices: Any,
    post: Callable[..., Any],
    call: Callable[..., Any],
    alice: Any,
    bob: Any,
    conversation: Any,
    group: Any,
) -> None:
    messages = [await post(bob, conversation, content) for content in "123"]
    await post(bob, group)
    await call(alice, "post", f"conversations/{conversation.pk}/mark-read/", {"message_id": messages[1]["id"]})
    for socket in devices:
        await durable(socket, 4)
        assert await socket.receive_until("unread") == {
            "type": "unread",
            "conversation_id": conversation.pk,
            "unread_count": 1,
            "last_read_seq": 2,
            "total_unread": 2,
        }


async def test_what_is_read_over_one_inbox_is_read_in_the_other(
    devices: Any, post: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    message = await post(bob, conversation)
    frame = {"type": "read_receipt", "conversation_id": conversation.pk, "message_id": message["id"]}
    await devices[0].send(frame)
    for socket in devices:
        unread = await socket.receive_until("unread")
        assert (unread["unread_count"], unread["total_unread"]) == (0, 0)


async def test_who_speaks_has_read_what_was_said_before(
    devices: Any, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await post(bob, conversation)
    await post(alice, conversation)
    for socket in devices:
        unread = await socket.receive_until("unread")
        assert (unread["unread_count"], unread["last_read_seq"]) == (0, 2)


async def test_who_speaks_with_nothing_unread_is_told_nothing(
    devices: Any, post: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    await post(alice, conversation)
    for socket in devices:
        assert await until_pong(socket, "unread") == []


async def test_what_others_read_changes_no_count(
    devices: Any, post: Callable[..., Any], call: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await post(alice, conversation)
    await call(bob, "post", f"conversations/{conversation.pk}/mark-read/", {})
    for socket in devices:
        await socket.receive_until("read_receipt")
        assert await until_pong(socket, "unread") == []


async def test_devices_agree_though_nothing_is_carried(
    layer: Callable[..., None], open_inbox: Open, post: Callable[..., Any], call: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any,
) -> None:  # fmt: skip
    await post(bob, conversation)
    layer("SilentLayer")
    socket = await open_inbox(alice)
    await call(alice, "post", f"conversations/{conversation.pk}/mark-read/", {})
    assert (await socket.receive_until("unread", timeout=5))["total_unread"] == 0


async def test_the_counts_go_with_the_frames(
    devices: Any, post: Callable[..., Any], call: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    first = await post(bob, conversation, "1")
    await post(bob, conversation, "2")
    await call(alice, "post", f"conversations/{conversation.pk}/mark-read/", {"message_id": first["id"]})
    unread = await devices[0].receive_until("unread")
    assert unread["unread_count"] == 1
    rest = await call(alice, "get", "unread/")
    assert rest == {"total_unread": 1, "conversations": {str(conversation.pk): 1}}
