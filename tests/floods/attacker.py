"""Somebody who floods a server, with bytes of their own making: no client library keeps them from anything."""

import asyncio
import json
import secrets
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from tests.services.server import RealClient

MIB = 1024 * 1024
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Attacker:
    """One user, and as many connections as they like."""

    def __init__(self, client: RealClient, group: int) -> None:
        self.client, self.group = client, group

    def head(self, method: str, path: str, *headers: str) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.client.access}",
            *headers,
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """A whole request; the connection is closed after its answer."""
        content = b"" if body is None else json.dumps(body).encode()
        headers = ("Content-Type: application/json", f"Content-Length: {len(content)}", "Connection: close")
        return self.head(method, path, *headers) + content

    def made_up(self, method: str, path: str) -> bytes:
        """A whole request with a token that nobody signed."""
        token = self.client.access.replace(self.client.access[-20:], secrets.token_hex(10))
        return self.call(method, path).replace(self.client.access.encode(), token.encode())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Stream]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.server.port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def statuses(self, requests: Iterable[bytes]) -> Counter[int]:
        """Make these requests all at once, each on a connection of its own; how often which status came."""

        async def ask(request: bytes) -> int:
            async with self.connection() as (reader, writer):
                writer.write(request)
                return await status_of(reader)

        return Counter(await asyncio.gather(*map(ask, requests)))

    async def pour(self, head: bytes, block: bytes, times: int) -> int:
        """Send a head and then a block again and again, whatever the server says meanwhile; the status."""
        async with self.connection() as (reader, writer):
            writer.write(head)
            with suppress(OSError):
                for _ in range(times):
                    writer.write(block)
                    await writer.drain()
            return await status_of(reader)

    @asynccontextmanager
    async def held(self, count: int, data: bytes) -> AsyncIterator[Sequence[Stream]]:
        """So many connections that have sent this and say nothing more."""
        streams = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.client.server.port)
            writer.write(data)
            streams.append((reader, writer))
        try:
            yield streams
        finally:
            for _, writer in streams:
                writer.transport.abort()

    def upgrade(self, path: str) -> bytes:
        key = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
        return self.head("GET", path, "Upgrade: websocket", "Connection: Upgrade", *key)

    async def spam(self, path: str, data: bytes, times: int) -> int | None:
        """Open a socket and send this again and again; the close code, where one comes."""
        async with self.connection() as (reader, writer):
            writer.write(self.upgrade(path))
            await reader.readuntil(b"\r\n\r\n")
            received = asyncio.ensure_future(reader.read())
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(5):
                    for _ in range(times):
                        writer.write(data)
                        await writer.drain()
            writer.write(frame(8, struct.pack("!H", 1000)))
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(5):
                    return close_code(await received)
            return None


async def status_of(reader: asyncio.StreamReader) -> int:
    return int((await reader.readline()).split()[1])


def frame(opcode: int, payload: bytes = b"", *, last: bool = True) -> bytes:
    """A WebSocket frame, masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack("!H", size)
    return bytes([0x80 * last | opcode]) + length + bytes(4) + payload


def text(said: Any) -> bytes:
    return frame(1, json.dumps(said).encode())


def close_code(received: bytes) -> int | None:
    """Of the close frame that the stream ends with."""
    _, _, code = received.rpartition(b"\x88\x02")
    return struct.unpack("!H", code[:2])[0] if len(code) == 2 else None
