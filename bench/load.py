"""A load client that is not the bottleneck: raw frames and requests on uvloop, counted and not parsed."""

import asyncio
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)


TEXT_FRAME, PING_FRAME, PONG_FRAME = 0x81, 0x89, 0x8A


def frame(payload: bytes, kind: int = TEXT_FRAME) -> bytes:
    """A frame of a client; masked with zeros, which leaves the payload as it is."""
    size = len(payload)
    head = struct.pack("!BB", kind, 0x80 | size) if size < 126 else struct.pack("!BBH", kind, 0x80 | 126, size)
    return head + bytes(4) + payload


class Count:
    """How often a piece of text has come, whatever the chunks it came in."""

    def __init__(self, piece: bytes) -> None:
        self.piece = piece
        self.tail = b""

    def new(self, data: bytes) -> int:
        """How often more, with this chunk."""
        joined = self.tail + data
        self.tail = joined[1 - len(self.piece) :]  # shorter than the piece: nothing is counted twice
        return joined.count(self.piece)


@dataclass(frozen=True)
class Dialect:
    """How one system is spoken to over a WebSocket."""

    delivered: bytes  # is once in every message that is delivered
    answered: bytes  # is once in every answer to a send
    say: Callable[[int], bytes]  # the text of the nth send
    ready: bytes  # is in what comes once the socket is let in
    hello: tuple[bytes, bytes] | None = None  # what comes first, and the text that answers it
    alive: tuple[bytes, bytes] | None = None  # a whole frame that wants an answer, and the answer's text


@dataclass(eq=False)
class Socket(asyncio.Protocol):
    """One connection. `on_delivery(n)` is called for each chunk that brings n messages, `on_lost(error)` at its end."""

    dialect: Dialect
    path: str
    headers: str = ""
    received: int = 0
    answers: int = 0
    to_send: int = 0
    lost: Exception | None = None
    on_delivery: Callable[[int], None] | None = None
    on_lost: Callable[[Exception], None] | None = None
    latencies: list[float] = field(default_factory=list)

    async def open(self, port: int) -> "Socket":
        """Return once the server has let it in."""
        loop = asyncio.get_running_loop()
        self.is_ready = loop.create_future()
        self.all_here: asyncio.Future[None] | None = None
        self.expected = 0
        self.head, self.early, self.hello = b"", True, self.dialect.hello
        self.sent_at: deque[float] = deque()
        self.number = 0
        self.deliveries, self.acks = Count(self.dialect.delivered), Count(self.dialect.answered)
        await loop.create_connection(lambda: self, "127.0.0.1", port)
        try:
            await asyncio.wait_for(self.is_ready, 60)
        except TimeoutError:
            raise ConnectionError(f"{self.path} was not let in: {self.head!r}") from None
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self.transport.write(HANDSHAKE.format(path=self.path, headers=self.headers).encode())

    def connection_lost(self, error: Exception | None) -> None:
        lost = ConnectionError(f"{self.path} was closed: {bytes(self.head[-200:])!r} {error}")
        self.lost = lost
        if self.on_lost:
            self.on_lost(lost)
        for waiting in (self.is_ready, self.all_here):
            if waiting is not None and not waiting.done():
                waiting.set_exception(lost)

    def data_received(self, data: bytes) -> None:
        if self.early:
            self.head += data
            if self.hello and self.hello[0] in self.head:
                self.transport.write(frame(self.hello[1]))
                self.hello = None
            if self.dialect.ready in self.head:
                self.early = False
                data = self.head.partition(self.dialect.ready)[2]
                self.is_ready.set_result(None)
            else:
                return
        self.stay(data)
        if new := self.deliveries.new(data):
            self.received += new
            if self.on_delivery:
                self.on_delivery(new)
            if self.all_here and self.received >= self.expected and not self.all_here.done():
                self.all_here.set_result(None)
        if self.sent_at and (new := self.acks.new(data)):
            self.answers += new
            now = time.perf_counter()
            for _ in range(new):
                self.latencies.append(now - self.sent_at.popleft())
            self.say(min(new, self.to_send))

    def stay(self, data: bytes) -> None:
        """Answer what asks whether somebody is there; a ping is seen where a chunk begins with it."""
        if data[:1] == bytes([PING_FRAME]) and len(data) >= 2 + data[1]:
            self.transport.write(frame(data[2 : 2 + data[1]], PONG_FRAME))
        if self.dialect.alive and self.dialect.alive[0] in data:
            self.transport.write(frame(self.dialect.alive[1]))

    def say(self, count: int) -> None:
        """Send so many at once."""
        if self.lost:
            raise self.lost
        if count > 0:
            self.to_send -= count
            first, self.number = self.number, self.number + count
            self.sent_at.extend([time.perf_counter()] * count)
            self.transport.write(b"".join(frame(self.dialect.say(number)) for number in range(first, self.number)))

    def begin(self, total: int, window: int) -> None:
        """Send so many in all, and so many at most before their answers are here."""
        self.to_send = total
        self.say(min(window, total))

    async def until_received(self, expected: int) -> None:
        """Return once so many messages have come in all."""
        self.expected = expected
        if self.received < expected:
            self.all_here = asyncio.get_running_loop().create_future()
            await self.all_here

    def close(self) -> None:
        self.transport.abort()


class Requests(asyncio.Protocol):
    """One connection that is kept alive; one request after the other."""

    async def open(self, port: int) -> "Requests":
        self.buffer = b""
        self.answer: asyncio.Future[tuple[int, bytes]] | None = None
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError(f"closed: {error}"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        if len(body) >= length and self.answer is not None:
            self.buffer = body[length:]
            self.answer.set_result((int(head.split(b" ", 2)[1]), body[:length]))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer

    def close(self) -> None:
        self.transport.abort()


def request(method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
    """A whole request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
