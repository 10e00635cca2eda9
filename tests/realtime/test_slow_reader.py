"""A client that does not take what it is sent: closed with 4408, at nobody else's cost; it resumes with `since`."""

import asyncio
import json
import socket as sockets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.services.server import RealClient, ServerProcess

TEXT = "\N{GRINNING FACE}" * 3900  # 15.6 KB each


async def connect_slowly(person: RealClient, conversation: int, **query: Any) -> Any:
    """A socket whose client takes nothing but what it is asked for, and whose kernel keeps little."""
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 16 * 1024)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", person.server.port))
    search = "&".join(f"{name}={value}" for name, value in query.items())
    return await websockets.connect(
        f"{person.server.ws_url}/ws/chat/{conversation}/?{search}",
        sock=raw,
        additional_headers={"Authorization": f"Bearer {person.access}"},
        max_size=None,
        max_queue=1,
        ping_interval=None,
        close_timeout=0.1,
    )


def resident(server: ServerProcess) -> int:
    """The memory of the server process, in bytes."""
    assert server.child is not None
    pages = int(Path(f"/proc/{server.child.pid}/statm").read_text().split()[1])
    return pages * 4096


@pytest.fixture
async def talkers(server: ServerProcess, person: Callable[..., Any]) -> tuple[list[RealClient], int]:
    """Three people, and the group that they share."""
    people = [await person(server, name) for name in ("alice", "bob", "carol")]
    return people, await people[0].create_group("All", *people[1:])


async def post_many(people: list[RealClient], group: int, count: int) -> None:
    for start in range(0, count, 10):
        await asyncio.gather(*(people[n % 2].post(group, TEXT) for n in range(start, start + 10)))


async def end_of(connection: Any) -> tuple[list[int], int | None]:
    """Read what is there until the end: the versions, and the close code (None: the connection broke)."""
    versions = []
    try:
        async with asyncio.timeout(15):
            while True:
                frame = json.loads(await connection.recv())
                versions += [frame["version"]] if "message" in frame else []
    except websockets.ConnectionClosed as closed:
        return versions, closed.rcvd and closed.rcvd.code


async def test_a_client_that_does_not_read_is_closed_and_resumes(
    server: ServerProcess, talkers: tuple[list[RealClient], int]
) -> None:
    people, group = talkers
    before = resident(server)
    slow = await connect_slowly(people[2], group)
    live = await people[2].connect(group)
    await live.receive("connected")
    versions = []

    async def listen() -> None:
        while len(versions) < 450:
            frame = await live.receive_until("chat_message", timeout=20)
            versions.append(frame["version"])

    listening = asyncio.ensure_future(listen())
    for _ in range(9):
        async with asyncio.timeout(10):  # a bystander's sends go on
            await post_many(people, group, 50)
    await listening
    assert versions == list(range(2, 452))  # 7 MB went by, and the others saw all of it
    seen, code = await end_of(slow)
    assert code in (4408, None)
    assert seen == list(range(2, 2 + len(seen)))
    assert len(seen) < 450
    last = seen[-1] if seen else 1
    back = await connect_slowly(people[2], group, since=last)
    connected = json.loads(await back.recv())
    assert (connected["recovered"], connected["version"]) == (True, 451)
    # All of this is owed to a client that takes it at its own pace.
    replayed = [json.loads(await back.recv())["version"] for _ in range(451 - last)]
    assert replayed == list(range(last + 1, 452))
    await back.close()
    assert resident(server) - before < 60 * 2**20


async def test_a_client_that_trickles_through_its_replay_still_loses_its_right(
    talkers: tuple[list[RealClient], int],
) -> None:
    people, group = talkers
    await post_many(people, group, 450)
    slow = await connect_slowly(people[2], group, since=1)
    await slow.recv()
    await people[0].call("DELETE", f"/api/chat/conversations/{group}/participants/{people[2].id}/", expect=204)
    await asyncio.sleep(2)
    await people[0].post(group, "not for you")
    versions, code = await end_of(slow)
    assert code in (4403, None)
    assert len(versions) < 450
