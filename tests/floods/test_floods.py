"""Floods against a real server: a bystander's message still goes round in under a second, memory stays bounded."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.services.server import PROJECT, ServerProcess, running

from .attacker import MIB, Attacker, frame, text

A_BYSTANDER_WAITS = 1.0  # seconds at most
GROWTH = 192 * MIB  # of the server, from before the flood to its worst moment
GROUP_OF_MANY = list(range(1, 10_001))


@pytest.fixture(scope="module")
def flooded(shared_parts: dict[str, str]) -> Iterator[ServerProcess]:
    """One server for all floods."""
    with running(ServerProcess(**shared_parts)) as server:
        yield server


@dataclass
class World:
    """Two who talk, and one who floods."""

    server: ServerProcess
    attacker: Attacker
    command: list[str]

    async def seconds_while(self, flood: Awaitable[None]) -> tuple[list[float], list[float]]:
        """How long each message took that went between the two during the flood, over the socket and over REST."""
        pipe = asyncio.subprocess.PIPE
        bystander = await asyncio.create_subprocess_exec(*self.command, cwd=PROJECT, stdin=pipe, stdout=pipe)
        assert bystander.stdin
        assert bystander.stdout
        try:
            assert await bystander.stdout.readline() == b"up\n"
            await flood
            bystander.stdin.write(b"\n")
            over_socket, over_rest = json.loads(await bystander.stdout.readline())
        finally:
            if bystander.returncode is None:
                bystander.kill()
            await bystander.wait()
        return over_socket, over_rest

    def memory(self, what: str) -> int:
        """`VmRSS` as it is, `VmHWM` at its worst; in bytes."""
        assert self.server.child is not None
        status = Path(f"/proc/{self.server.child.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(what)) * 1024

    def forget_worst_memory(self) -> None:
        assert self.server.child is not None
        Path(f"/proc/{self.server.child.pid}/clear_refs").write_text("5")


@pytest.fixture
async def world(flooded: ServerProcess, person: Callable[..., Any], request: pytest.FixtureRequest) -> World:
    mark = f"{abs(hash(request.node.name)):x}"[:12]
    here, there, attacker = [await person(flooded, f"{name}-{mark}") for name in ("here", "there", "flood")]
    conversation = await here.create_private(there)
    group = await attacker.create_group("Floods")
    for _ in range(20):
        await attacker.post(group, "x" * 3000)
    url = f"{flooded.ws_url}/ws/chat/{conversation}/"
    command = [sys.executable, "-m", "tests.floods.bystander", url, here.access, there.access]
    return World(flooded, Attacker(attacker, group), command)


async def many_calls(by: Attacker) -> None:
    """Three hundred at once, of all kinds: answered, or told to come back."""
    here = f"/api/chat/conversations/{by.group}/"
    calls = [
        by.call("GET", f"{here}messages/"),
        by.call("GET", "/api/chat/conversations/"),
        by.call("GET", f"{here}changes/"),
        by.call("GET", "/api/auth/users/?search=f"),
        by.call("POST", "/api/chat/messages/create/", {"conversation": by.group, "content": "Hello"}),
        by.call("POST", f"{here}mark-read/"),
    ]
    statuses = await by.statuses(calls * 50)
    assert statuses.keys() <= {200, 201, 503}
    assert statuses[200] + statuses[201] > 200


async def many_made_up_tokens(by: Attacker) -> None:
    """Each call brings another token that nobody signed: they are not as many clients."""
    calls = [by.made_up("GET", "/api/auth/profile/") for _ in range(300)]
    assert (await by.statuses(calls)).keys() <= {401, 503}


async def many_logins(by: Attacker) -> None:
    login = by.call("POST", "/api/auth/login/", {"email": "nobody@example.com", "password": "not this one"})
    assert await by.statuses([login] * 16) == {401: 16}


async def huge_bodies(by: Attacker) -> None:
    path, block = "/api/chat/messages/create/", bytes(MIB)
    by_length = by.head("POST", path, "Content-Type: application/json", f"Content-Length: {400 * MIB}")
    chunked = by.head("POST", path, "Content-Type: application/json", "Transfer-Encoding: chunked")
    poured = [by.pour(by_length, block, 400), by.pour(chunked, b"%x\r\n%b\r\n" % (MIB, block), 400)]
    assert await asyncio.gather(*poured) == [413, 413]


async def bodies_that_do_not_end(by: Attacker) -> None:
    head = by.head("POST", "/api/chat/messages/create/", f"Content-Length: {MIB}")
    async with by.held(300, head + bytes(MIB - 1)):
        await asyncio.sleep(1)


async def half_open_handshakes(by: Attacker) -> None:
    async with by.held(1000, by.upgrade(f"/ws/chat/{by.group}/")[:-2]):
        await asyncio.sleep(1)


async def many_sockets(by: Attacker) -> None:
    """As many as one user may have, and as many again, which are refused."""
    async with by.held(100, by.upgrade(f"/ws/chat/{by.group}/")):
        await asyncio.sleep(2)


async def enormous_groups(by: Attacker) -> None:
    group = {"type": "group", "name": "All", "participant_ids": GROUP_OF_MANY}
    calls = [
        by.call("POST", "/api/chat/conversations/create/", group),
        by.call("POST", "/api/chat/conversations/create/", {**group, "type": "private"}),
        by.call("POST", f"/api/chat/conversations/{by.group}/participants/", {"user_ids": GROUP_OF_MANY}),
    ]
    assert await by.statuses(calls * 10) == {400: 30}


async def pings_and_fragments(by: Attacker) -> None:
    path = f"/ws/chat/{by.group}/"
    kinds = [frame(9, b"x" * 100), frame(10), frame(0, last=False)]
    closed = await asyncio.gather(*(by.spam(path, frame(1, last=False) + kind * 500, 2000) for kind in kinds))
    assert set(closed) <= {4429, 1002, None}  # None: it sent on and did not see the code


async def typing(by: Attacker) -> None:
    both = text({"type": "typing", "is_typing": True}) + text({"type": "typing", "is_typing": False})
    await asyncio.gather(*(by.spam(f"/ws/chat/{by.group}/", both, 45) for _ in range(40)))


async def frames_that_are_none(by: Attacker) -> None:
    closed = await asyncio.gather(*(by.spam(f"/ws/chat/{by.group}/", frame(1, b"x" * 60_000), 100) for _ in range(20)))
    assert set(closed) <= {4400, None}


async def enormous_resumes(by: Attacker) -> None:
    versions = {str(number): 1 for number in range(1, 4000)}
    resume = text({"type": "resume", "versions": versions})
    await asyncio.gather(*(by.spam("/ws/inbox/", resume, 50) for _ in range(20)))


FLOODS = [
    many_calls,
    many_made_up_tokens,
    many_logins,
    huge_bodies,
    bodies_that_do_not_end,
    half_open_handshakes,
    many_sockets,
    enormous_groups,
    pings_and_fragments,
    typing,
    frames_that_are_none,
    enormous_resumes,
]
# Four passwords are hashed at once, which takes 100 MiB each.
MAY_GROW = {many_logins: 4 * 100 * MIB + GROWTH}


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
async def test_a_flood_costs_a_bystander_less_than_a_second_and_the_server_little_memory(
    flood: Callable[[Attacker], Awaitable[None]], world: World
) -> None:
    before = world.memory("VmRSS")
    world.forget_worst_memory()
    over_socket, over_rest = await world.seconds_while(flood(world.attacker))
    assert max(over_socket) < A_BYSTANDER_WAITS, f"of {len(over_socket)} messages"
    assert max(over_rest) < A_BYSTANDER_WAITS, f"of {len(over_rest)} messages"
    assert world.memory("VmHWM") - before < MAY_GROW.get(flood, GROWTH)
    assert "Traceback" not in world.server.tail()
