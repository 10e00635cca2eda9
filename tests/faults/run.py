"""A run under faults: `python -m tests.faults.run --seconds 600 --seed …`; exit code 1 where the promise broke."""
# ruff: noqa: T201 it speaks to a person

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from . import final
from .cluster import own_cluster
from .history import History
from .invariants import check, too_little
from .nemeses import Nemeses
from .state import State
from .talk import OPERATIONS_PER_SECOND, Talk

LAG_TICK = 0.05
HALF_A_MINUTE = 30  # a shorter run need not have seen much
TOLD = 12  # violations of one invariant that are printed
# What a run of a minute must have seen; a longer one more.
MINIMUM = {
    "send acked over rest": 200,
    "send acked over socket": 150,
    "edit acked": 50,
    "delete acked": 25,
    "read acked": 25,
    "add acked": 3,
    "remove acked": 5,
    "sent again": 5,
    "resumed": 20,
    "durable frames": 2000,
    "durable frames of inboxes": 200,
    "resumed in inboxes": 5,
    "sockets on server 0": 16,
    "sockets on server 1": 16,
}

SHORT_RATE = 25.0  # operations a second: it takes the machine that there is
# What is done in a short run, and what beside it. The kill comes first: the leases of whom it surprised end meanwhile.
SHORT = (
    ("SIGKILL of a server", "a network that drops", "Redis flushed"),
    ("Redis restarted",),
    ("a row held locked",),
    ("rolling SIGTERM", "a slow network"),
    ("Redis paused",),
    ("PostgreSQL restarted at once",),
    ("a reader that stops", "a network gone silent"),
    ("Redis kills its subscribers",),
    ("PostgreSQL paused",),
)


@dataclass
class Result:
    """What a run came to: by invariant what contradicts it, and what was measured."""

    seed: str
    violations: dict[str, list[str]]
    figures: dict[str, float]
    faults: Counter[str]
    history: History
    logs: dict[str, str]  # of the servers

    @property
    def is_green(self) -> bool:
        return not any(self.violations.values())

    def keep(self) -> Path:
        """Write the history and the servers' logs into a new folder, and return it."""
        folder = Path(tempfile.mkdtemp(prefix=f"chat-faults-{self.seed}-"))
        self.history.write(folder / "history.jsonl")
        for name, log in self.logs.items():
            (folder / name).write_text(log)
        return folder


async def run(
    *, seconds: float, seed: str, short: bool = False, only: Sequence[str] = (), say: Callable[[str], None] = print
) -> Result:
    """Start everything, talk under faults for that long, heal, wait for quiet, and judge; nothing is left running.

    `short`: every fault once and briefly, however long that takes; `only`: these and no others.
    """
    cluster = await own_cluster()
    history = History()
    talk = Talk(cluster, history, seed)
    lagging = asyncio.ensure_future(_note_lags(history))
    try:
        state = await _run(talk, seconds=seconds, short=short, only=only, say=say)
    finally:
        lagging.cancel()
        await cluster.heal()
        await talk.close()
        await cluster.stop()
        cluster.postgres.kill()
    violations = {**check(history, state), "enough_happened": too_little(history, state, _minimum(seconds))}
    faults = Counter(fault.name for fault in history.faults)
    logs = {server.log.name: server.tail(400_000) for server in cluster.servers}
    return Result(seed, violations, final.figures(history, state), faults, history, logs)


def _minimum(seconds: float) -> dict[str, int]:
    share = seconds / 60
    if seconds < HALF_A_MINUTE:
        return {name: int(MINIMUM[name] * share) for name in ("send acked over rest", "send acked over socket")}
    return {name: least if name.startswith("sockets") else int(least * share) for name, least in MINIMUM.items()}


async def _run(talk: Talk, *, seconds: float, short: bool, only: Sequence[str], say: Callable[[str], None]) -> State:
    cluster, history = talk.cluster, talk.history
    await talk.gather()
    await talk.sit_down()
    state = State()
    talking = asyncio.ensure_future(talk.go_on(SHORT_RATE if short else OPERATIONS_PER_SECOND))
    try:
        await asyncio.sleep(1.5 if short else 5)
        history.samples += cluster.sample("begin")
        connections = await asyncio.to_thread(cluster.database_connections)
        await _afflict(talk, until=history.now() + seconds, short=short, only=only, say=say)
    finally:
        talking.cancel()
        with suppress(asyncio.CancelledError):
            await talking
    await cluster.heal()
    say(f"{_clock(history)} healed; waiting until everyone has everything")
    await final.come_to_rest(talk)
    history.samples += cluster.sample("end")
    state.database_connections = connections, await asyncio.to_thread(cluster.database_connections)
    history.ended = history.now()
    await final.read_state(talk, state)
    say(f"{_clock(history)} read; two people leave, which is to be seen everywhere")
    await final.leave_and_be_seen_to(talk, talk.people[10:], state)
    return state


async def _afflict(talk: Talk, *, until: float, short: bool, only: Sequence[str], say: Callable[[str], None]) -> None:
    """Every nemesis once in a short run; else in an order of the seed, again and again until the time is over."""
    history = talk.history
    nemeses = Nemeses(talk, short=short)
    order = random.Random(f"{talk.seed} faults")
    chosen = list(only or nemeses.all)

    async def afflict(name: str) -> None:
        say(f"{_clock(history)} {history.count('send', 'acked'):6d} sends acked   {name}")
        if name in nemeses.all:
            await nemeses.all[name]()

    async def one_after_the_other(names: Sequence[str]) -> None:
        for name in names:
            await asyncio.sleep(0.3)
            await afflict(name)

    if short:
        for first, *beside in [[name] for name in only] or SHORT:
            await asyncio.gather(afflict(first), one_after_the_other(beside))
            await asyncio.sleep(0.3)
        return
    while history.now() < until:
        for name in order.sample(chosen, len(chosen)):
            await afflict(name)
            await asyncio.sleep(order.uniform(1, 6))
            if history.now() > until:
                return


def _clock(history: History) -> str:
    return f"{history.now() - history.begun:6.1f} s"


async def _note_lags(history: History) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(LAG_TICK)
        late = time.monotonic() - before - LAG_TICK
        if late > LAG_TICK:
            history.lags.append((time.monotonic(), late))


def report(result: Result) -> str:
    """What a person wants to know of a run."""
    lines = [f"{name:38} {value:g}" for name, value in result.figures.items()]
    for name, violations in result.violations.items():
        lines.append(f"{'RED  ' if violations else 'green'} {name}" + (f": {len(violations)}" if violations else ""))
        lines += [f"        {violation}" for violation in violations[:TOLD]]
        lines += [f"        … and {len(violations) - TOLD} more"] if len(violations) > TOLD else []
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default="")
    parser.add_argument("--short", action="store_true", help="every fault once and briefly, as in `make test`")
    parser.add_argument("--only", action="append", default=[], metavar="FAULT", help="this one; `nothing` for none")
    parser.add_argument("--keep", action="store_true", help="the history and the logs of a green run too")
    arguments = parser.parse_args()
    seed = arguments.seed or f"{random.SystemRandom().randrange(10**6)}"
    again = f"make faults SECONDS={arguments.seconds:g} SEED={seed}"
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(f"== {again}")
    result = asyncio.run(run(seconds=arguments.seconds, seed=seed, short=arguments.short, only=arguments.only))
    print(report(result))
    if arguments.keep:
        print(f"== kept: {result.keep()}")
    if result.is_green:
        print(f"== green: {again}")
        return 0
    print(f"== RED: {again}\n   what happened, and the servers' logs: {result.keep()}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
