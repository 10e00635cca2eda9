"""Workloads over REST."""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from .load import Requests, request
from .measure import Measurement, Scale, latency, measured
from .sockets import TEXT
from .world import Serving

NUMBERS = itertools.count()


async def ask(
    port: int, parts: dict[str, list[int]], calls: Sequence[Callable[[], bytes]], count: int, *, expect: int = 200
) -> Measurement:
    """Each call by a client of its own, one after the other, so many in all. A unit is one request."""
    clients = [await Requests().open(port) for _ in calls]
    latencies: list[float] = []

    async def go(client: Requests, call: Callable[[], bytes], times: int) -> None:
        for _ in range(times):
            begun = time.perf_counter()  # uvloop's own clock goes by milliseconds
            status, body = await client.ask(call())
            latencies.append(time.perf_counter() - begun)
            if status != expect:
                raise AssertionError(f"{status}: {body[:300]!r}")

    each = max(1, count // len(calls))
    with measured(parts, each * len(calls)) as result:
        await asyncio.gather(*(go(client, call, each) for client, call in zip(clients, calls, strict=True)))
    for client in clients:
        client.close()
    result.more |= latency(latencies)
    return result


def asked(
    serving: Serving, calls: Sequence[Callable[[], bytes]], scale: Scale, *, expect: int = 200
) -> list[Measurement]:
    """`ask` the first of these processes, as often as the scale says."""

    def some(count: int) -> Awaitable[Measurement]:
        return ask(serving.ports[0], serving.parts, calls, count, expect=expect)

    return uvloop.run(scale.repeat(some, 40, serving.settle))


def getting(path: str, token: str = "") -> Callable[[], bytes]:
    """The same GET again and again."""
    whole = request("GET", path, token)
    return lambda: whole


def sending(conversation_id: int, token: str) -> Callable[[], bytes]:
    """A new message each time."""

    def say() -> bytes:
        body = {"conversation": conversation_id, "content": TEXT, "client_id": f"rest-{next(NUMBERS)}"}
        return request("POST", "/api/chat/messages/create/", token, json.dumps(body).encode())

    return say
