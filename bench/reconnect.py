"""A server comes back, and everybody with it, each a few messages behind."""

import time
from collections.abc import Iterator, Sequence

import uvloop

from .measure import Measurement, Scale
from .results import Figure, Result, Row, Target
from .sockets import come_back, of_conversation
from .systems import Ours
from .world import Person, Serving, World

GROUPS, MEMBERS, MISSED = 10, 100, 5
Place = tuple[Person, int]  # and the conversation's id


def reconnect(world: World, scale: Scale) -> Iterator[Result]:
    """A thousand sockets of ten conversations, all at the same moment."""
    circles = [world.people(MEMBERS) for _ in range(GROUPS)]
    groups = world.conversations(circles, 100)
    places = [(person, group) for people, group in zip(circles, groups, strict=True) for person in people]
    with world.serving(Ours(world).processes(1)) as serving:
        _come_back(serving, _miss(world, places[::MEMBERS]))  # the first ones find everything cold
        runs = [_come_back(serving, _miss(world, places)) for _ in range(scale.runs)]
        title = f"{len(places):,} sockets come back"
        yield Row("reconnect", title, "socket", "ours", runs, Target(3000))
        for some in (places[::10], places):
            since = _miss(world, some)
            with world.statements() as statements:
                _come_back(serving, since)
            title = f"SQL statements, {len(some):,} sockets of {GROUPS} groups"
            yield Figure("reconnect", title, len(statements), "")


def _miss(world: World, places: Sequence[Place]) -> list[tuple[Place, int]]:
    """Have some messages said in each conversation; each place with the version from before."""
    groups = sorted({group for _, group in places})
    since = {group: world.version(group) for group in groups}
    world.history(groups, MISSED)
    time.sleep(1.5)  # until those are gone who came before, and everybody was told
    return [(place, since[place[1]]) for place in places]


def _come_back(serving: Serving, since: Sequence[tuple[Place, int]]) -> Measurement:
    sockets = [of_conversation(person, group, since=version) for (person, group), version in since]
    return uvloop.run(come_back([(socket, serving.ports[0]) for socket in sockets], serving.parts, MISSED))
