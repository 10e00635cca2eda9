"""What came out: rows of what a unit of work costs, and figures, each beside its target."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, median_low
from typing import Any

from .measure import Measurement


@dataclass(frozen=True)
class Target:
    """At most so many microseconds of CPU a unit and, where it is named, at least so many units a second."""

    micros: float
    rate: float | None = None

    def reached(self, measurement: Measurement) -> bool:
        return measurement.micros() <= self.micros and (self.rate is None or measurement.rate >= self.rate)


@dataclass(frozen=True)
class Row:
    """A workload on one system, some times over; what is shown is the run in the middle by CPU a unit.

    `there`: what a unit cost this system on the machine that the targets are of, where that is known.
    """

    workload: str
    title: str
    unit: str
    system: str
    runs: Sequence[Measurement]
    target: Target | None = None
    there: float | None = None

    @property
    def middle(self) -> Measurement:
        cost = median_low(run.micros() for run in self.runs)
        return next(run for run in self.runs if run.micros() == cost)

    def as_json(self) -> dict[str, Any]:
        shown = {"workload": self.workload, "title": self.title, "unit": self.unit, "system": self.system}
        target = {} if self.target is None else {"target": vars(self.target), "reached": self.reached}
        return {**shown, **_numbers(self.middle), **target, "runs": [_numbers(run) for run in self.runs]}

    @property
    def reached(self) -> bool | None:
        """None where there is no target."""
        return None if self.target is None else self.target.reached(self.middle)


@dataclass(frozen=True)
class Figure:
    """A number that is no cost of a unit; `target` is the most that it may be. `is_time`: a slower one takes more."""

    workload: str
    title: str
    value: float
    unit: str
    target: float | None = None
    is_time: bool = False

    @property
    def reached(self) -> bool | None:
        """None where there is no target."""
        return None if self.target is None else self.value <= self.target

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "reached": self.reached}


Result = Row | Figure


def slowness(results: Sequence[Result], unit: str | None = None) -> float | None:
    """How many times as long this machine takes as that of the targets, by what others cost on both; None: not known.

    Machines differ by more than versions do, not by the same factor for all kinds of work, and one machine from one
    hour to the next: those count that do the same kind, and all of them where none does.
    """
    rows = [result for result in results if isinstance(result, Row) and result.there]
    alike = [row for row in rows if row.unit == unit] or rows
    factors = [row.middle.micros() / row.there for row in alike if row.there]
    return median(factors) if factors else None


def _numbers(run: Measurement) -> dict[str, Any]:
    each = {part: run.micros(part) for part in run.cpu}
    cost = {"micros": run.micros(), **{f"{part}_micros": value for part, value in each.items()}}
    client = {"client_micros": run.client_micros, **run.more}
    return {"units": run.units, "seconds": run.seconds, "rate": run.rate, **cost, **client}


def machine() -> dict[str, Any]:
    """On what it was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    commit = _said("git", "describe", "--always", "--dirty", "--abbrev=12")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "cores": os.cpu_count(),
        "cpu": model,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "redis": _said("redis-server", "--version").partition("v=")[2].partition(" ")[0],
        "node": _said("node", "--version").removeprefix("v") or None,
    }


def _said(*command: str) -> str:
    """The first line that a command prints, "" where there is no such command."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    except FileNotFoundError:
        return ""
    return (done.stdout.splitlines() or [""])[0]
