"""The rows that have a target, as bars."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .results import Result, Row

COLOURS = {"ours": "#1f6feb", "socket.io": "#8c959f", "naive": "#d0d7de"}
NAMES = {
    "ours": "this server",
    "socket.io": "socket.io + PostgreSQL, no rights",
    "naive": "plain Channels, stores nothing",
}
TARGET = {"color": "#cf222e", "linewidth": 2}
ROW, BAR = 0.26, 0.22  # of the space between two workloads, however many bars there are


def save(path: Path, results: Sequence[Result], about: dict[str, Any]) -> None:
    """For each workload the CPU a unit on each system, and a mark where the target is."""
    import matplotlib

    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"  # the same numbers make the same file
    from matplotlib import pyplot

    aimed = {result.workload for result in results if isinstance(result, Row) and result.target}
    rows = [result for result in results if isinstance(result, Row) and result.workload in aimed]
    workloads = list(dict.fromkeys(row.workload for row in rows))
    figure, axes = pyplot.subplots(figsize=(9, 0.8 * len(workloads) + 1.6), layout="constrained")
    for place, workload in enumerate(workloads):
        _draw(axes, place, [row for row in rows if row.workload == workload])
    firsts = [next(row for row in rows if row.workload == workload) for workload in workloads]
    axes.set_yticks(range(len(workloads)), [f"{row.title}\nµs a {row.unit}" for row in firsts], fontsize=9)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=1)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("CPU of server + database, in microseconds (log scale): shorter is better")
    axes.set_title(f"{about['cores']} cores, {about['cpu']}, {about['date'][:10]}, {about['commit']}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    for system in (name for name in COLOURS if any(row.system == name for row in rows)):
        axes.barh(0, 0, color=COLOURS[system], label=NAMES[system])
    axes.plot([], [], label="target: at most this", **TARGET)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _draw(axes: Any, place: int, rows: Sequence[Row]) -> None:
    """One workload, around `place`."""
    ordered = sorted(rows, key=lambda row: list(COLOURS).index(row.system))
    top = place - ROW * len(ordered) / 2
    for number, row in enumerate(ordered):
        middle, cost = top + ROW * (number + 0.5), row.middle.micros()
        axes.barh(middle, cost, BAR, color=COLOURS[row.system])
        text = f" {cost:,.0f}" if cost >= 100 else f" {cost:.1f}"
        axes.annotate(text, (cost, middle), va="center", fontsize=8)
        if row.target:
            axes.plot([row.target.micros] * 2, [top, top + ROW * len(ordered)], **TARGET)
