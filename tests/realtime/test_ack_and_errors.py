"""Whatever carries a `client_id` is answered exactly once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import answer, until_pong

ANSWERS = ("ack", "error")


@pytest.fixture
async def socket(enter: Callable[..., Any], alice: Any, conversation: Any) -> Any:
    """Alice's, let in."""
    return await enter(alice, conversation)


GOOD: list[dict[str, Any]] = [
    {"type": "chat_message", "content": "Hello"},
    {"type": "typing", "is_typing": True},
    {"type": "typing", "is_typing": False},
    {"type": "ping"},
]
BAD: list[dict[str, Any]] = [
    {"type": "chat_message"},
    {"type": "typing"},
    {"type": "read_receipt", "message_id": 10**9},
    {"type": "authenticate", "token": "nonsense"},
    {"type": "nonsense"},
    {},
]


@pytest.mark.parametrize("frame", GOOD, ids=str)
async def test_a_good_frame_with_a_client_id_gets_one_ack(socket: Any, frame: dict[str, Any]) -> None:
    await socket.send({**frame, "client_id": "1"})
    frames = await until_pong(socket, *ANSWERS, "pong")
    if frame["type"] == "ping":  # the pong that was waited for is this one's
        frames += [await socket.receive("ack"), *await until_pong(socket, *ANSWERS)]
        await socket.receive("pong")
    assert [(each["type"], each["client_id"]) for each in frames] == [("ack", "1")]


@pytest.mark.parametrize("frame", BAD, ids=str)
async def test_a_bad_frame_with_a_client_id_gets_one_error(socket: Any, frame: dict[str, Any]) -> None:
    await socket.send({**frame, "client_id": "1"})
    [error] = await until_pong(socket, *ANSWERS)
    assert (error["type"], error["client_id"]) == ("error", "1")


@pytest.mark.parametrize("frame", [frame for frame in GOOD if frame["type"] != "ping"], ids=str)
async def test_a_good_frame_without_a_client_id_gets_no_answer(socket: Any, frame: dict[str, Any]) -> None:
    await socket.send(frame)
    assert await until_pong(socket, *ANSWERS) == []


@pytest.mark.parametrize("frame", BAD, ids=str)
async def test_a_bad_frame_without_a_client_id_gets_an_error_that_names_none(
    socket: Any, frame: dict[str, Any]
) -> None:
    await socket.send(frame)
    [error] = await until_pong(socket, *ANSWERS)
    assert (error["type"], error["client_id"]) == ("error", None)


async def test_a_ping_without_a_client_id_gets_its_pong_and_no_ack(socket: Any) -> None:
    await socket.send({"type": "ping"})
    pong = await socket.receive()
    assert pong == {"type": "pong", "version": 0, "last_seq": 0}
    assert await until_pong(socket) == []


async def test_an_ack_of_what_has_no_more_to_say_is_type_and_client_id(socket: Any) -> None:
    assert await answer(socket, {"type": "ping", "client_id": "a"}) == {"type": "ack", "client_id": "a"}
    assert await answer(socket, {"type": "typing", "is_typing": True, "client_id": "b"}) == {
        "type": "ack",
        "client_id": "b",
    }


async def test_frames_are_answered_in_the_order_in_which_they_came(socket: Any) -> None:
    for number in range(40):
        await socket.send({**(GOOD + BAD)[number % 10], "client_id": str(number)})
    answered = []
    while len(answered) < 40:
        frame = await socket.receive(timeout=10)
        if frame["type"] in ANSWERS:
            answered.append(frame["client_id"])
    assert answered == [str(number) for number in range(40)]


async def test_pong_follows_what_is_said_and_changed(
    socket: Any, post: Callable[..., Any], call: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    said = await post(bob, conversation)
    await call(bob, "patch", f"messages/{said['id']}/", {"content": "Changed"})
    await socket.receive_until("message_updated")
    await socket.send({"type": "ping"})
    assert await socket.receive() == {"type": "pong", "version": 2, "last_seq": 1}
