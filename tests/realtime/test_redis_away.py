"""Redis hangs or is gone: nobody waits for it, and what it does not carry arrives all the same."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.realtime.frames import eventually
from tests.services.redis import RedisServer
from tests.services.server import RealClient, RealSocket, ServerProcess, running

ARRIVES = 5  # seconds in which each process finds in the database what Redis did not carry


@pytest.fixture(scope="module")
def server(shared_parts: dict[str, str]) -> Iterator[ServerProcess]:
    """One on PostgreSQL and Redis for all tests here; each test has people of its own."""
    with running(ServerProcess(**shared_parts)) as server:
        yield server


@pytest.fixture
async def redis(redis_server: RedisServer, server: ServerProcess) -> AsyncIterator[RedisServer]:
    """In touch with the server, to be paused."""

    async def in_touch() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"{server.url}/readyz")).status_code == 200

    await eventually(in_touch, timeout=10)
    yield redis_server
    redis_server.resume()


@pytest.fixture
def people(server: ServerProcess, person: Callable[..., Any]) -> Callable[[int], Any]:
    """`await people(16)`: as many new accounts, none of them seen before."""

    async def people(count: int) -> list[RealClient]:
        mark = uuid.uuid4().hex[:12]
        return await asyncio.gather(*(person(server, f"user{number}-{mark}") for number in range(count)))

    return people


async def entered(client: RealClient, conversation: int) -> RealSocket:
    """A socket that was let in."""
    socket = await client.connect(conversation)
    await socket.receive("connected", timeout=10)
    return socket


async def contents(socket: RealSocket, count: int) -> list[str]:
    return [(await socket.receive_until("chat_message", timeout=10))["message"]["content"] for _ in range(count)]


async def test_sends_are_acknowledged_within_a_second_and_arrive_within_five(
    redis: RedisServer, people: Callable[[int], Any]
) -> None:
    alice, bob = await people(2)
    conversation = await alice.create_private(bob)
    here = [await entered(alice, conversation) for _ in range(15)]
    there = await entered(bob, conversation)
    redis.pause()
    begun = time.monotonic()

    async def acknowledged(number: int, socket: RealSocket) -> float:
        await socket.send({"type": "chat_message", "content": str(number), "client_id": str(number)})
        await socket.receive_until("ack", timeout=20)
        return time.monotonic() - begun

    async def arrived() -> float:
        assert sorted(await contents(there, 15)) == sorted(map(str, range(15)))
        return time.monotonic() - begun

    arrival, *acks = await asyncio.gather(arrived(), *(acknowledged(*each) for each in enumerate(here)))
    assert max(acks) < 1
    assert arrival < ARRIVES


async def test_what_is_sent_over_rest_is_answered_within_a_second_and_arrives_within_five(
    redis: RedisServer, people: Callable[[int], Any]
) -> None:
    alice, bob = await people(2)
    conversation = await alice.create_private(bob)
    there = await entered(bob, conversation)
    redis.pause()
    begun = time.monotonic()
    await alice.post(conversation, "Hello")
    assert time.monotonic() - begun < 1
    assert await contents(there, 1) == ["Hello"]
    assert time.monotonic() - begun < ARRIVES


async def test_twelve_people_are_added_within_two_seconds_and_seen_within_five(
    redis: RedisServer, people: Callable[[int], Any]
) -> None:
    alice, bob, *others = await people(14)
    group = await alice.create_group("The group", bob)
    there = await entered(bob, group)
    redis.pause()
    begun = time.monotonic()
    body = {"user_ids": [other.id for other in others]}
    await alice.call("POST", f"/api/chat/conversations/{group}/participants/", body, expect=201)
    assert time.monotonic() - begun < 2
    added = [(await there.receive_until("chat_message", timeout=10))["message"]["event"] for _ in others]
    assert added == [{"action": "participant_added", "user_id": other.id} for other in others]
    assert time.monotonic() - begun < ARRIVES


async def test_sixteen_people_who_come_at_once_are_let_in_within_three_seconds(
    redis: RedisServer, people: Callable[[int], Any]
) -> None:
    alice, *others = await people(16)
    group = await alice.create_group("The group", *others)
    redis.pause()
    begun = time.monotonic()
    sockets = await asyncio.gather(*(entered(client, group) for client in (alice, *others)))
    assert time.monotonic() - begun < 3
    await sockets[0].send({"type": "chat_message", "content": "Hello"})
    begun = time.monotonic()
    assert await asyncio.gather(*(contents(socket, 1) for socket in sockets)) == [["Hello"]] * 16
    assert time.monotonic() - begun < ARRIVES


async def test_it_is_said_in_one_line_that_redis_goes_and_in_one_that_it_is_back(
    server: ServerProcess, redis: RedisServer, people: Callable[[int], Any]
) -> None:
    alice, bob = await people(2)
    group = await alice.create_group("The group", bob)
    said = 0

    def lines() -> list[str]:
        return [line for line in server.tail(10**7).splitlines() if "chat_server.access" not in line][said:]

    async def it_is_said_to_be_back() -> bool:
        return sum("takes messages again" in line for line in lines()) == sum("not take" in line for line in lines())

    await eventually(it_is_said_to_be_back, timeout=20)  # after what other tests did
    said = len(lines())
    await asyncio.to_thread(redis.stop)
    for number in range(20):
        await alice.post(group, f"while it is away {number}")
        await asyncio.sleep(0.05)
    assert len(lines()) == 1
    await asyncio.to_thread(redis.start)
    await eventually(it_is_said_to_be_back, timeout=20)
    away, back = lines()
    assert "the channel layer does not take messages" in away
    assert "had failed in all" in back
