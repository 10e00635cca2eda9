"""What one client may cost: bodies, slow senders, frames."""

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from .conftest import Program, read_all, until

MIB = 1024 * 1024
TOO_BIG = {
    "type": "client_error",
    "errors": [{"code": "too_big", "detail": "The body is over 1 MiB.", "attr": None}],
}


def rss(program: Program) -> int:
    return int(Path(f"/proc/{program.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def chunks(total: int, size: int = MIB) -> Iterator[bytes]:
    for _ in range(total // size):
        yield bytes(size)


def error_of(received: bytes) -> tuple[bytes, object]:
    """The status line and the JSON body of a raw answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"\r\nConnection: close" in head
    return head.split(b"\r\n")[0], json.loads(body)


def send_until_told(connection: socket.socket, total: int) -> bytes:
    """Send `total` bytes, or as many as the server takes, and only then read."""
    try:
        for chunk in chunks(total):
            connection.sendall(chunk)
    except OSError:
        pass
    return read_all(connection)


def test_a_body_of_the_limit_is_taken_in(program: Program) -> None:
    assert httpx.post(program.url, content=bytes(MIB), trust_env=False).json()["body"] == MIB


def test_a_body_over_the_limit_is_413_by_its_length_alone(program: Program) -> None:
    with program.connect() as connection:
        connection.sendall(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")
        status, error = error_of(read_all(connection))
    assert (status, error) == (b"HTTP/1.1 413 Request Entity Too Large", TOO_BIG)


def test_a_client_that_waits_for_100_gets_413_instead(program: Program) -> None:
    with program.connect() as connection:
        connection.sendall(
            b"POST /api/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n"
        )
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_sends_100_mib_before_it_reads_still_gets_the_413(program: Program) -> None:
    with program.connect() as connection:
        connection.sendall(b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n")
        assert error_of(send_until_told(connection, 100 * MIB))[1] == TOO_BIG


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_refused_costs_neither_memory_nor_disk(program: Program, chunked: bool) -> None:
    before = rss(program)
    headers = {} if chunked else {"Content-Length": str(100 * MIB)}
    answer = httpx.post(f"{program.url}/api/x", content=chunks(100 * MIB), headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()) == (413, TOO_BIG)
    assert rss(program) - before < 8 * MIB
    assert [path.name for path in program.folder.iterdir()] == ["log"]


def test_the_chunk_that_is_too_much_may_bring_the_last_one_with_it(program: Program) -> None:
    with program.connect() as connection:
        connection.sendall(b"POST /api/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"100001\r\n" + bytes(MIB + 1) + b"\r\n0\r\n\r\n")
        assert error_of(read_all(connection))[1] == TOO_BIG


def test_all_bodies_together_are_bounded_and_one_that_ends_makes_room(start: Callable[..., Program]) -> None:
    program = start(bodies_bytes=2 * MIB)
    head = b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"

    def status() -> int:
        return httpx.post(f"{program.url}/api/x", content=bytes(MIB), trust_env=False).status_code

    with program.connect() as first, program.connect() as second:
        for connection in (first, second):
            connection.sendall(head + bytes(MIB - 1))
        until(lambda: status() == 503)
        busy = httpx.post(f"{program.url}/api/x", content=bytes(MIB), trust_env=False)
        assert (busy.json()["errors"][0]["code"], busy.headers["Retry-After"]) == ("unavailable", "1")
        assert httpx.post(f"{program.url}/api/x", content=bytes(16_000), trust_env=False).status_code == 200
        first.sendall(b"x")
        assert first.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert status() == 200
    until(lambda: status() == 200)


@pytest.mark.parametrize(
    "request_line",
    [
        pytest.param(b"GET /api/x HTTP/1.1\r\nX: " + b"x" * 20_000, id="long header"),
        pytest.param(b"GET /api/x HTTP/1.1\r\n" + b"X: x\r\n" * 501, id="many headers"),
        pytest.param(b"POST /api/x HTTP/1.1\r\nContent-Length: " + b"9" * 5000, id="endless length"),
        pytest.param(b"POST /api/x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", id="two lengths"),
        pytest.param(b"GET /api/x HTTP/1.1\r\nX y: z", id="bad name"),
        pytest.param(b"GET /api/x?\xa0 HTTP/1.1\r\nHost: x", id="bad query"),
    ],
)
def test_what_is_no_request_is_400_in_the_shape_of_the_api(program: Program, request_line: bytes) -> None:
    with program.connect() as connection:
        connection.sendall(request_line + b"\r\n\r\n")
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["errors"][0]["code"] == "invalid"


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="request line"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", id="headers"),
        pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n", id="body"),
        pytest.param(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n", id="chunk"),
    ],
)
def test_what_trickles_is_cut_off(program: Program, begin: bytes) -> None:
    begun = time.monotonic()
    with program.connect() as connection:
        connection.sendall(begin)
        try:
            while time.monotonic() < begun + 5:
                connection.sendall(b"x")
                time.sleep(0.1)
        except OSError:
            pass
    assert 0.9 < time.monotonic() - begun < 2


def test_an_idle_connection_is_closed(program: Program) -> None:
    with program.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_all(connection).endswith(b"0\r\n\r\n")


def test_half_an_answer_ends_the_connection_and_not_the_server(program: Program) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{program.url}/broken", trust_env=False)
    assert program.get()


# Frames -----------------------------------------------------------------------------------------


def open_socket(program: Program, path: str = "/ws/x") -> ClientConnection:
    return websockets.sync.client.connect(
        f"ws://127.0.0.1:{program.port}{path}", proxy=None, max_size=None, close_timeout=1
    )


def close_code(connection: ClientConnection) -> int | None:
    try:
        while True:
            connection.recv(timeout=10)
    except ConnectionClosed:
        return connection.protocol.close_code


def test_a_frame_of_64_kib_is_answered(program: Program) -> None:
    with open_socket(program) as connection:
        connection.send("x" * 65536)
        assert len(connection.recv(timeout=5)) == 65536


@pytest.mark.parametrize("size", [65_537, 2 * MIB, 50 * MIB])
def test_a_larger_frame_closes_with_4413(program: Program, size: int) -> None:
    before = rss(program)
    with open_socket(program) as connection:
        try:
            connection.send("x" * size)
        except ConnectionClosed:
            pass
        assert close_code(connection) == 4413
    assert rss(program) - before < 8 * MIB


def test_fragments_count_together(program: Program) -> None:
    with open_socket(program) as connection:
        try:
            connection.send("x" * 1000 for _ in range(1000))
        except ConnectionClosed:
            pass
        assert close_code(connection) == 4413


def test_a_frame_that_is_only_announced_closes_with_4413(program: Program) -> None:
    with open_socket(program) as connection:
        connection.socket.sendall(b"\x81\xff" + struct.pack("!Q", 2**40) + b"mask")
        assert close_code(connection) == 4413


PING, PONG, FRAGMENT = b"\x89\x80mask", b"\x8a\x80mask", b"\x00\x80mask"


@pytest.mark.parametrize("frame", [PING, PONG, FRAGMENT], ids=["pings", "pongs", "empty fragments"])
def test_a_flood_of_what_is_no_message_closes_with_4429_and_is_not_read_on(program: Program, frame: bytes) -> None:
    with open_socket(program) as connection:
        connection.socket.sendall(b"\x01\x80mask" if frame is FRAGMENT else b"")
        sent, stuck_since = 0, time.monotonic()
        while time.monotonic() < stuck_since + 0.5:
            try:  # a timeout of the socket would be one of its reading, too
                sent += connection.socket.send(frame * 5000, socket.MSG_DONTWAIT)
                stuck_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break
            assert sent < 100 * MIB
        assert close_code(connection) == 4429


def test_a_body_that_comes_with_an_upgrade_is_not_held_for_ever(start: Callable[..., Program]) -> None:
    program = start(bodies_bytes=2 * MIB)
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    head = b"GET /ws/x HTTP/1.1\r\nHost: x\r\n" + upgrade + key + b"Content-Length: 1048576\r\n\r\n"
    for _ in range(3):
        with program.connect() as connection, suppress(OSError):  # its bytes are no frames
            connection.sendall(head + bytes(MIB))
            read_all(connection)
    assert httpx.post(program.url, content=bytes(MIB), trust_env=False).status_code == 200


VIOLATIONS = {
    "no mask": b"\x81\x02hi",
    "a reserved bit": b"\xc1\x82\0\0\0\0hi",
    "a reserved opcode": b"\x83\x82\0\0\0\0hi",
    "a ping in parts": b"\x09\x80\0\0\0\0",
    "a ping that is too long": b"\x89\xfe\0\xc8\0\0\0\0" + bytes(200),
    "a continuation of nothing": b"\x80\x80\0\0\0\0",
    "a message within a message": b"\x01\x81\0\0\0\0h\x81\x81\0\0\0\0i",
    "half a close code": b"\x88\x81\0\0\0\0x",
    "a close code that is none": b"\x88\x82\0\0\0\0\x03\xed",
    "no UTF-8": b"\x81\x82\0\0\0\0\xff\xfe",
    "a length of more bytes than it needs": b"\x81\xfe\0\x02\0\0\0\0hi",
    "a negative length": b"\x81\xff" + b"\xff" * 12,
}


@pytest.mark.parametrize("bytes_sent", VIOLATIONS.values(), ids=VIOLATIONS)
def test_who_breaks_the_protocol_is_cut_off_and_nobody_else(program: Program, bytes_sent: bytes) -> None:
    logged = len(program.log)
    with open_socket(program) as other, open_socket(program) as connection:
        connection.socket.sendall(bytes_sent)
        assert close_code(connection) in (1002, 1007, 1006)  # RFC 6455, 7.4.1; 1006: it was not even told
        other.send("still here")
        assert other.recv(timeout=5) == "still here"
    assert "Traceback" not in program.log[logged:]


def test_pings_and_fragments_at_their_usual_pace_are_taken(program: Program) -> None:
    with open_socket(program) as connection:
        for number in range(100):
            assert connection.ping().wait(5)
            connection.send(part for part in (str(number), "-", str(number)))
            assert connection.recv(timeout=5) == f"{number}-{number}"


def test_frames_that_the_consumer_has_not_taken_stay_with_the_client(program: Program) -> None:
    before = rss(program)
    with open_socket(program, "/ws/slow") as connection:
        connection.socket.settimeout(0.5)
        frame = b"\x81\xfe" + struct.pack("!H", 60_000) + b"\0\0\0\0" + b"x" * 60_000
        sent = 0
        try:
            while sent < 60 * MIB:
                sent += connection.socket.send(frame)
        except OSError:
            pass
        assert sent < 60 * MIB
        assert rss(program) - before < 30 * MIB


def test_every_frame_of_a_burst_is_answered(program: Program) -> None:
    with open_socket(program) as connection:
        for number in range(3000):
            connection.send(str(number))
        assert [connection.recv(timeout=5) for _ in range(3000)] == [str(number) for number in range(3000)]


# The log ----------------------------------------------------------------------------------------


def test_no_token_is_in_the_access_log(program: Program) -> None:
    httpx.get(f"{program.url}/logged?token=secret-1", trust_env=False)
    with open_socket(program, "/ws/logged?token=secret-2"):
        pass
    with program.connect() as connection:
        connection.sendall(b"POST /refused?token=secret-3 HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")
        read_all(connection)
    until(lambda: "WS /ws/logged closed" in program.log)
    assert "chat_server.access GET /logged 200 " in program.log
    assert "chat_server.access WS /ws/logged open 127.0.0.1:" in program.log
    assert "chat_server.access POST /refused 413 " in program.log
    assert "secret" not in program.log
