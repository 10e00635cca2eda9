"""The short way to a socket: what it writes, in which order, and where it leaves a frame to the public way.

The transport is Twisted's own, over a real socket, with a reactor that does nothing by itself; at the end is a real
server: an upgrade that hides what is looked for turns that red.
"""

import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.tcp import Connection

from chat_server.wire import BUFFERS, PROTOCOL, TRANSPORT, Wire, octets
from tests.realtime.frames import contents, durable
from tests.services.server import RealClient, ServerProcess

MUCH = bytes(range(256)) * 16_384  # 4 MiB: more than a socket takes at once


# A frame ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (1, b"\x81\x01"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_has_the_shortest_head_for_its_length(size: int, head: bytes) -> None:
    assert octets("x" * size) == head + b"x" * size


@pytest.mark.parametrize(("text", "head"), [("é" * 63, b"\x81\x7e\x00\x7e"), ("😀" * 31, b"\x81\x7c")])
def test_a_frame_is_as_long_as_its_bytes_and_not_as_its_characters(text: str, head: bytes) -> None:
    assert octets(text) == head + text.encode()


# One connection ---------------------------------------------------------------------------------


class Line:
    """A connection of a shape that is known, its `wire`, and the client's end of it."""

    def __init__(self) -> None:
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.setblocking(False)
        reactor = SimpleNamespace(
            **dict.fromkeys(("addReader", "addWriter", "removeReader", "removeWriter"), self.idle)
        )
        self.transport = Connection(ours, None, reactor=reactor)
        self.transport.connected = 1
        self.protocol = SimpleNamespace(
            STATE_OPEN=3, state=3, send_queue=deque(), _perMessageCompress=None, transport=self.transport
        )

    @staticmethod
    def idle(*args: Any) -> None:
        pass

    @property
    def wire(self) -> Wire:
        return Wire.behind(partial(self.idle, self.protocol))

    def taken(self) -> bytes:
        """What the client can read by now."""
        received = b""
        try:
            while chunk := self.client.recv(1 << 20):
                received += chunk
        except BlockingIOError:
            pass
        return received

    def all(self) -> bytes:
        """What the client reads until nothing waits any longer."""
        received = self.taken()
        while self.transport.dataBuffer or self.transport._tempDataBuffer:
            assert self.transport.doWrite() is None
            received += self.taken()
        return received

    def close(self) -> None:
        self.client.close()
        self.transport.socket.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_what_is_written_is_with_the_client_at_once(line: Line) -> None:
    assert line.wire.write(b"one")
    assert line.wire.write(b"two")
    assert line.taken() == b"onetwo"
    assert line.wire.owed() == 0


def test_what_is_written_goes_behind_what_waits(line: Line) -> None:
    line.transport.write(b"first ")
    assert line.wire.write(b"second")
    assert line.taken() == b""
    assert line.all() == b"first second"


def test_what_is_written_goes_behind_what_was_taken_in_part(line: Line) -> None:
    line.transport.write(MUCH)
    line.transport.doWrite()
    assert 0 < line.transport.offset < len(MUCH)
    assert line.wire.write(b"the end")
    assert line.all() == MUCH + b"the end"


def test_what_the_socket_does_not_take_follows_in_order(line: Line) -> None:
    assert line.wire.write(MUCH)
    assert line.wire.write(b"the end")
    assert 0 < line.wire.owed() < len(MUCH)
    assert line.all() == MUCH + b"the end"


def test_what_a_full_socket_does_not_take_waits_whole(line: Line) -> None:
    full = 0
    try:
        while True:
            full += line.transport.socket.send(bytes(65536))
    except BlockingIOError:
        pass
    assert line.wire.write(b"later")
    assert line.wire.owed() == 5
    assert line.all() == bytes(full) + b"later"


def test_what_a_client_that_is_gone_does_not_take_is_left_to_twisted(line: Line) -> None:
    line.client.close()
    assert line.wire.write(b"too late")
    assert line.wire.owed() == 8
    assert isinstance(line.transport.doWrite(), Exception)  # as which its reactor ends the connection


def test_nothing_is_written_over_a_connection_that_ended(line: Line) -> None:
    line.transport.connected = 0
    assert line.wire.write(b"too late")
    assert (line.taken(), line.wire.owed()) == (b"", 0)


def test_a_connection_that_is_to_end_sends_what_waits_first(line: Line) -> None:
    line.transport.write(b"goodbye")
    line.transport.disconnecting = True
    assert line.wire.write(b"!")
    assert (line.taken(), line.wire.owed()) == (b"", 8)


def test_what_is_owed_is_what_waits_in_both_buffers_and_was_not_taken(line: Line) -> None:
    line.transport.dataBuffer, line.transport.offset = b"12345", 2
    line.transport.write(b"6789")
    assert line.wire.owed() == 3 + 4


# Left to the public way -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda message: None, id="a function"),
        pytest.param(partial(print), id="a partial of nothing"),
        pytest.param(partial(print, None), id="a partial with None"),
        pytest.param(partial(print, object()), id="a partial with something else"),
        pytest.param(partial(print, SimpleNamespace(transport=None)), id="a protocol without a transport"),
        pytest.param(partial(print, SimpleNamespace(transport=object())), id="a protocol with an unknown transport"),
    ],
)
def test_behind_an_unknown_send_nothing_is_written_and_nothing_owed(send: Any) -> None:
    wire = Wire.behind(send)
    assert (wire.write(b"frame"), wire.owed()) == (False, 0)


@pytest.mark.parametrize("missing", PROTOCOL)
def test_a_protocol_that_lacks_a_part_is_not_written_to(line: Line, missing: str) -> None:
    delattr(line.protocol, missing)
    assert not line.wire.write(b"frame")
    assert line.all() == b""


@pytest.mark.parametrize("missing", TRANSPORT)
def test_a_transport_that_lacks_a_part_is_not_written_to(line: Line, missing: str) -> None:
    parts = {name: getattr(line.transport, name) for name in TRANSPORT if name != missing}
    line.protocol.transport = SimpleNamespace(**parts)
    assert not line.wire.write(b"frame")
    assert line.all() == b""


@pytest.mark.parametrize("missing", BUFFERS)
def test_of_a_transport_without_its_buffers_nothing_is_known_to_be_owed(line: Line, missing: str) -> None:
    line.transport.write(b"waits")
    parts = {name: getattr(line.transport, name) for name in TRANSPORT if name != missing}
    line.protocol.transport = SimpleNamespace(**parts)
    assert line.wire.owed() == 0


@pytest.mark.parametrize("state", [0, 1, 2], ids=["closed", "connecting", "closing"])
def test_a_socket_that_is_not_open_is_not_written_to(line: Line, state: int) -> None:
    wire = line.wire
    line.protocol.state = state
    assert not wire.write(b"frame")
    assert line.all() == b""


def test_frames_that_autobahn_keeps_back_are_not_overtaken(line: Line) -> None:
    wire = line.wire
    line.protocol.send_queue.append(b"first")
    assert not wire.write(b"second")
    assert line.all() == b""


def test_a_socket_that_is_encrypted_here_is_not_written_to(line: Line) -> None:
    line.transport.TLS = True
    assert not line.wire.write(b"frame")
    assert line.taken() == b""


def test_a_socket_that_compresses_is_not_written_to_though_that_was_agreed_on_later(line: Line) -> None:
    """An ASGI application has its `send` before the handshake is over."""
    wire = line.wire
    line.protocol._perMessageCompress = object()
    assert not wire.write(b"frame")
    assert line.all() == b""


# A real server ----------------------------------------------------------------------------------


class Told(ServerProcess):
    """A server whose log tells the way of each frame: `out True` and `in True` are the short ways."""

    way = "short"

    def command(self) -> Sequence[str]:
        return (sys.executable, "-m", "tests.realtime.ways", self.way, str(self.port))

    def ways(self) -> set[str]:
        return {line for line in self.log.read_text().splitlines() if line.startswith(("out ", "in "))}


class Public(Told):
    way = "public"


@pytest.fixture(params=[Told, Public], ids=["short", "public"])
def told(request: pytest.FixtureRequest, new_sqlite: Callable[[], str]) -> Iterator[Told]:
    server: Told = request.param(DATABASE_URL=new_sqlite())
    server.start()
    yield server
    server.kill()


async def test_whichever_way_they_go_the_same_frames_arrive_in_the_same_order(
    told: Told, person: Callable[..., Any]
) -> None:
    alice: RealClient = await person(told, "alice")
    bob: RealClient = await person(told, "bob")
    group = await alice.create_group("All", bob)
    inbox, socket, speaker = await bob.open_inbox(), await bob.connect(group), await alice.connect(group)
    for each in (inbox, socket, speaker):
        await each.receive("connected")
    texts = [("é" * size)[:size] for size in (1, 125, 126, 4000)] + [str(number) for number in range(30)]
    for number, text in enumerate(texts):
        await speaker.send({"type": "chat_message", "content": text, "client_id": str(number)})
    acks = [await speaker.receive_until("ack") for _ in texts]
    first = acks[0]["message_id"]
    await alice.call("PATCH", f"/api/chat/messages/{first}/", {"content": "edited"}, expect=200)
    expected = [*texts, "edited"]
    assert [ack["client_id"] for ack in acks] == [str(number) for number in range(len(texts))]
    for each in (inbox, socket):
        assert contents(await durable(each, len(expected))) == expected  # type: ignore[arg-type]
    # With an upgrade that hides what is looked for, the short way is no longer taken and this is red.
    assert told.ways() == ({"out True", "in True", "in False"} if told.way == "short" else {"out False", "in False"})
