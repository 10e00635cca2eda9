"""PostgreSQL restarted, paused, away: a send waits or is told so, no `ack` is false, and everything comes back."""

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import psycopg
import pytest

from tests.services.postgres import PostgresServer
from tests.services.server import RealClient, RealSocket, ServerProcess


class Talk:
    """Two people who go on sending, by socket and over REST, whatever happens; `acked` is what they were promised."""

    def __init__(self, alice: RealClient, bob: RealClient, group: int, socket: RealSocket) -> None:
        self.alice, self.bob, self.group, self.socket = alice, bob, group, socket
        self.acked: dict[str, float] = {}
        self.refused: set[str] = set()
        self.is_over = False

    async def by_socket(self) -> None:
        for n in count():
            if self.is_over:
                return
            await self.socket.send({"type": "chat_message", "content": f"socket {n}", "client_id": f"socket {n}"})
            while (answer := await self.socket.receive(timeout=30)).get("client_id") != f"socket {n}":
                pass
            if answer["type"] == "ack":
                self.acked[f"socket {n}"] = time.monotonic()
            else:
                self.refused.add(answer["code"])
            await asyncio.sleep(0.05)

    async def over_rest(self) -> None:
        for n in count():
            if self.is_over:
                return
            body = {"conversation": self.group, "content": f"rest {n}", "client_id": f"rest {n}"}
            answer = await self.bob.http.post(
                "/api/chat/messages/create/",
                json=body,
                headers={"Authorization": f"Bearer {self.bob.access}"},
                timeout=30,
            )
            if answer.status_code == 201:
                self.acked[f"rest {n}"] = time.monotonic()
            else:
                self.refused.add(f"{answer.status_code} {answer.json()['errors'][0]['code']}")
            await asyncio.sleep(0.05)

    def since(self, moment: float, door: str) -> list[float]:
        """When this door acknowledged something after that moment, in seconds after it."""
        return [at - moment for name, at in self.acked.items() if name.startswith(door) and at > moment]


@pytest.mark.parametrize(("how", "seconds"), [("killed", 1), ("killed", 16), ("paused", 3)])
async def test_sends_wait_or_are_refused_and_go_on_within_ten_seconds(
    start_server: Callable[..., ServerProcess],
    postgres_server: PostgresServer,
    postgres_url: str,
    person: Callable[..., Any],
    how: str,
    seconds: int,
) -> None:
    server = start_server(DATABASE_URL=postgres_url)
    alice, bob = await person(server, "alice"), await person(server, "bob")
    group = await alice.create_group("The group", bob)
    talk = Talk(alice, bob, group, await alice.connect(group))
    tasks = [asyncio.ensure_future(talk.by_socket()), asyncio.ensure_future(talk.over_rest())]
    await asyncio.sleep(1)
    if how == "paused":
        postgres_server.pause()
        await asyncio.sleep(seconds)
        postgres_server.resume()
    else:
        postgres_server.kill()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(postgres_server.start)
    back = time.monotonic()
    async with asyncio.timeout(15):
        while not (talk.since(back, "socket") and talk.since(back, "rest")):
            await asyncio.sleep(0.05)
            for task in tasks:
                assert not task.done(), task.exception()  # the socket broke, or a request
    assert min(talk.since(back, "socket")) < 10
    assert min(talk.since(back, "rest")) < 10
    talk.is_over = True
    await asyncio.gather(*tasks)
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute("SELECT client_id, seq FROM chat_message WHERE type = 'text' ORDER BY seq").fetchall()
    stored = [str(client_id) for client_id, _ in rows]
    assert set(talk.acked) <= set(stored)
    assert len(set(stored)) == len(stored)
    assert [seq for _, seq in rows] == list(range(2, 2 + len(rows)))
    assert talk.refused <= {"unavailable", "503 unavailable"}


async def test_a_migration_under_a_running_server_fails_no_call(
    start_server: Callable[..., ServerProcess], postgres_url: str, person: Callable[..., Any]
) -> None:
    alice = await person(start_server(DATABASE_URL=postgres_url), "alice")
    for _ in range(3):
        await alice.call("GET", "/api/auth/profile/", expect=200)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ALTER TABLE authentication_user ALTER COLUMN username TYPE varchar(40)")
    for _ in range(3):
        await alice.call("GET", "/api/auth/profile/", expect=200)
