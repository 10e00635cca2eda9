"""Rate limits count over all processes, and none is forgotten with a process that dies."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat_server.environment import Rate
from chat_server.shared_counts import SharedCounts
from tests.services.environment import PASSWORD
from tests.services.redis import RedisServer
from tests.services.server import RealClient, ServerProcess

Start = Callable[..., ServerProcess]
LOGIN = "/api/auth/login/"
WRONG = "wrong"


async def tried(client: RealClient, password: str = WRONG) -> int:
    """The status of a login."""
    body = {"email": f"{client.user['username']}@example.com", "password": password}
    return int((await client.http.post(LOGIN, json=body)).status_code)


@pytest.fixture
async def two(start_server: Start, postgres_url: str, redis_server: RedisServer, person: Callable[..., Any]) -> Any:
    """`await two(**settings)`: a person, at each of two servers."""

    async def start(**settings: str) -> list[RealClient]:
        parts = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_server.url, **settings}
        servers = [start_server(**parts) for _ in range(2)]
        clients.append(await person(servers[0], "alice"))
        clients.append(clients[0].on(servers[1]))
        return clients

    clients: list[RealClient] = []
    yield start
    for client in clients[1:]:
        await client.close()


LIMITS = {"THROTTLE_LOGIN": "4/600s", "THROTTLE_MESSAGES": "4/600s", "THROTTLE_USER": "20/600s"}


async def status(client: RealClient, method: str, path: str, json: Any = None) -> int:
    """The status of a call, which is answered within a second."""
    headers = {"Authorization": f"Bearer {client.access}"}
    async with asyncio.timeout(1):
        return int((await client.http.request(method, path, json=json, headers=headers)).status_code)


async def test_limits_count_over_processes_and_those_of_logins_without_redis_too(
    two: Any, redis_server: RedisServer
) -> None:
    clients = await two(**LIMITS)
    message = {"conversation": await clients[0].create_group("Group"), "content": "Hello"}
    sent = [await status(clients[number % 2], "POST", "/api/chat/messages/create/", message) for number in range(6)]
    assert sent == [201] * 4 + [429] * 2
    read = [await status(clients[number % 2], "GET", "/api/auth/profile/") for number in range(16)]
    assert read.count(200) == 20 - 1 - 6
    assert set(read[13:]) == {429}
    assert [await tried(clients[number % 2]) for number in range(2)] == [401] * 2
    redis_server.kill()
    assert [await tried(clients[number % 2]) for number in range(3)] == [401] * 2 + [429]
    assert await tried(clients[0], PASSWORD) == 429


async def test_failed_logins_are_not_forgotten_with_a_killed_process(start_server: Start, person: Any) -> None:
    server = start_server(THROTTLE_LOGIN="2/600s")
    alice = await person(server, "alice")
    assert [await tried(alice) for _ in range(3)] == [401, 401, 429]
    server.kill()
    server.start()
    assert await tried(alice) == 429


async def test_while_redis_hangs_a_process_goes_on_by_what_it_counted(two: Any, redis_server: RedisServer) -> None:
    clients = await two(**LIMITS)
    message = {"conversation": await clients[0].create_group("Group"), "content": "Hello"}
    for _ in range(3):
        await clients[0].post(message["conversation"], "Hello")
    redis_server.pause()
    assert [await status(clients[0], "POST", "/api/chat/messages/create/", message) for _ in range(2)] == [201, 429]


# The counting itself ------------------------------------------------------------------------------


@pytest.fixture
def counts(redis_server: RedisServer) -> Iterator[SharedCounts]:
    counts = SharedCounts([redis_server.url])
    yield counts
    for shard in counts.shards:
        shard.close()


def test_of_many_who_take_at_once_as_many_as_there_are_get_one(counts: SharedCounts) -> None:
    waits: list[float] = []

    def take() -> None:
        waits.extend(counts.take(Rate(5, 600), ["key", "other"]))

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waits.count(0.0) == 10
    assert all(110 < wait <= 120 for wait in waits if wait)


def test_who_waits_as_long_as_it_says_gets_one(counts: SharedCounts) -> None:
    rate = Rate(2, 1)
    assert counts.take(rate, ["key"] * 3)[:2] == [0, 0]
    [wait] = counts.take(rate, ["key"])
    assert 0.4 < wait <= 0.5
    threading.Event().wait(wait + 0.01)
    assert counts.take(rate, ["key"]) == [0]


def test_a_redis_that_was_restarted_counts_from_the_start(counts: SharedCounts, redis_server: RedisServer) -> None:
    rate = Rate(1, 600)
    assert [bool(wait) for wait in counts.take(rate, ["key", "key"])] == [False, True]
    redis_server.kill()
    assert counts.take(rate, ["key"]) == [0]  # nobody is refused by what does not answer
    redis_server.start()
    assert counts.take(rate, ["key"]) == [0]  # nor asked again at once
    threading.Event().wait(1.1)
    assert [bool(wait) for wait in counts.take(rate, ["key", "key"])] == [False, True]
