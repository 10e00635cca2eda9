"""Bad frames are answered by an `error`, and the socket stays open until there are too many of them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import ERROR_CODES, answer, contents, durable, the_rest, until_pong

TYPE_MISSING = {"unknown_type", "invalid_frame", "required"}


@pytest.fixture
async def socket(enter: Callable[..., Any], alice: Any, conversation: Any) -> Any:
    """Alice's, let in."""
    return await enter(alice, conversation)


def _check(error: dict[str, Any], codes: set[str], client_id: str | None) -> None:
    assert error.keys() == {"type", "code", "detail", "client_id"}
    assert (error["type"], error["client_id"]) == ("error", client_id)
    assert error["code"] in codes
    assert isinstance(error["detail"], str)
    assert error["detail"]


NOT_A_FRAME: list[tuple[str | bytes, set[str]]] = [
    ("nonsense", {"invalid_json"}),
    (" ", {"invalid_json"}),
    ('{"type": "ping"', {"invalid_json"}),
    ('{"type": "ping"}{"type": "ping"}', {"invalid_json"}),
    ("{'type': 'ping'}", {"invalid_json"}),
    ("NaN", {"invalid_json"}),
    ('{"type": "ping", "client_id": "1", "x": NaN}', {"invalid_json"}),
    ('{"type": "ping", "client_id": "1", "x": -Infinity}', {"invalid_json"}),
    ("[" * 30_000 + "]" * 30_000, {"invalid_json", "invalid_frame"}),
    ('{"type":' * 7_000 + "1" + "}" * 7_000, {"invalid_json", "unknown_type", "invalid_frame"}),
    ('[{"type": "ping"}]', {"invalid_frame"}),
    ('"ping"', {"invalid_frame"}),
    ("1", {"invalid_frame"}),
    ("null", {"invalid_frame"}),
    ("true", {"invalid_frame"}),
    (b"nonsense", {"invalid_frame"}),
    (b'{"type": "ping", "client_id": "1"}', {"invalid_frame"}),
    ("{}", TYPE_MISSING),
]


@pytest.mark.parametrize(
    ("text", "codes"), NOT_A_FRAME, ids=lambda value: "" if isinstance(value, set) else repr(value)[:30]
)
async def test_what_is_no_frame_is_an_error_and_the_socket_stays(
    socket: Any, text: str | bytes, codes: set[str]
) -> None:
    _check(await answer(socket, text), codes, None)
    assert await until_pong(socket) == []


INTERNAL = ["websocket.disconnect", "websocket.receive", "websocket_shutdown", "websocket.shutdown", "send_message"]
INTERNAL += ["durable", "passing", "status", "sessions_ended", "close", "_end", "__init__", "connected", "ack"]


@pytest.mark.parametrize("name", ["nonsense", "", "PING", " ping", "ping\u0000", *INTERNAL])
async def test_an_unknown_or_internal_type_is_an_error_and_the_socket_stays(socket: Any, name: str) -> None:
    _check(await answer(socket, {"type": name, "client_id": "1"}), {"unknown_type"}, "1")
    assert await until_pong(socket) == []


@pytest.mark.parametrize("kind", [None, 1, 1.5, True, [], ["ping"], {}, {"ping": 1}])
async def test_a_type_that_is_no_text_is_an_error_and_the_socket_stays(socket: Any, kind: Any) -> None:
    _check(await answer(socket, {"type": kind, "client_id": "1"}), {*TYPE_MISSING, "invalid"}, "1")
    assert await until_pong(socket) == []


LEFT_OUT = "<left out>"  # a name that is the same in every process
NO_ID = ["1", "x", 1.5, True, [], [1], {}, 0, -1, 2**63, 2**64, 2**70, -(2**70)]
FIELDS: list[tuple[dict[str, Any], str, Any, set[str]]] = [
    *(({"type": "chat_message"}, "content", value, {"invalid"}) for value in (None, 1, 1.5, True, [], ["x"], {})),
    ({"type": "chat_message"}, "content", LEFT_OUT, {"required"}),
    *(({"type": "chat_message", "content": "Hello"}, "reply_to", value, {"invalid"}) for value in NO_ID),
    ({"type": "chat_message", "content": "Hello"}, "reply_to", 2**63 - 1, {"does_not_exist"}),
    *(({"type": "typing"}, "is_typing", value, {"invalid"}) for value in (None, "true", "", 0, 1, [], {})),
    ({"type": "typing"}, "is_typing", LEFT_OUT, {"required"}),
    *(({"type": "read_receipt"}, "message_id", value, {"invalid"}) for value in (None, *NO_ID)),
    ({"type": "read_receipt"}, "message_id", 2**63 - 1, {"does_not_exist"}),
    ({"type": "read_receipt"}, "message_id", LEFT_OUT, {"required"}),
    *(
        ({"type": "authenticate"}, "token", value, {"invalid", "blank", "not_authenticated"})
        for value in (None, "", 1, 1.5, True, [], {})
    ),
    ({"type": "authenticate"}, "token", LEFT_OUT, {"required"}),
]


@pytest.mark.parametrize(
    ("frame", "field", "value", "codes"),
    FIELDS,
    ids=[f"{frame['type']}-{field}-{value!r}"[:50] for frame, field, value, _ in FIELDS],
)
async def test_a_wrong_field_is_an_error_and_nothing_is_done(
    socket: Any, frame: dict[str, Any], field: str, value: Any, codes: set[str]
) -> None:
    filled = frame if value is LEFT_OUT else {**frame, field: value}
    _check(await answer(socket, {**filled, "client_id": "1"}), codes, "1")
    assert await until_pong(socket) == []


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e400", "-1e400", "1" * 5000])
async def test_a_number_beyond_everything_is_an_error_and_the_socket_stays(socket: Any, number: str) -> None:
    error = await answer(socket, f'{{"type": "read_receipt", "message_id": {number}}}')
    _check(error, ERROR_CODES, None)
    assert await until_pong(socket) == []


@pytest.mark.parametrize(
    "client_id", ["", "x" * 65, 1, 0, True, None, [], ["1"], {}, "a\nb", "\u0000", "\u202e", "\u200b", 2**70]
)
async def test_a_client_id_that_is_none_is_an_error_that_names_none_and_nothing_is_done(
    socket: Any, client_id: Any
) -> None:
    error = await answer(socket, {"type": "chat_message", "content": "Hello", "client_id": client_id})
    _check(error, ERROR_CODES, None)
    assert await until_pong(socket) == []


@pytest.mark.parametrize("client_id", ["1", "x" * 64, "ä" * 64, "😀" * 64, "a b", " "])
async def test_every_printable_client_id_of_up_to_64_characters_will_do(socket: Any, client_id: str) -> None:
    assert (await answer(socket, {"type": "typing", "is_typing": False, "client_id": client_id})) == {
        "type": "ack",
        "client_id": client_id,
    }


async def test_a_lone_surrogate_is_an_error_and_nothing_is_stored(socket: Any) -> None:
    error = await answer(socket, '{"type": "chat_message", "content": "\\ud800"}')
    _check(error, ERROR_CODES, None)
    assert await until_pong(socket) == []


# In a row -------------------------------------------------------------------------------------------


async def test_twenty_bad_frames_in_a_row_close_with_4400(socket: Any) -> None:
    for number in range(20):
        await socket.send({"type": "nonsense", "client_id": str(number)})
    frames, code = await the_rest(socket)
    assert [frame["client_id"] for frame in frames] == [str(number) for number in range(20)]
    assert code == 4400


async def test_twenty_bad_frames_of_all_kinds_close_with_4400(socket: Any) -> None:
    bad = ["nonsense", b"x", "[]", {"type": "typing"}, {"type": "read_receipt", "message_id": 10**9}] * 4
    for frame in bad:
        await socket.send(frame)
    frames, code = await the_rest(socket)
    assert (len(frames), code) == (20, 4400)


async def test_a_good_frame_begins_the_count_of_bad_ones_anew(socket: Any) -> None:
    for _ in range(3):
        for _ in range(19):
            assert (await answer(socket, "nonsense"))["code"] == "invalid_json"
        assert await until_pong(socket) == []


async def test_what_comes_after_the_twentieth_bad_frame_counts_for_nothing(
    socket: Any, enter: Callable[..., Any], post: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    for _ in range(20):
        await socket.send("nonsense")
    await socket.send({"type": "chat_message", "content": "too late"})
    assert (await the_rest(socket))[1] == 4400
    there = await enter(bob, conversation, since=0)
    await post(bob, conversation, "in time")
    assert contents(await durable(there, 1)) == ["in time"]


# Size -----------------------------------------------------------------------------------------------


def _frame_of(size: int, letter: str = "x") -> str:
    """A good frame of so many bytes."""
    empty = json.dumps({"type": "ping", "x": ""})
    room = size - len(empty)
    width = len(letter.encode())
    return json.dumps({"type": "ping", "x": letter * (room // width) + "x" * (room % width)}, ensure_ascii=False)


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
async def test_a_frame_of_64_kib_is_taken(socket: Any, letter: str) -> None:
    await socket.send(_frame_of(64 * 1024, letter))
    await socket.receive_until("pong")


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
async def test_a_frame_over_64_kib_is_too_big_and_closes_with_4413(socket: Any, letter: str) -> None:
    await socket.send(_frame_of(64 * 1024 + 1, letter))
    [error], code = await the_rest(socket)
    _check(error, {"too_big"}, None)
    assert code == 4413


async def test_a_binary_frame_over_64_kib_is_too_big_and_closes_with_4413(socket: Any) -> None:
    await socket.send(b"x" * (64 * 1024 + 1))
    [error], code = await the_rest(socket)
    assert (error["code"], code) == ("too_big", 4413)
