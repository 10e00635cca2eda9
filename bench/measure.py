"""One measurement: how many units of work, in how many seconds, for how much CPU of whom."""

import resource
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles

from . import cpu


@dataclass(frozen=True)
class Scale:
    """How much is done: for a second and once, or for longer and three times over."""

    quick: bool

    @property
    def seconds(self) -> float:
        return 1.0 if self.quick else 4.0

    @property
    def runs(self) -> int:
        return 1 if self.quick else 3

    async def repeat(
        self, work: Callable[[int], Awaitable["Measurement"]], least: int, settle: Callable[[], None]
    ) -> list["Measurement"]:
        """The runs of `work(count)`, as many and as long as that; `least` is enough to find out how fast it is.

        The first ones find everything cold, and PostgreSQL knows nothing of its tables before `settle`.
        """
        await work(least)
        settle()
        trial = await work(least)
        count = max(least, round(least * self.seconds / trial.seconds))
        return [await work(count) for _ in range(self.runs)]


@dataclass
class Measurement:
    """What some work cost. `cpu` is in seconds, by part; `client` is the load client's own."""

    units: int = 0
    seconds: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    client: float = 0.0
    more: dict[str, float] = field(default_factory=dict)

    def micros(self, *parts: str) -> float:
        """Microseconds of CPU of these parts for each unit; of server and database where none is named."""
        return 1e6 * sum(self.cpu[part] for part in parts or ("server", "database")) / self.units

    def cores(self, *parts: str) -> float:
        """How much of one core these parts took."""
        return sum(self.cpu[part] for part in parts) / self.seconds

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds

    @property
    def client_micros(self) -> float:
        return 1e6 * self.client / self.units


def latency(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 99th of a hundred, in milliseconds."""
    return {"p50_ms": 1000 * median(seconds), "p99_ms": 1000 * quantiles(seconds, n=100)[98]}


@contextmanager
def measured(parts: Mapping[str, list[int]], units: int = 0) -> Iterator[Measurement]:
    """Inside, the parts (process ids, their families counted) do the work that is measured."""
    result = Measurement(units)
    before = {name: sum(map(cpu.seconds, pids)) for name, pids in parts.items()}
    own, begun = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    yield result
    result.seconds = time.monotonic() - begun
    now = resource.getrusage(resource.RUSAGE_SELF)
    result.client = now.ru_utime + now.ru_stime - own.ru_utime - own.ru_stime
    result.cpu = {name: sum(map(cpu.seconds, pids)) - before[name] for name, pids in parts.items()}
