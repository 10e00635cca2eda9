"""Whatever carries a `client_id` is answered exactly once."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.realtime.frames import ERROR_CODES, answer, until_pong

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


# Whatever comes -------------------------------------------------------------------------------------

NAMES = ["type", "content", "client_id", "reply_to", "is_typing", "message_id", "token", "conversation", "user"]
TYPES = ["chat_message", "typing", "read_receipt", "authenticate", "ping", "durable", ""]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.sampled_from(TYPES)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
FIELDS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), VALUES, max_size=5)
FRAMES = st.builds(lambda fields, kind: {**fields, "type": kind}, FIELDS, st.sampled_from(TYPES) | VALUES)


def _is_client_id(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 64 and value.isprintable()


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(frame=FRAMES, client_id=st.none() | st.text(min_size=1, max_size=64).filter(str.isprintable))
async def test_no_frame_whatever_closes_the_socket_or_stays_unanswered(
    socket: Any, frame: dict[str, Any], client_id: str | None
) -> None:
    if client_id is not None:
        frame = {**frame, "client_id": client_id}
    text = json.dumps(frame)
    await socket.send(text)
    await socket.send({"type": "ping", "client_id": "the end"})
    answers = []
    async with asyncio.timeout(10):
        while (got := await socket.receive(timeout=10)) != {"type": "ack", "client_id": "the end"}:
            if got["type"] in ANSWERS:
                answers.append(got)
    strict = not any(word in text for word in ("NaN", "Infinity", "\\ud"))
    if strict and _is_client_id(frame.get("client_id")):
        assert [each["client_id"] for each in answers] == [frame["client_id"]]
    else:
        assert len(answers) <= 1
    assert {each["code"] for each in answers if each["type"] == "error"} <= ERROR_CODES
