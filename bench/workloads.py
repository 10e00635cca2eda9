"""What is measured. Each workload begins in an empty database, with server processes of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import uvloop

from . import sockets
from .growth import growth
from .idle import idle
from .measure import Measurement, Scale
from .reconnect import reconnect
from .rest import asked, getting, sending
from .results import Figure, Result, Row, Target
from .systems import Ours, System, systems
from .world import World

Measure = Callable[[World, System, Scale], list[Measurement]]
Run = Callable[[World, Scale], Iterator[Result]]


@dataclass(frozen=True)
class Workload:
    """`run` yields each result as soon as it is there."""

    name: str
    title: str
    run: Run


def fan_out(members: int) -> Measure:
    """In one room ten people (or all) talk, and everything reaches everybody."""

    def measure(world: World, system: System, scale: Scale) -> list[Measurement]:
        with world.serving(system.processes(1)) as serving:
            [room] = system.rooms(1, members)

            async def talk() -> list[Measurement]:
                await sockets.open_all([(socket, serving.ports[0]) for socket in room])
                return await scale.repeat(lambda count: sockets.fan_out(room, serving.parts, count), 50, serving.settle)

            return uvloop.run(talk())

    return measure


def pairs(users: int) -> Measure:
    """In each of many rooms two people answer each other."""

    def measure(world: World, system: System, scale: Scale) -> list[Measurement]:
        with world.serving(system.processes(1)) as serving:
            couples = [(one, other) for one, other in system.rooms(users // 2, 2)]

            async def talk() -> list[Measurement]:
                await sockets.open_all([(socket, serving.ports[0]) for couple in couples for socket in couple])
                return await scale.repeat(
                    lambda count: sockets.pairs(couples, serving.parts, count), 2 * users, serving.settle
                )

            return uvloop.run(talk())

    return measure


def newest(messages: int) -> Measure:
    """Four clients read the newest 50 of a long history."""

    def measure(world: World, system: System, scale: Scale) -> list[Measurement]:
        with world.serving(system.processes(1)) as serving:
            whole = system.newest(messages)
            return asked(serving, [lambda: whole] * 4, scale)

    return measure


def rest_send(world: World, system: System, scale: Scale) -> list[Measurement]:
    """Eight clients send over REST, each into a group of ten of its own."""
    with world.serving(system.processes(1)) as serving:
        circles = [world.people(10) for _ in range(8)]
        groups = world.conversations(circles, 100)
        calls = [sending(group, people[0].token) for group, people in zip(groups, circles, strict=True)]
        return asked(serving, calls, scale, expect=201)


def conversation_list(world: World, system: System, scale: Scale) -> list[Measurement]:
    """Four clients read the first 50 of somebody's 300 conversations: a third of them groups of ten."""
    with world.serving(system.processes(1)) as serving:
        me, *others = world.people(201)
        private = [[me, other] for other in others]
        groups = [[me, *others[number : number + 9]] for number in range(100)]
        mixed = [circle for three in zip(private[::2], private[1::2], groups, strict=True) for circle in three]
        world.conversations(mixed, 20)
        return asked(serving, [getting("/api/chat/conversations/?limit=50", me.token)] * 4, scale)


def ours(name: str, title: str, unit: str, target: Target, measure: Measure) -> Workload:
    """Something that only this project is measured at."""

    def run(world: World, scale: Scale) -> Iterator[Result]:
        yield Row(name, title, unit, "ours", measure(world, Ours(world), scale), target)

    return Workload(name, title, run)


def compared(
    name: str,
    title: str,
    unit: str,
    target: Target,
    measure: Measure,
    *,
    there: dict[str, float],
) -> Workload:
    """Something that others do in the same run, too. `there`: what it cost them on the machine of the targets."""

    def run(world: World, scale: Scale) -> Iterator[Result]:
        for system in systems(world):
            if system.name == "ours" or system.name in there:
                world.empty()
                goal = target if system.name == "ours" else None
                yield Row(name, title, unit, system.name, measure(world, system, scale), goal, there.get(system.name))

    return Workload(name, title, run)


def two_processes(world: World, scale: Scale) -> Iterator[Result]:
    """A room of 100 on one process, and one that has half of its people on each of two, in turn."""
    name, members = "two-processes", 100
    with world.serving(Ours(world).processes(2)) as serving:
        alone, split = Ours(world).rooms(2, members)
        places = [(socket, serving.ports[0]) for socket in alone]
        places += [(socket, port) for socket, port in zip(split, serving.ports * (members // 2), strict=True)]
        parts = serving.only(0).parts

        async def talk() -> tuple[list[Measurement], list[Measurement]]:
            await sockets.open_all(places)
            runs: tuple[list[Measurement], list[Measurement]] = [], []
            for _ in range(3):
                for room, mine, found in zip((alone, split), (parts, serving.parts), runs, strict=True):
                    measure = partial(sockets.fan_out, room, mine)
                    found.extend(await scale.repeat(measure, 50, serving.settle))
            return runs

        runs = uvloop.run(talk())
    one = Row(name, "N=100 on one process", "delivery", "ours", runs[0])
    two = Row(name, "N=100 on two processes", "delivery", "ours", runs[1])
    yield one
    yield two
    yield Figure(name, "CPU a delivery, two to one", two.middle.micros() / one.middle.micros(), "×", 1.15)
    yield Figure(name, "Redis a message, two processes", two.middle.micros("redis") * members, "µs", 15, is_time=True)


WORKLOADS = [
    compared("fan-out-10", "fan-out, N=10", "delivery", Target(35), fan_out(10), there={"socket.io": 35}),
    compared(
        *("fan-out-100", "fan-out, N=100", "delivery", Target(8, 100_000), fan_out(100)),
        there={"naive": 148, "socket.io": 10.4},
    ),
    compared(
        *("fan-out-500", "fan-out, N=500", "delivery", Target(8, 100_000), fan_out(500)), there={"socket.io": 9.9}
    ),
    compared(
        *("pairs", "pairs, 200 users", "message", Target(250), pairs(200)), there={"naive": 626, "socket.io": 184}
    ),
    ours("rest-send", "REST send, 8 clients", "request", Target(1500), rest_send),
    compared(
        *("history", "newest 50 of 10,000", "request", Target(1300), newest(10_000)),
        there={"naive": 2900, "socket.io": 225},
    ),
    ours("conversations", "50 of 300 conversations", "request", Target(3000), conversation_list),
    Workload("idle", "idle sockets", idle),
    Workload("two-processes", "fan-out over two processes", two_processes),
    Workload("reconnect", "1,000 sockets come back", reconnect),
    Workload("growth", "growth", growth),
]
