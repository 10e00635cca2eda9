"""Many who come back at once: what it costs the database grows with the conversations, not with the sockets."""

import asyncio
from collections.abc import Callable
from typing import Any

import psycopg

from tests.services.server import RealClient, RealSocket, ServerProcess

CONVERSATIONS, SOCKETS = 3, 240


def transactions(url: str) -> int:
    """How many the server has run on its database so far: a query by itself is one."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int((row.fetchone() or [0])[0])


async def test_sockets_that_come_back_together_share_their_reads(
    start_server: Callable[..., ServerProcess], postgres_url: str, person: Callable[..., Any]
) -> None:
    server = start_server(DATABASE_URL=postgres_url, MAX_SOCKETS_PER_USER=str(SOCKETS))
    people: list[RealClient] = [await person(server, f"person{n}") for n in range(4)]
    groups = [await people[0].create_group(f"Group {n}", *people[1:]) for n in range(CONVERSATIONS)]
    for group in groups:
        await asyncio.gather(*(each.post(group, "missed") for each in people for _ in range(5)))
    await asyncio.sleep(1.5)  # statistics are at most a second old
    before = transactions(postgres_url)

    async def come_back(number: int) -> RealSocket:
        return await people[number % 4].connect(groups[number % CONVERSATIONS], since=number % 10)

    connections = await asyncio.gather(*(come_back(number) for number in range(SOCKETS)))
    for number, socket in enumerate(connections):
        connected = await socket.receive("connected", timeout=20)
        assert (connected["recovered"], connected["version"]) == (True, 21)
        frames = [await socket.receive("chat_message") for _ in range(21 - number % 10)]
        assert [frame["version"] for frame in frames] == list(range(number % 10 + 1, 22))
    await asyncio.sleep(1.5)
    # One by one it would be six for each socket; what runs every second is in it, too.
    assert transactions(postgres_url) - before < SOCKETS
