"""What the same call costs as more and more is stored."""

from collections.abc import Callable, Iterator, Sequence

from .measure import Scale
from .rest import asked, getting, sending
from .results import Figure, Result
from .systems import Ours
from .world import Person, Serving, World

OTHERS = 49  # conversations beside the one that grows
CONVERSATIONS = 10_000


def growth(world: World, scale: Scale) -> Iterator[Result]:
    """A send, and the lists, in a conversation that grows; then a send of somebody in more and more conversations."""
    people = world.people(10)
    [group] = world.conversations([people], 100)
    world.conversations([people] * OTHERS, 20)
    sizes = [10**power for power in range(2, 6 if scale.quick else 7)]
    lists = _lists(people[0], group)
    sends: dict[int, float] = {}
    reads: dict[str, dict[int, float]] = {name: {} for name in lists}
    with world.serving(Ours(world).processes(1)) as serving:
        for size in sizes:
            world.history([group], size - world.version(group))
            if size in (sizes[1], sizes[-1]):
                for name, path in lists.items():
                    call = getting(path(world.version(group)), people[0].token)
                    reads[name][size] = _cost(serving, [call] * 4, scale)
            sends[size] = _send(serving, people, group, scale)
            yield Figure("growth", f"a send, history of {size:,}", sends[size], "µs")
        few = _send(serving, people, group, scale)
        world.conversations([people[:9]] * CONVERSATIONS, 1)
        many = _send(serving, people, group, scale)
    last = f"{sizes[-1]:,}"
    yield Figure("growth", f"a send, history of {last} to 100", sends[sizes[-1]] / sends[sizes[0]], "×", 1.3)
    for name, cost in reads.items():
        yield Figure("growth", f"{name}, {last} messages to 1,000", cost[sizes[-1]] / cost[sizes[1]], "×", 1.3)
    yield Figure("growth", f"a send, {CONVERSATIONS:,} conversations to 50", many / few, "×", 1.3)


def _lists(person: Person, group: int) -> dict[str, Callable[[int], str]]:
    """The path of each list, by the version that the conversation has."""
    base = f"/api/chat/conversations/{group}"
    return {
        "history page": lambda version: f"{base}/messages/?limit=50",
        "changes": lambda version: f"{base}/changes/?limit=50&since={version - 50}",
        "conversation list": lambda version: "/api/chat/conversations/?limit=50",
    }


def _send(serving: Serving, people: Sequence[Person], group: int, scale: Scale) -> float:
    """Of eight people of one conversation."""
    return _cost(serving, [sending(group, person.token) for person in people[:8]], scale, expect=201)


def _cost(serving: Serving, calls: list[Callable[[], bytes]], scale: Scale, *, expect: int = 200) -> float:
    """The median of some runs, in microseconds."""
    return sorted(run.micros() for run in asked(serving, calls, scale, expect=expect))[scale.runs // 2]
