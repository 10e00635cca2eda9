"""What processes cost, by the operating system's accounting (proc(5), clock_getcpuclockid(3))."""

import os
import time
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """A process and all that it has started, directly or not."""
    found = [pid]
    for each in found:
        try:
            for children in Path(f"/proc/{each}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile; its parent has what it cost
            continue
    return found


def seconds(pid: int) -> float:
    """User and system time of a process, of its family, and of those of them that have ended."""
    total = 0.0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            own = time.clock_gettime(~each << 3 | 2)  # the same, to the nanosecond: Redis costs little
        except OSError:
            continue
        total += own + TICK * sum(map(int, fields[13:15]))  # cutime, cstime
    return total


def resident(pid: int) -> int:
    """The bytes of memory that a process and its family hold, shared pages divided among those who share them."""
    total = 0
    for each in family(pid):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total * 1024
