"""How these tests look at what a socket got."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async

from tests.services.client import Socket

HELLO = {"type": "chat_message", "content": "Hello", "client_id": "1"}
INBOX = "/ws/inbox/"
DURABLE = ("chat_message", "message_updated", "message_deleted")
ERROR_CODES = set(
    "not_authenticated not_found permission_denied invalid_json invalid_frame unknown_type required blank max_length"
    " invalid does_not_exist conflict throttled unavailable too_many_sockets too_big".split()
)


@dataclass
class Visit:
    """One session of a user."""

    session_id: str
    access: str
    refresh: str
    client: Any

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The good response of a REST call in this session."""
        response = await sync_to_async(getattr(self.client, method))(path, body)
        assert response.status_code < 300, response.content
        return response


async def until_pong(socket: Socket, *types: str) -> list[dict[str, Any]]:
    """The frames of these types (all but presence where none is named) that are there when a ping is answered."""
    await socket.send({"type": "ping"})
    frames = []
    while (frame := await socket.receive(timeout=10))["type"] != "pong":
        frames.append(frame)
    return [each for each in frames if (each["type"] in types if types else each["type"] != "user_status")]


async def pong(socket: Socket) -> dict[str, Any]:
    await socket.send({"type": "ping"})
    return await socket.receive_until("pong")


async def answer(socket: Socket, frame: Any) -> dict[str, Any]:
    """Send a frame; the first ack or error that comes."""
    await socket.send(frame)
    while (got := await socket.receive(timeout=10))["type"] not in ("ack", "error"):
        pass
    return got


async def durable(socket: Socket, count: int, timeout: float = 10) -> list[dict[str, Any]]:
    """The next so many durable frames; others are passed over."""
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(timeout):
        while len(frames) < count:
            frame = await socket.receive(timeout=timeout)
            if frame["type"] in DURABLE:
                frames.append(frame)
    return frames


async def up_to_version(socket: Socket, version: int, timeout: float = 10) -> list[dict[str, Any]]:
    """The durable frames up to the one with that version."""
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["version"] < version:
        frames += await durable(socket, 1, timeout)
    return frames


async def the_rest(socket: Socket, timeout: float = 3) -> tuple[list[dict[str, Any]], int]:
    """The frames that come before the server closes, and the close code."""
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(timeout):
        while socket.close_code is None:
            try:
                frames.append(await socket.receive(timeout=timeout))
            except AssertionError:
                if socket.close_code is None:
                    raise
    return frames, socket.close_code


async def eventually(check: Callable[[], Awaitable[Any]], timeout: float = 5) -> None:
    """Return once the check holds."""
    deadline = time.monotonic() + timeout
    while not await check():
        assert time.monotonic() < deadline, f"not so after {timeout} s"
        await asyncio.sleep(0.05)


def contents(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["message"]["content"] for frame in frames]


def versions(frames: list[dict[str, Any]]) -> list[int]:
    return [frame["version"] for frame in frames]
