"""What an inbox gets where several things happen to it at once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from tests.realtime.frames import DURABLE, INBOX, contents, durable, eventually, until_pong

Open = Callable[..., Any]
ARRIVES = 5


class Gate:
    """A function of the database that reads, and answers once it is let."""

    def __init__(self, plain: Callable[..., Any]) -> None:
        self.plain = plain
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, *args: Any) -> Any:
        answer = self.plain(*args)
        self.reached.set()
        self.opened.wait(5)
        return answer

    async def reach(self) -> None:
        """Return once it has read."""
        assert await asyncio.to_thread(self.reached.wait, 5)


@pytest.fixture
def gate(monkeypatch: Any) -> Any:
    """`gate(owner, "name")`: the function there is a `Gate` from here on."""
    gates: list[Gate] = []

    def put(owner: Any, name: str) -> Gate:
        gate = Gate(getattr(owner, name))
        monkeypatch.setattr(owner, name, gate)
        gates.append(gate)
        return gate

    yield put
    for each in gates:
        each.opened.set()


async def do_nothing(*args: Any) -> None:
    pass


@pytest.fixture
def no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compared with the database."""
    from chat.watch import Reconciliation

    monkeypatch.setattr(Reconciliation, "once", do_nothing)


@pytest.mark.parametrize("frame", ["ping", "resume"])
async def test_a_conversation_that_comes_while_the_inbox_goes_live_is_shown_before_its_messages(
    connect: Open, open_inbox: Open, gate: Any, add: Callable[..., Any], post: Callable[..., Any],
    alice: Any, carol: Any, group: Any, frame: str,
) -> None:  # fmt: skip
    from chat import catchup

    await open_inbox(alice)  # the group is live here
    socket = await connect(carol, path=INBOX)
    await socket.receive("connected")
    read = gate(catchup, "read_shown")
    await add(group, alice, carol)
    await read.reach()
    if frame == "ping":
        assert await until_pong(socket) == []
    else:
        await socket.send({"type": "resume", "versions": {str(group.pk): 0}})
        assert (await socket.receive_until("resumed"))["reload"] == [group.pk]
    for content in "123":
        await post(alice, group, content)
    read.opened.set()
    assert (await socket.receive())["type"] == "conversation_added"
    assert contents(await durable(socket, 3, timeout=ARRIVES)) == ["1", "2", "3"]
    assert await until_pong(socket, *DURABLE) == []


async def test_a_change_is_shown_though_it_was_being_looked_at_when_the_inbox_came(
    connect: Open, open_inbox: Open, gate: Any, hold_places: Callable[..., Any], call: Callable[..., Any],
    alice: Any, bob: Any, group: Any,
) -> None:  # fmt: skip
    from chat import catchup

    await open_inbox(alice)
    coming = hold_places(2)
    socket = await connect(bob, path=INBOX)
    await coming.reached()
    look = gate(catchup, "read_shown")
    await call(alice, "patch", f"conversations/{group.pk}/", {"description": "What it is about"})
    await look.reach()
    coming.may_go_on.set()
    await socket.receive("connected")
    look.opened.set()
    updated = await socket.receive_until("conversation_updated", timeout=ARRIVES)
    assert updated["conversation"]["description"] == "What it is about"


async def test_frames_of_one_conversation_are_answered_in_their_order(
    open_inbox: Open, slow_sends: None, alice: Any, conversation: Any
) -> None:
    socket = await open_inbox(alice)
    of_it = {"conversation_id": conversation.pk}
    await socket.send({"type": "chat_message", "content": "1", "client_id": "1", **of_it})
    await socket.send({"type": "typing", "is_typing": True, "client_id": "2", **of_it})
    await socket.send({"type": "ping", "client_id": "3", **of_it})
    await socket.send({"type": "ping", "client_id": "4"})
    answers = [(await socket.receive_until("ack", timeout=ARRIVES))["client_id"] for _ in range(4)]
    assert answers == ["4", "1", "2", "3"]


async def test_an_inbox_that_goes_is_left_at_once_and_what_it_said_is_done(
    open_inbox: Open, alice: Any, conversation: Any, monkeypatch: Any
) -> None:
    from chat import services
    from chat.hub import get_hub

    plain, may_go_on = services.asend_message, asyncio.Event()

    async def wait(**said: Any) -> Any:
        await may_go_on.wait()
        return await plain(**said)

    monkeypatch.setattr(services, "asend_message", wait)
    socket = await open_inbox(alice)
    said = {"type": "chat_message", "conversation_id": conversation.pk, "content": "1"}
    await socket.send(said)
    await socket.communicator.send_input({"type": "websocket.disconnect", "code": 1001})

    async def is_left() -> bool:
        return not get_hub().inboxes and not get_hub().rooms

    await eventually(is_left, timeout=1)
    may_go_on.set()
    await eventually(sync_to_async(conversation.messages.exists))


async def test_a_message_does_not_wait_for_all_who_come_and_go(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    from chat import broadcast

    socket = await open_inbox(alice)
    status = broadcast.status(
        user_id=bob.pk, username="bob", online=True, last_seen=None, conversation_ids=[conversation.pk]
    )
    await broadcast.publish((broadcast.EVERYWHERE, broadcast.statuses([status] * 20_000)))
    await post(bob, conversation)
    before = 0
    while (await socket.receive(timeout=ARRIVES))["type"] == "user_status":
        before += 1
    assert before < 20_000


@pytest.mark.parametrize("kind", ["inbox", "conversation"])
async def test_a_socket_that_the_server_gives_up_is_forgotten(
    open_inbox: Open, enter: Open, alice: Any, conversation: Any, monkeypatch: Any, kind: str
) -> None:
    """Daphne cancels who has not ended 10 s after the client went; `disconnect` waits behind the frame before it."""
    from chat import services
    from chat.hub import get_hub

    async def hang(**said: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(services, "asend_message", hang)
    socket = await (open_inbox(alice) if kind == "inbox" else enter(alice, conversation))
    for _ in range(64 if kind == "inbox" else 1):
        await socket.send({"type": "chat_message", "conversation_id": conversation.pk, "content": "1"})
    await socket.communicator.send_input({"type": "websocket.disconnect", "code": 1001})
    await asyncio.sleep(0.3)
    socket.communicator.future.cancel()
    await asyncio.wait([socket.communicator.future], timeout=2)
    hub = get_hub()
    assert (dict(hub.presence.sockets), hub.rooms, hub.sockets, hub.inboxes) == ({}, {}, set(), {})


async def test_what_is_not_durable_does_not_pile_up_for_who_is_let_in(
    connect: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, monkeypatch: Any
) -> None:
    from chat import broadcast

    monkeypatch.setattr("chat.hub.HOLD_SECONDS", 60)  # the machine may be slow
    socket = await connect(alice, path=INBOX)
    await socket.receive("connected")
    for number in range(2000):
        frame = f'{{"type": "read_receipt", "last_read_seq": {number}}}'
        receipt = broadcast.receipt(conversation_id=conversation.pk, user_id=bob.pk, last_read_seq=number, frame=frame)
        await broadcast.publish((broadcast.conversation_group(conversation.pk), receipt))
    await post(bob, conversation)
    await asyncio.sleep(0.3)
    first, last = await until_pong(socket)
    assert (first["type"], last) == ("chat_message", {"type": "read_receipt", "last_read_seq": 1999})


async def test_a_history_that_is_deleted_while_a_socket_is_let_in_does_not_come(
    connect: Open, enter: Open, call: Callable[..., Any], post: Callable[..., Any], monkeypatch: Any,
    alice: Any, bob: Any, conversation: Any,
) -> None:  # fmt: skip
    from chat.hub import get_hub

    old = await post(bob, conversation, "old")
    await enter(alice, conversation)  # the conversation is live here
    plain, reached, may_go_on = get_hub().presence.show, asyncio.Event(), asyncio.Event()

    async def show(user_id: int) -> None:
        reached.set()
        await may_go_on.wait()
        await plain(user_id)

    monkeypatch.setattr(get_hub().presence, "show", show)
    socket = await connect(alice, conversation, since=0)
    await reached.wait()
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await asyncio.sleep(0.2)
    may_go_on.set()
    await call(bob, "patch", f"messages/{old['id']}/", {"content": "changed"})
    assert await until_pong(socket, *DURABLE) == []


async def test_a_private_conversation_that_is_deleted_while_the_inbox_comes_goes(
    connect: Open, enter: Open, no_timer: None, hold_places: Callable[..., Any], call: Callable[..., Any],
    post: Callable[..., Any], alice: Any, bob: Any, conversation: Any,
) -> None:  # fmt: skip
    old = await post(bob, conversation, "old")
    await enter(bob, conversation)
    coming = hold_places(2)
    socket = await connect(alice, path=INBOX)
    await coming.reached()
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await call(bob, "patch", f"messages/{old['id']}/", {"content": "changed"})
    await asyncio.sleep(0.2)
    coming.may_go_on.set()
    await socket.receive("connected")
    assert (await socket.receive_until("conversation_removed"))["conversation_id"] == conversation.pk
    assert await until_pong(socket, *DURABLE) == []


async def test_an_edit_of_a_deleted_history_does_not_come_though_nothing_is_carried(
    layer: Callable[..., None], open_inbox: Open, enter: Open, call: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any, monkeypatch: Any,
) -> None:  # fmt: skip
    monkeypatch.setattr("chat.watch.Reconciliation._compare_parts", do_nothing)  # of many an inbox's turn comes later
    layer("SilentLayer")
    old = await post(bob, conversation, "old")
    sockets = [await open_inbox(alice) for _ in range(3)] + [await enter(alice, conversation)]
    his = await enter(bob, conversation)
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await call(bob, "patch", f"messages/{old['id']}/", {"content": "changed"})
    assert contents(await durable(his, 1, timeout=ARRIVES)) == ["changed"]
    for socket in sockets:
        assert await until_pong(socket, *DURABLE) == []


async def test_nothing_is_told_of_a_conversation_that_was_removed_before_it_is_back(
    layer: Callable[..., None], open_inbox: Open, call: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, conversation: Any,
) -> None:  # fmt: skip
    layer("SilentLayer")
    await post(bob, conversation, "1")
    socket = await open_inbox(alice)
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    await socket.receive_until("conversation_removed", timeout=ARRIVES)
    await post(bob, conversation, "2")
    await call(alice, "post", f"conversations/{conversation.pk}/mark-read/", {})
    frames = [await socket.receive(timeout=ARRIVES) for _ in range(2)]
    assert [frame["type"] for frame in frames] == ["conversation_added", "chat_message"]


async def test_a_removal_that_was_lost_ends_the_part_that_it_was_about(
    open_inbox: Open, enter: Open, no_timer: None, add: Callable[..., Any], remove: Callable[..., Any],
    call: Callable[..., Any], post: Callable[..., Any], monkeypatch: Any, alice: Any, bob: Any, group: Any,
) -> None:  # fmt: skip
    """An edit has the repair look where histories begin, and his new one begins after the removal."""

    old = await post(alice, group, "old")
    inbox, socket = await open_inbox(bob), await enter(bob, group)
    with monkeypatch.context() as lost:
        lost.setattr(get_channel_layer(), "group_send", do_nothing)
        await remove(group, alice, bob)
        await add(group, alice, bob)
        await asyncio.sleep(0.1)
    await call(alice, "patch", f"messages/{old['id']}/", {"content": "changed"})
    [removal] = await durable(inbox, 1)
    assert removal["message"]["event"] == {"action": "participant_removed", "user_id": bob.pk}
    assert (await inbox.receive())["type"] == "conversation_removed"
    assert await socket.closed() == 4403
    assert await until_pong(inbox) == []
