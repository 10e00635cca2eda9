"""`manage.py serve --workers 2` on PostgreSQL and Redis: one port, one server, and a worker that dies costs nothing."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.redis import RedisServer
from tests.services.server import RealClient, RealSocket, ServerProcess


@pytest.fixture
def workers(start_server: Callable[..., ServerProcess], postgres_url: str, redis_server: RedisServer) -> ServerProcess:
    """One server of two worker processes."""
    return start_server(workers=2, DATABASE_URL=postgres_url, REDIS_URL=redis_server.url)


def worker_pids(server: ServerProcess) -> list[int]:
    assert server.child is not None
    children = Path(f"/proc/{server.child.pid}/task/{server.child.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


async def contents(socket: RealSocket, count: int) -> list[str]:
    return [(await socket.receive_until("chat_message", timeout=10))["message"]["content"] for _ in range(count)]


async def test_sockets_of_all_workers_get_every_message_in_order(
    workers: ServerProcess, person: Callable[..., Any]
) -> None:
    alice, bob = await person(workers, "alice"), await person(workers, "bob")
    conversation = await alice.create_private(bob)
    sockets = [await bob.connect(conversation) for _ in range(12)]  # the kernel spreads them over the workers
    for socket in sockets:
        await socket.receive("connected")
    said = [f"message {number}" for number in range(20)]
    for content in said:
        await alice.post(conversation, content)
    assert await asyncio.gather(*(contents(socket, len(said)) for socket in sockets)) == [said] * len(sockets)


async def test_who_was_on_a_killed_worker_resumes_on_another_one(
    workers: ServerProcess, person: Callable[..., Any]
) -> None:
    alice, bob = await person(workers, "alice"), await person(workers, "bob")
    conversation = await alice.create_private(bob)
    socket = await bob.connect(conversation)
    version = (await socket.receive("connected"))["version"]
    for pid in worker_pids(workers):
        os.kill(pid, signal.SIGKILL)
    await socket.close_code()
    back = await reconnected(bob, conversation, version)
    assert (await back.receive("connected"))["recovered"] is True
    await alice.post(conversation, "after the crash")
    assert await contents(back, 1) == ["after the crash"]


async def reconnected(client: RealClient, conversation: int, version: int) -> RealSocket:
    """A socket as soon as a worker is there again."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await client.connect(conversation, since=version)
            except (OSError, EOFError, TimeoutError):
                await asyncio.sleep(0.1)


async def test_a_restart_tells_every_socket_to_come_back_and_ends_in_time(
    workers: ServerProcess, person: Callable[..., Any]
) -> None:
    alice, bob = await person(workers, "alice"), await person(workers, "bob")
    conversation = await alice.create_private(bob)
    sockets = [await bob.connect(conversation) for _ in range(6)]
    for socket in sockets:
        await socket.receive("connected")
    workers.terminate()
    assert await asyncio.gather(*(socket.close_code(timeout=10) for socket in sockets)) == [4503] * len(sockets)
    assert workers.child is not None
    assert await asyncio.to_thread(workers.child.wait, 10) == 0
