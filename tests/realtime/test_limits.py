"""How much one socket, and one user, may say."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from chat_server.environment import Rate
from tests.realtime.frames import DURABLE, answer, durable, the_rest, until_pong

Enter = Callable[..., Any]
HELLO = {"type": "chat_message", "content": "Hello"}


def _ping(number: int) -> dict[str, Any]:
    return {"type": "ping", "client_id": str(number)}


async def _answers(socket: Any, count: int) -> list[dict[str, Any]]:
    """The next so many acks and errors."""
    answers: list[dict[str, Any]] = []
    while len(answers) < count:
        frame = await socket.receive(timeout=10)
        if frame["type"] in ("ack", "error"):
            answers.append(frame)
    return answers


@pytest.fixture
def frames(settings: Any) -> Callable[[int, int], None]:
    """`frames(100, 10)`: so many frames in so many seconds."""

    def frames(count: int, seconds: int) -> None:
        settings.THROTTLE_FRAMES = Rate(count, seconds)

    return frames


@pytest.fixture
def messages(settings: Any) -> Callable[[int, int], None]:
    """`messages(30, 10)`: so many messages in so many seconds."""

    def messages(count: int, seconds: int) -> None:
        settings.THROTTLE_MESSAGES = Rate(count, seconds)

    return messages


# Frames ---------------------------------------------------------------------------------------------


async def test_the_101st_frame_of_a_burst_is_throttled(
    enter: Enter, frames: Any, alice: Any, conversation: Any
) -> None:
    frames(100, 1000)
    socket = await enter(alice, conversation)
    for number in range(101):
        await socket.send(_ping(number))
    *acks, error = await _answers(socket, 101)
    assert {ack["type"] for ack in acks} == {"ack"}
    assert (error["type"], error["code"], error["client_id"]) == ("error", "throttled", "100")
    assert error.keys() == {"type", "code", "detail", "client_id", "retry_after"}
    assert 0 < error["retry_after"] <= 10


async def test_after_the_time_that_was_said_a_frame_is_taken_again(
    enter: Enter, frames: Any, alice: Any, conversation: Any
) -> None:
    frames(2, 1)
    socket = await enter(alice, conversation)
    while (got := await answer(socket, _ping(1)))["type"] == "ack":
        pass
    await asyncio.sleep(got["retry_after"])
    assert (await answer(socket, _ping(2)))["type"] == "ack"


@pytest.mark.parametrize("frame", [_ping(1), {**HELLO, "client_id": "1"}, {"type": "nonsense", "client_id": "1"}])
async def test_a_throttled_frame_gets_one_error_with_its_client_id(
    enter: Enter, frames: Any, alice: Any, conversation: Any, frame: dict[str, Any]
) -> None:
    frames(1, 1000)
    socket = await enter(alice, conversation)
    assert (await answer(socket, _ping(0)))["type"] == "ack"
    await socket.send(frame)
    await socket.send(_ping(2))
    errors = await _answers(socket, 2)
    assert [(each["code"], each["client_id"]) for each in errors] == [("throttled", "1"), ("throttled", "2")]


async def test_a_throttled_message_is_not_stored(
    enter: Enter, frames: Any, call: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    frames(1, 1000)
    socket = await enter(alice, conversation)
    await answer(socket, _ping(1))
    assert (await answer(socket, {**HELLO, "client_id": "2"}))["code"] == "throttled"
    assert (await call(alice, "get", f"conversations/{conversation.pk}/"))["last_seq"] == 0


async def test_each_socket_has_its_own_number_of_frames(
    enter: Enter, frames: Any, alice: Any, conversation: Any
) -> None:
    frames(1, 1000)
    for _ in range(3):
        assert (await answer(await enter(alice, conversation), _ping(1)))["type"] == "ack"


async def test_what_is_no_frame_counts_as_one(enter: Enter, frames: Any, alice: Any, conversation: Any) -> None:
    frames(2, 1000)
    socket = await enter(alice, conversation)
    await socket.send("nonsense")
    await socket.send(b"nonsense")
    await socket.send("nonsense")
    assert [each["code"] for each in await _answers(socket, 3)] == ["invalid_json", "invalid_frame", "throttled"]


async def test_who_goes_on_regardless_is_closed_with_4429(
    enter: Enter, frames: Any, alice: Any, conversation: Any
) -> None:
    frames(10, 1000)
    socket = await enter(alice, conversation)
    for number in range(1000):
        await socket.send(_ping(number))
    got, code = await the_rest(socket, timeout=10)
    assert {each["code"] for each in got if each["type"] == "error"} == {"throttled"}
    assert code == 4429


async def test_who_goes_on_regardless_is_closed_though_a_frame_gets_through_now_and_then(
    enter: Enter, frames: Any, alice: Any, conversation: Any
) -> None:
    frames(10, 1)
    socket = await enter(alice, conversation)

    async def flood() -> None:  # about ten times as much as is good
        for number in range(500):
            await socket.send(_ping(number))
            await asyncio.sleep(0.01)

    flooding = asyncio.create_task(flood())
    code = await socket.closed(timeout=8)
    flooding.cancel()
    assert code == 4429


async def test_who_waits_until_there_is_room_again_is_never_closed(
    enter: Enter, frames: Any, alice: Any, conversation: Any
) -> None:
    frames(50, 1)
    socket = await enter(alice, conversation)
    throttled = 0
    while throttled < 60:
        got = await answer(socket, _ping(1))
        if got["type"] == "error":
            throttled += 1
            await asyncio.sleep(0.03)


# Messages -------------------------------------------------------------------------------------------


async def test_the_31st_message_of_a_burst_is_throttled(
    enter: Enter, messages: Any, alice: Any, bob: Any, conversation: Any
) -> None:
    messages(30, 1000)
    socket, there = await enter(alice, conversation), await enter(bob, conversation)
    for number in range(31):
        await socket.send({**HELLO, "client_id": str(number)})
    *acks, error = await _answers(socket, 31)
    assert {ack["type"] for ack in acks} == {"ack"}
    assert (error["code"], error["client_id"]) == ("throttled", "30")
    assert 0 < error["retry_after"] <= 34
    await durable(there, 30)
    assert await until_pong(there, *DURABLE) == []


async def test_a_repeat_is_answered_though_the_bucket_is_empty(
    enter: Enter, messages: Any, rest: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    messages(1, 1000)
    socket = await enter(alice, conversation)
    first = await answer(socket, {**HELLO, "client_id": "1"})
    for _ in range(3):
        assert (await answer(socket, {**HELLO, "client_id": "2"}))["code"] == "throttled"
        assert await answer(socket, {**HELLO, "client_id": "1"}) == {**first, "duplicate": True}
    body = {"conversation": conversation.pk, "content": "Hello", "client_id": "1"}
    assert (await rest(alice, "post", "/api/chat/messages/create/", body)).status_code == 200


async def test_repeats_take_nothing_from_the_bucket(enter: Enter, messages: Any, alice: Any, conversation: Any) -> None:
    messages(2, 1000)
    socket = await enter(alice, conversation)
    for _ in range(5):
        assert (await answer(socket, {**HELLO, "client_id": "1"}))["type"] == "ack"
    assert (await answer(socket, {**HELLO, "client_id": "2"}))["type"] == "ack"


async def test_sockets_and_rest_share_the_bucket_of_a_user(
    enter: Enter, messages: Any, rest: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    messages(3, 1000)
    await answer(await enter(alice, conversation), {**HELLO, "client_id": "1"})
    await answer(await enter(alice, group), {**HELLO, "client_id": "2"})
    create = "/api/chat/messages/create/"
    assert (await rest(alice, "post", create, {**HELLO, "conversation": group.pk})).status_code == 201
    throttled = await rest(alice, "post", create, {**HELLO, "conversation": group.pk})
    assert (throttled.status_code, throttled.json()["errors"][0]["code"]) == (429, "throttled")
    assert int(throttled["Retry-After"]) > 0
    assert (await answer(await enter(alice, conversation), {**HELLO, "client_id": "3"}))["code"] == "throttled"
    assert (await answer(await enter(bob, conversation), {**HELLO, "client_id": "1"}))["type"] == "ack"


async def test_who_may_say_nothing_more_may_still_read_and_type(
    enter: Enter, messages: Any, alice: Any, conversation: Any
) -> None:
    messages(1, 1000)
    socket = await enter(alice, conversation)
    ack = await answer(socket, {**HELLO, "client_id": "1"})
    assert (await answer(socket, {**HELLO, "client_id": "2"}))["code"] == "throttled"
    for frame in ({"type": "read_receipt", "message_id": ack["message_id"]}, {"type": "typing", "is_typing": True}):
        assert (await answer(socket, {**frame, "client_id": "3"}))["type"] == "ack"


async def test_who_goes_on_sending_regardless_is_closed_with_4429(
    enter: Enter, messages: Any, alice: Any, conversation: Any
) -> None:
    messages(1, 1000)
    socket = await enter(alice, conversation)
    for number in range(300):
        await socket.send({**HELLO, "client_id": str(number)})
    assert await socket.closed(timeout=20) == 4429
