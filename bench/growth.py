"""What the same call costs where more and more is stored."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

import uvloop

from .measure import Scale
from .rest import ask, getting, sending
from .results import Figure, Result
from .systems import Ours
from .world import Serving, World

OTHERS = 49  # conversations beside the one that grows
MANY = 10_000
Calls = Sequence[Callable[[], bytes]]


def growth(world: World, scale: Scale) -> Iterator[Result]:
    """The same people in a database for each length of the history, and in one with very many conversations.

    All are up together and measured in turn, so that nothing else is compared than what is stored.
    """
    people = world.people(10)
    [group] = world.conversations([people], 100)
    world.conversations([people] * OTHERS, 20)
    sizes = [10**power for power in range(2, 6 if scale.quick else 7)]
    databases = [f"history_{size}" for size in sizes]
    for size, database in zip(sizes, databases, strict=True):
        world.copy(database)
        world.history([group], size - 100, database=database)
    world.conversations([people[:9]] * MANY, 1)
    servers = [server for database in [*databases, "bench"] for server in Ours(world, database).processes(1)]
    with world.serving(servers) as serving:
        of = [serving.only(number) for number in range(len(servers))]
        sends = _in_turn(of, [[sending(group, person.token) for person in people[:8]]] * len(of), scale, expect=201)
        for size, cost in zip(sizes, sends, strict=False):
            yield Figure("growth", f"a send, history of {size:,}", cost, "µs")
        yield Figure("growth", f"a send, history of {sizes[-1]:,} to 100", sends[-2] / sends[0], "×", 1.3)
        yield Figure("growth", f"a send, {MANY:,} conversations to {OTHERS + 1}", sends[-1] / sends[0], "×", 1.3)
        ends, lengths = [of[1], of[len(sizes) - 1]], [sizes[1], sizes[-1]]
        for name, path in PATHS.items():
            calls = [[getting(path.format(group=group, since=size - 50), people[0].token)] * 4 for size in lengths]
            short, long = _in_turn(ends, calls, scale)
            yield Figure("growth", f"{name}, {lengths[1]:,} messages to {lengths[0]:,}", long / short, "×", 1.3)


PATHS = {
    "history page": "/api/chat/conversations/{group}/messages/?limit=50",
    "changes": "/api/chat/conversations/{group}/changes/?limit=50&since={since}",
    "conversation list": "/api/chat/conversations/?limit=50",
}


def _in_turn(servings: Sequence[Serving], calls: Sequence[Calls], scale: Scale, *, expect: int = 200) -> list[float]:
    """What these calls cost at each of the servers, in microseconds: the median of several rounds."""
    rounds, seconds = (3, 0.5) if scale.quick else (5, 1.0)
    costs: list[list[float]] = [[] for _ in servings]

    async def go() -> None:
        for _ in range(2):  # the first ones find everything cold
            for serving, some in zip(servings, calls, strict=True):
                trial = await ask(serving.ports[0], serving.parts, some, 40, expect=expect)
        count = max(40, round(trial.rate * seconds))
        for _ in range(rounds):
            for cost, serving, some in zip(costs, servings, calls, strict=True):
                cost.append((await ask(serving.ports[0], serving.parts, some, count, expect=expect)).micros())

    uvloop.run(go())
    return [median(cost) for cost in costs]
