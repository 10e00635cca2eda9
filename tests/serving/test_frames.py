"""Frames that a client sends, byte by byte: the short way takes them as autobahn does, or leaves them to it.

Each test is of a server as it is and of one whose short way is switched off; what is asked of both is RFC 6455's.
"""

import json
import socket
import struct
from collections.abc import Callable, Iterator

import pytest

from .conftest import Program

LIMIT = 65_536  # of a message, in bytes
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x01\x80\x7f\xff"
UPGRADE = (
    "GET {} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module", params=[(), ("--public",)], ids=["short", "public"])
def server(request: pytest.FixtureRequest) -> Iterator[Program]:
    program = Program("--limits", json.dumps({"frame_bytes": LIMIT, "close_seconds": 1}), *request.param)
    try:
        yield program.wait_until_up()
    finally:
        program.close()


class Raw:
    """An open WebSocket, of which the test sends the bytes."""

    def __init__(self, program: Program, path: str = "/ws/x") -> None:
        self.socket = program.connect()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(UPGRADE.format(path).encode())
        self.received = b""
        while b"\r\n\r\n" not in self.received:
            self.received += self.socket.recv(65536)
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")

    def send(self, sent: bytes) -> None:
        self.socket.sendall(sent)

    def _read(self, size: int) -> bytes:
        while len(self.received) < size:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise EOFError
            self.received += chunk
        read, self.received = self.received[:size], self.received[size:]
        return read

    def frame(self) -> tuple[int, bytes]:
        """The next one's opcode and payload; `EOFError` behind the last one."""
        first, size = self._read(2)
        assert first & 0x80
        if size == 126:
            [size] = struct.unpack("!H", self._read(2))
        elif size == 127:
            [size] = struct.unpack("!Q", self._read(8))
        return first & 0x0F, self._read(size)

    def texts(self, count: int) -> list[str]:
        frames = [self.frame() for _ in range(count)]
        assert {opcode for opcode, _ in frames} <= {TEXT}
        return [payload.decode() for _, payload in frames]

    def rest(self) -> list[tuple[int, bytes]]:
        """All frames until the server ends the connection."""
        frames = []
        try:
            while True:
                frames.append(self.frame())
        except (EOFError, ConnectionResetError):
            return frames

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def open_raw(server: Program) -> Iterator[Callable[..., Raw]]:
    opened: list[Raw] = []

    def open_one(path: str = "/ws/x") -> Raw:
        opened.append(Raw(server, path))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def raw(open_raw: Callable[..., Raw]) -> Raw:
    return open_raw()


def frame(payload: bytes | str, opcode: int = TEXT, *, fin: bool = True, mask: bytes = MASK) -> bytes:
    """A client's frame (RFC 6455, 5.2)."""
    payload = payload.encode() if isinstance(payload, str) else payload
    size = len(payload)
    if size < 126:
        head = struct.pack("!B", 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BH", 0x80 | 126, size)
    else:
        head = struct.pack("!BQ", 0x80 | 127, size)
    masked = bytes(octet ^ mask[number % 4] for number, octet in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + head + mask + masked


# Whole messages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 125, 126, 127, 65_535, LIMIT])
@pytest.mark.parametrize("mask", [MASK, bytes(4), b"\xff\xff\xff\xff"], ids=["mask", "zeros", "ones"])
def test_a_text_of_any_length_is_taken(raw: Raw, size: int, mask: bytes) -> None:
    text = ("0123456789é😀" * (size // 10 + 1)).encode()[:size].decode(errors="ignore")
    text += "." * (size - len(text.encode()))
    raw.send(frame(text, mask=mask))
    assert raw.texts(1) == [text]


def test_an_empty_text_is_taken(raw: Raw) -> None:
    raw.send(frame("") + frame("next"))
    assert raw.texts(2) == ["bytes", "next"]  # as the program has it: it echoes no empty one


def test_text_is_taken_whatever_is_in_it(raw: Raw) -> None:
    text = '\0\x7f\u2028\u2029\ufeff\ufffd\uffff\U0010ffff \\ " % {}'
    raw.send(frame(text))
    assert raw.texts(1) == [text]


@pytest.mark.parametrize("text", ["", "Hé😀", "x" * 125, "x" * 126, "x" * 300], ids=len)
def test_a_frame_may_come_in_two_parts_however_it_is_cut(open_raw: Callable[..., Raw], text: str) -> None:
    raw, other = open_raw(), open_raw()
    sent = frame(text)
    for cut in [*range(1, min(len(sent), 20)), len(sent) - 1]:
        raw.send(sent[:cut])
        other.send(frame("between"))
        assert other.texts(1) == ["between"]  # by now the first part was read
        raw.send(sent[cut:])
        assert raw.texts(1) == [text or "bytes"]


def test_a_frame_may_come_byte_by_byte(open_raw: Callable[..., Raw]) -> None:
    raw, other = open_raw(), open_raw()
    for octet in frame("Hé😀") + frame("next"):
        raw.send(bytes([octet]))
        other.send(frame("between"))
        assert other.texts(1) == ["between"]
    assert raw.texts(2) == ["Hé😀", "next"]


def test_many_frames_in_one_segment_are_taken_in_order(raw: Raw) -> None:
    texts = [str(number) * (number % 40) or "none" for number in range(60)]
    raw.send(b"".join(map(frame, texts)))
    assert raw.texts(60) == texts


def test_the_part_of_a_frame_behind_whole_ones_waits_for_the_rest(open_raw: Callable[..., Raw]) -> None:
    raw = open_raw()
    sent = frame("first") + frame("second") + frame("third")
    raw.send(sent[:-3])
    assert raw.texts(2) == ["first", "second"]
    raw.send(sent[-3:])
    assert raw.texts(1) == ["third"]


# What stands beside -----------------------------------------------------------------------------


def test_a_message_in_parts_comes_between_whole_ones(raw: Raw) -> None:
    raw.send(frame("a") + frame("b", fin=False) + frame("c", CONTINUATION) + frame("d"))
    assert raw.texts(3) == ["a", "bc", "d"]


def test_a_character_may_be_cut_between_two_parts(raw: Raw) -> None:
    whole = "😀".encode()
    raw.send(frame("a") + frame(whole[:2], fin=False) + frame(whole[2:], CONTINUATION) + frame("d"))
    assert raw.texts(3) == ["a", "😀", "d"]


def test_a_part_that_waits_for_the_next_segment_is_not_taken_for_a_whole_message(open_raw: Callable[..., Raw]) -> None:
    raw, other = open_raw(), open_raw()
    raw.send(frame("a") + frame("b", fin=False))
    assert raw.texts(1) == ["a"]
    other.send(frame("between"))
    assert other.texts(1) == ["between"]
    raw.send(frame("c", CONTINUATION) + frame("d"))
    assert raw.texts(2) == ["bc", "d"]


@pytest.mark.parametrize("opcode", [BINARY, PING], ids=["bytes", "ping"])
def test_what_is_in_a_frame_and_looks_like_a_text_is_none(open_raw: Callable[..., Raw], opcode: int) -> None:
    raw, other = open_raw(), open_raw()
    inner = frame("no text")
    sent = frame(inner * 3, opcode, mask=bytes(4))
    for part in (sent[:6], sent[6:19], sent[19:] + frame("a")):
        raw.send(part)
        other.send(frame("between"))
        assert other.texts(1) == ["between"]
    assert raw.frame() == ((PONG, inner * 3) if opcode == PING else (TEXT, b"bytes"))
    assert raw.texts(1) == ["a"]


def test_a_text_amid_a_message_is_no_message_though_it_comes_in_a_segment_of_its_own(
    open_raw: Callable[..., Raw],
) -> None:
    raw, other = open_raw(), open_raw()
    raw.send(frame("a", fin=False))
    other.send(frame("between"))
    assert other.texts(1) == ["between"]
    raw.send(frame("b"))
    assert TEXT not in [opcode for opcode, _ in raw.rest()]


def test_a_ping_beside_texts_is_answered(raw: Raw) -> None:
    raw.send(frame("a") + frame("there?", PING) + frame("b") + frame("and now?", PING))
    frames = [raw.frame() for _ in range(4)]
    assert [payload for opcode, payload in frames if opcode == TEXT] == [b"a", b"b"]
    assert [payload for opcode, payload in frames if opcode == PONG] == [b"there?", b"and now?"]


def test_bytes_beside_texts_are_told_from_them(raw: Raw) -> None:
    raw.send(frame("a") + frame(b"\xff\xfe", BINARY) + frame("b"))
    assert raw.texts(3) == ["a", "bytes", "b"]


def test_a_close_behind_a_text_is_answered_and_nothing_after_it(raw: Raw) -> None:
    raw.send(frame("a") + frame(b"\x03\xe8", CLOSE) + frame("too late"))
    *before, last = raw.rest()
    assert last == (CLOSE, b"\x03\xe8")
    assert before in ([], [(TEXT, b"a")])


def test_who_answers_a_ping_stays_and_a_text_counts_as_a_sign_of_life_too(open_raw: Callable[..., Raw]) -> None:
    """One takes its time to answer, because it has much to say before."""
    answers, talks, is_silent = (open_raw("/ws/pinged") for _ in range(3))
    (ping, asked), *others = (each.frame() for each in (answers, talks, is_silent))
    assert {ping, *(opcode for opcode, _ in others)} == {PING}
    answers.send(frame(asked, PONG))
    talks.send(frame("a"))
    assert talks.texts(1) == ["a"]
    assert is_silent.rest() == []  # it is cut off
    for each in (answers, talks):
        each.send(frame("b"))
        assert each.texts(1) == ["b"]


# What is wrong ----------------------------------------------------------------------------------


def sixteen_bits(size: int, payload: bytes) -> bytes:
    return b"\x81\xfe" + struct.pack("!H", size) + bytes(4) + payload


def sixty_four_bits(size: int, payload: bytes) -> bytes:
    return b"\x81\xff" + struct.pack("!Q", size) + bytes(4) + payload


WRONG = {
    "no mask": b"\x81\x02hi",
    "no mask, and empty": b"\x81\x00",
    "no mask, and long": b"\x81\x7e\x00\x80" + b"x" * 128,
    "16 bits for 5 bytes": sixteen_bits(5, b"hello"),
    "16 bits for 0 bytes": sixteen_bits(0, b""),
    "16 bits for 125 bytes": sixteen_bits(125, b"x" * 125),
    "64 bits for 5 bytes": sixty_four_bits(5, b"hello"),
    "64 bits for 65535 bytes": sixty_four_bits(65_535, b"x" * 65_535),
    "a reserved bit": b"\xc1" + frame("hi")[1:],
    "a text amid a message": frame("a", fin=False) + frame("b"),
    "no UTF-8": frame(b"hi\xff"),
    "half a character": frame("é".encode()[:1]),
    "half a pair": frame(b"\xed\xa0\x80"),
    "a character in more bytes than it needs": frame(b"\xc0\x80"),
    "a character beyond the last": frame(b"\xf4\x90\x80\x80"),
    "no UTF-8, and long": frame(b"x" * 200 + b"\xfe"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_who_breaks_the_protocol_is_cut_off_and_nothing_of_it_taken(server: Program, raw: Raw, wrong: bytes) -> None:
    logged = len(server.log)
    raw.send(frame("before"))
    assert raw.texts(1) == ["before"]
    raw.send(wrong + frame("after"))
    frames = raw.rest()
    assert TEXT not in [opcode for opcode, _ in frames]
    # autobahn ends the connection without a word (`failByDrop`); where it said why, it would be one of these.
    assert {payload[:2] for opcode, payload in frames if opcode == CLOSE} <= {b"\x03\xea", b"\x03\xef"}
    assert "Traceback" not in server.log[logged:]


def test_a_text_over_the_limit_closes_with_4413_and_what_follows_is_not_taken(raw: Raw) -> None:
    raw.send(frame("a") + frame("x" * (LIMIT + 1)) + frame("b"))
    assert raw.frame() == (TEXT, b"a")
    opcode, payload = raw.frame()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack("!H", 4413))
    raw.send(frame(payload[:2], CLOSE))
    assert raw.rest() == []


def test_behind_a_text_over_the_limit_none_is_taken_even_where_nobody_closes_at_once(
    open_raw: Callable[..., Raw],
) -> None:
    raw, other = open_raw("/ws/deaf"), open_raw()
    raw.send(frame("x" * (LIMIT + 1)))
    other.send(frame("between"))
    assert other.texts(1) == ["between"]
    raw.send(frame("b"))
    opcode, payload = raw.frame()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack("!H", 4413))
