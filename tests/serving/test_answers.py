"""How an HTTP answer goes out: by one write where it comes whole, else as Twisted does it, and it looks the same."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from chat_server.wire import is_plain, write_now

from .conftest import Program, read_all

Start = Callable[..., Program]
Ends = tuple[socket.socket, socket.socket]
REQUESTS = {
    "whole": "GET /sized?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "its head alone": "HEAD /sized?a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "to an old client": "GET /sized?a HTTP/1.0\r\n\r\n",
    "without a length": "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "with a line that is none of ours": "GET /sly HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "to two who ask at once": "GET /sized?a HTTP/1.1\r\nHost: x\r\n\r\n"
    "GET /sized?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


def asked(program: Program, request: str) -> bytes:
    with program.connect() as connection:
        connection.sendall(request.encode())
        return read_all(connection)


def parts(answers: bytes, pid: int) -> list[list[bytes]]:
    """The lines of each of them, in one order and in small letters, without the process's number."""
    whole = re.sub(rb"content-length: \d+", b"content-length: some", answers.replace(b"%d" % pid, b"PID").lower())
    return [sorted(each.split(b"\r\n")) for each in whole.split(b"http/1.")]


def test_an_answer_is_the_same_by_the_short_way_and_by_the_public_one(start: Start) -> None:
    short, public = start(), start("--public")
    for request in REQUESTS.values():
        ours, theirs = asked(short, request), asked(public, request)
        pids = [program.get()["pid"] for program in (short, public)]
        found = parts(ours, pids[0])
        assert found == parts(theirs, pids[1])
        assert len(found) == request.count("HTTP/1") + 1


def test_nothing_that_an_answer_quotes_is_a_header_of_it(program: Program) -> None:
    answer = asked(program, REQUESTS["with a line that is none of ours"])
    assert b"hello" in answer
    assert b"\r\nx-evil" not in answer.lower()


def test_a_connection_that_is_used_again_in_time_stays_open_and_then_is_closed(program: Program) -> None:
    with program.connect() as connection:
        for _ in range(4):
            connection.sendall(b"GET /sized HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
            time.sleep(0.6)
        begun = time.monotonic()
        assert connection.recv(4096) == b""
        assert time.monotonic() - begun < 2


class Transport(SimpleNamespace):
    """What `write_now` looks for in Twisted's."""

    def __init__(self, connection: socket.socket, **changes: Any) -> None:
        super().__init__(dataBuffer=b"", offset=0, _tempDataLen=0, _tempDataBuffer=[], socket=connection)
        self.connected, self.disconnecting = True, False
        self.written: list[bytes] = []
        self.write = self.written.append
        self.__dict__.update(changes)


@pytest.fixture
def connection() -> Iterator[Ends]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_what_nothing_waits_before_goes_out_at_once(connection: Ends) -> None:
    one = Transport(connection[0])
    write_now(one, b"now")
    assert (connection[1].recv(9), one.written) == (b"now", [])


@pytest.mark.parametrize(
    "changes", [{"dataBuffer": b"x"}, {"_tempDataBuffer": [b"x"]}, {"disconnecting": True}, {"connected": False}]
)
def test_what_something_waits_before_comes_behind_it(connection: Ends, changes: dict[str, Any]) -> None:
    one = Transport(connection[0], **changes)
    write_now(one, b"later")
    assert one.written == [b"later"]


@pytest.mark.parametrize("missing", ["dataBuffer", "_tempDataBuffer", "socket", "disconnecting"])
def test_a_transport_that_looks_otherwise_is_left_alone(connection: Ends, missing: str) -> None:
    one = Transport(connection[0])
    assert is_plain(one)
    assert not is_plain(Transport(connection[0], TLS=True))
    delattr(one, missing)
    assert not is_plain(one)
