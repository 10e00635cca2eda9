"""What sockets cost on which nothing happens."""

import asyncio
from collections.abc import Iterator

import uvloop

from . import cpu
from .load import Socket
from .measure import Measurement, Scale, measured
from .results import Figure, Result
from .sockets import of_conversation, open_all
from .systems import Ours
from .world import Serving, World

PEOPLE = 100
SETTLED = 5.0  # seconds after which nobody is told any more of who came


def idle(world: World, scale: Scale) -> Iterator[Result]:
    """A hundred people, each with a socket in each of their conversations."""
    people = world.people(PEOPLE)
    groups = world.conversations([people] * (10 if scale.quick else 50), 20)
    sockets = [of_conversation(person, group) for group in groups for person in people]
    with world.serving(Ours(world).processes(1)) as serving:
        first = of_conversation(people[0], groups[0])
        held, cost = uvloop.run(_hold(first, sockets, serving, 8 if scale.quick else 15))
    many = f"{len(sockets):,} idle sockets"
    yield Figure("idle", f"{many}: memory of each", held / len(sockets) / 1000, "KB", 30)
    taken = 100 * cost.cores("server", "database")
    yield Figure("idle", f"{many}: CPU, server + database", taken, "% of a core", 3, is_time=True)
    yield Figure("idle", f"{many}: CPU, Redis", 100 * cost.cores("redis"), "% of a core")


async def _hold(first: Socket, sockets: list[Socket], serving: Serving, seconds: float) -> tuple[int, Measurement]:
    """The bytes that the server holds for these sockets, and what they cost in so many seconds."""
    [server] = serving.parts["server"]
    await first.open(serving.ports[0])  # what is loaded with the first one is not the others'
    await asyncio.sleep(SETTLED)
    before = cpu.resident(server)
    await open_all([(socket, serving.ports[0]) for socket in sockets])
    await asyncio.sleep(SETTLED)
    held = cpu.resident(server) - before
    with measured(serving.parts, len(sockets)) as cost:
        await asyncio.sleep(seconds)
    if any(socket.lost for socket in sockets):
        raise AssertionError("an idle socket was closed")
    return held, cost
