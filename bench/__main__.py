"""`python -m bench`: measure, and say what came out."""

import argparse
import sys
import time
from pathlib import Path

from . import plot, report
from .measure import Scale
from .results import Result, machine, slowness
from .systems import missing_peer
from .workloads import WORKLOADS, Workload
from .world import World

FOLDER = Path(__file__).resolve().parent
FLAMEGRAPH = FOLDER.parent / "docs" / "images" / "flamegraph.svg"


def say(text: str, end: str = "\n") -> None:
    """Progress: what comes out goes to the other stream."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


def arguments() -> argparse.Namespace:
    names = [workload.name for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the server costs, beside others.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"only these: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="a rough answer in two minutes")
    parser.add_argument("--flamegraph", action="store_true", help=f"record the server, one workload, to {FLAMEGRAPH}")
    given = parser.parse_args()
    if unknown := set(given.names) - set(names):
        parser.error(f"no such workload: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if given.flamegraph and len(given.names) != 1:
        parser.error("a flame graph is of one workload: name it")
    return given


def measure(world: World, workloads: list[Workload], scale: Scale) -> list[Result]:
    """Everything, one after the other, each result told as soon as it is there."""
    results: list[Result] = []
    for number, workload in enumerate(workloads, 1):
        begun = time.monotonic()
        say(f"[{number:>2}/{len(workloads)}] {workload.title}")
        world.empty()
        for result in workload.run(world, scale):
            results.append(result)
            say(f"        {report.line(result)}  ({time.monotonic() - begun:.0f} s)")
    return results


def main() -> None:
    given = arguments()
    begun = time.monotonic()
    workloads = [each for each in WORKLOADS if not given.names or each.name in given.names]
    if missing := missing_peer():
        say(f"== {missing}")
    say("== starting PostgreSQL (fsync on) and Redis")
    world = World(picture=FLAMEGRAPH if given.flamegraph else None)
    try:
        results = measure(world, workloads, Scale(quick=given.quick))
        about = {
            **machine(),
            "postgresql": world.postgres_version(),
            "quick": given.quick,
            "slowness": slowness(results),
        }
    finally:
        world.close()
    parts = [report.table(results), report.at_the_speed_of_the_targets(results)]
    sys.stdout.write("".join(f"\n{part}\n" for part in parts if part) + "\n")
    sys.stdout.flush()
    if given.flamegraph:
        say(f"== written: {FLAMEGRAPH}; the numbers above are those of a server that is watched")
    elif given.names:
        say("== not written: bench/results.json is of all workloads")
    else:
        report.save(FOLDER / "results.json", results, about)
        plot.save(FOLDER / "results.svg", results, about)
        say("== written: bench/results.json, bench/results.svg")
    say(f"== {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # what was started ends with this process: tests/services/guard.py
        sys.exit("\n== interrupted, nothing is written")
