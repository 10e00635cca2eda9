"""The inbox: one socket that has all of its user's conversations."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import HELLO, answer, contents, durable, until_pong, versions

Open = Callable[..., Any]


# What it gets ---------------------------------------------------------------------------------------


async def test_messages_edits_and_deletions_of_every_conversation_arrive_in_its_order(
    mine: Any, enter: Open, post: Callable[..., Any], call: Callable[..., Any],
    bob: Any, conversation: Any, group: Any,
) -> None:  # fmt: skip
    sockets = {place.pk: await enter(bob, place) for place in (conversation, group)}
    said = {place.pk: await post(bob, place, "Hello") for place in (conversation, group)}
    for message in said.values():
        await call(bob, "patch", f"messages/{message['id']}/", {"content": "Hello!"})
        await call(bob, "delete", f"messages/{message['id']}/delete/")
    frames = await durable(mine, 6)
    for pk, socket in sockets.items():
        assert [each for each in frames if each["message"]["conversation"] == pk] == await durable(socket, 3)


async def test_receipts_typing_and_presence_arrive_with_their_conversation(
    mine: Any, enter: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    his = await enter(bob, conversation)
    statuses = [await mine.receive_until("user_status") for _ in range(2)]
    assert {status["conversation_id"] for status in statuses} == {conversation.pk, group.pk}
    assert {status["user_id"] for status in statuses} == {bob.pk}
    message = await post(alice, conversation)
    await his.send({"type": "typing", "is_typing": True})
    await his.send({"type": "read_receipt", "message_id": message["id"]})
    for kind in ("typing", "read_receipt"):
        frame = await mine.receive_until(kind)
        assert (frame["conversation_id"], frame["user_id"]) == (conversation.pk, bob.pk)


async def test_nothing_of_a_stranger_s_conversation_shows(
    open_inbox: Open, enter: Open, post: Callable[..., Any], alice: Any, bob: Any, eve: Any, conversation: Any
) -> None:
    hers, his = await open_inbox(eve), await enter(bob, conversation)
    await his.send({"type": "typing", "is_typing": True})
    await post(alice, conversation)
    await durable(his, 1)
    await hers.send({"type": "resume", "versions": {str(conversation.pk): 0}})
    assert await hers.receive("resumed") == {"type": "resumed", "recovered": [], "reload": [conversation.pk]}
    assert await until_pong(hers) == []


async def test_a_lost_message_is_read_from_the_database(
    layer: Callable[..., None], open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    layer("SilentLayer")
    socket = await open_inbox(alice)
    for content in "123":
        await post(bob, conversation, content)
    assert contents(await durable(socket, 3, timeout=5)) == ["1", "2", "3"]


async def test_over_a_layer_that_loses_doubles_and_reorders_everything_arrives_once_and_in_order(
    layer: Callable[..., None], open_inbox: Open, enter: Open, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    layer("UnreliableLayer", seed=4)
    socket = await open_inbox(alice)
    his = [await enter(bob, place) for place in (conversation, group)]
    for number in range(20):
        for each in his:
            await each.send({"type": "chat_message", "content": str(number)})
    frames = await durable(socket, 40, timeout=15)
    assert [each["version"] for each in frames if each["message"]["conversation"] == conversation.pk] == [*range(1, 21)]
    assert [each["version"] for each in frames if each["message"]["conversation"] == group.pk] == [*range(2, 22)]


# What is said over it -------------------------------------------------------------------------------


async def test_a_message_sent_over_it_is_stored_once(mine: Any, stored: Callable[..., Any], conversation: Any) -> None:
    frame = {**HELLO, "conversation_id": conversation.pk}
    first, second = await answer(mine, frame), await answer(mine, frame)
    assert (first["duplicate"], second["duplicate"]) == (False, True)
    assert [each["id"] for each in await stored()] == [first["message_id"]]


async def test_what_is_said_in_one_conversation_keeps_its_order(
    mine: Any, stored: Callable[..., Any], conversation: Any, group: Any
) -> None:
    for number in range(12):
        for place in (conversation, group):
            await mine.send({"type": "chat_message", "content": str(number), "conversation_id": place.pk})
    await durable(mine, 24)
    assert [each["content"] for each in await stored()] == [str(number) for number in range(12)]


async def test_what_was_said_just_before_the_client_went_is_stored(
    mine: Any, stored: Callable[..., Any], conversation: Any
) -> None:
    for number in range(5):
        await mine.send({"type": "chat_message", "content": str(number), "conversation_id": conversation.pk})
    await mine.close()
    assert [each["content"] for each in await stored()] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("kind", [[], {}, None, 7, True])
async def test_a_type_that_is_none_is_an_error(open_inbox: Open, alice: Any, kind: Any) -> None:
    error = await answer(await open_inbox(alice), {"type": kind, "conversation_id": 1, "client_id": "1"})
    assert (error["code"], error["client_id"]) == ("unknown_type", "1")


async def test_typing_and_receipts_go_to_the_conversation_that_they_name(
    mine: Any, enter: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    here, elsewhere = await enter(bob, conversation), await enter(bob, group)
    message = await post(bob, conversation)
    await mine.send({"type": "typing", "is_typing": True, "conversation_id": conversation.pk})
    await mine.send({"type": "read_receipt", "message_id": message["id"], "conversation_id": conversation.pk})
    assert (await here.receive_until("typing"))["user_id"] == alice.pk
    assert (await here.receive_until("read_receipt"))["user_id"] == alice.pk
    assert await until_pong(elsewhere) == []


async def test_typing_ends_when_the_inbox_closes(mine: Any, enter: Open, bob: Any, conversation: Any) -> None:
    here = await enter(bob, conversation)
    await mine.send({"type": "typing", "is_typing": True, "conversation_id": conversation.pk})
    assert (await here.receive_until("typing"))["is_typing"] is True
    await mine.close()
    assert (await here.receive_until("typing"))["is_typing"] is False


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "chat_message", "content": "Hello"},
        {"type": "typing", "is_typing": True},
        {"type": "read_receipt", "message_id": 1},
        {"type": "ping"},
    ],
    ids=lambda frame: frame["type"],
)
async def test_a_foreign_conversation_is_not_found(
    open_inbox: Open, eve: Any, conversation: Any, frame: dict[str, Any]
) -> None:
    socket = await open_inbox(eve)
    error = await answer(socket, {**frame, "conversation_id": conversation.pk, "client_id": "1"})
    assert (error["type"], error["code"], error["client_id"]) == ("error", "not_found", "1")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "chat_message", "content": "Hello"}, "required"),
        ({"type": "typing", "is_typing": True}, "required"),
        ({"type": "read_receipt", "message_id": 1}, "required"),
        ({"type": "typing", "is_typing": True, "conversation_id": "7"}, "invalid"),
        ({"type": "typing", "is_typing": True, "conversation_id": None}, "invalid"),
        ({"type": "ping", "conversation_id": 2**63}, "invalid"),
        ({"type": "resume"}, "required"),
        ({"type": "resume", "versions": []}, "invalid"),
        ({"type": "resume", "versions": {"a": 1}}, "invalid"),
        ({"type": "resume", "versions": {"1": "1"}}, "invalid"),
        ({"type": "resume", "versions": {"1": True}}, "invalid"),
        ({"type": "resume", "versions": {"1": -1}}, "invalid"),
        ({"type": "resume", "versions": {"1": 1.5}}, "invalid"),
        ({"type": "resume", "versions": {"\u0661": 1}}, "invalid"),
        ({"type": "take_in"}, "unknown_type"),
    ],
)
async def test_a_frame_that_will_not_do_is_an_error_and_the_socket_stays(
    open_inbox: Open, alice: Any, conversation: Any, frame: dict[str, Any], code: str
) -> None:
    socket = await open_inbox(alice)
    error = await answer(socket, {**frame, "client_id": "1"})
    assert (error["type"], error["code"], error["client_id"]) == ("error", code, "1")
    assert await until_pong(socket) == []


async def test_twenty_bad_frames_in_a_row_close_it(open_inbox: Open, alice: Any) -> None:
    socket = await open_inbox(alice)
    for _ in range(20):
        await socket.send("no JSON")
    assert await socket.closed() == 4400


async def test_resume_is_no_frame_for_the_socket_of_one_conversation(
    enter: Open, alice: Any, conversation: Any
) -> None:
    error = await answer(await enter(alice, conversation), {"type": "resume", "versions": {}, "client_id": "1"})
    assert error["code"] == "unknown_type"


async def test_authenticate_prolongs_it(
    open_inbox: Open, visit: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    socket = await open_inbox(None, token=(await visit(alice, seconds=2)).access)
    fresh = (await visit(alice, seconds=60)).access
    assert (await answer(socket, {"type": "authenticate", "token": fresh, "client_id": "1"}))["type"] == "ack"
    await socket.nothing(3.5)
    assert await until_pong(socket) == []


async def test_a_ping_that_names_a_conversation_is_told_how_far_that_is(
    mine: Any, post: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    await post(bob, conversation)
    await durable(mine, 1)
    await mine.send({"type": "ping", "conversation_id": conversation.pk})
    pong = await mine.receive_until("pong")
    assert pong == {"type": "pong", "conversation_id": conversation.pk, "version": 1, "last_seq": 1}


async def test_a_ping_that_names_none_is_told_that_the_socket_lives(mine: Any) -> None:
    await mine.send({"type": "ping"})
    pong = await mine.receive_until("pong")
    assert pong == {"type": "pong", "conversation_id": None, "version": None, "last_seq": None}


# Many sockets ---------------------------------------------------------------------------------------


async def test_several_inboxes_and_conversation_sockets_get_the_same(
    open_inbox: Open, enter: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    inboxes = [await open_inbox(user) for user in (alice, alice, bob)]
    sockets = [await enter(user, conversation) for user in (alice, bob)]
    for number in range(5):
        await post(bob, conversation, str(number))
    streams = [await durable(socket, 5) for socket in (*inboxes, *sockets)]
    assert versions(streams[0]) == [1, 2, 3, 4, 5]
    assert all(stream == streams[0] for stream in streams)


async def test_an_inbox_that_goes_takes_nothing_from_the_others(
    open_inbox: Open, enter: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    goes, stays, socket = await open_inbox(alice), await open_inbox(alice), await enter(bob, conversation)
    await goes.close()
    await post(bob, conversation)
    assert [versions(await durable(each, 1)) for each in (stays, socket)] == [[1], [1]]
