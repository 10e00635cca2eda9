"""Workloads over REST."""

import asyncio
import json
from collections.abc import Callable
from statistics import median

from .load import Requests, request
from .measure import Measurement, measured
from .sockets import TEXT


async def ask(
    port: int, parts: dict[str, list[int]], calls: list[Callable[[int], bytes]], count: int, *, expect: int = 200
) -> Measurement:
    """Each call by a client of its own, one after the other, so many in all. A unit is one request."""
    clients = [await Requests().open(port) for _ in calls]
    loop = asyncio.get_running_loop()
    latencies: list[float] = []

    async def go(client: Requests, call: Callable[[int], bytes], times: int) -> None:
        for number in range(times):
            begun = loop.time()
            status, body = await client.ask(call(number))
            latencies.append(loop.time() - begun)
            if status != expect:
                raise AssertionError(f"{status}: {body[:300]!r}")

    each = max(1, count // len(calls))
    for times in (2, each):
        latencies.clear()
        with measured(parts, times * len(calls)) as result:
            await asyncio.gather(*(go(client, call, times) for client, call in zip(clients, calls, strict=True)))
    for client in clients:
        client.close()
    result.more["answer_ms"] = 1000 * median(latencies)
    return result


def getting(path: str, token: str) -> Callable[[int], bytes]:
    """The same GET again and again."""
    whole = request("GET", path, token)
    return lambda number: whole


def sending(conversation_id: int, token: str) -> Callable[[int], bytes]:
    """A new message each time."""
    body = json.dumps({"conversation": conversation_id, "content": TEXT}).encode()
    whole = request("POST", "/api/chat/messages/create/", token, body)
    return lambda number: whole
