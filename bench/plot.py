"""The rows that have something to be compared with, as bars."""

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


def save(path: Path, results: Sequence[Result], about: dict[str, Any]) -> None:
    """For each workload the CPU a unit on each system, and a mark where the target is."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "bench"  # the same numbers make the same file
    from matplotlib import pyplot

    rows = [result for result in results if isinstance(result, Row) and result.workload != "two-processes"]
    workloads = list(dict.fromkeys(row.workload for row in rows))
    figure, axes = pyplot.subplots(figsize=(9, 0.85 * len(workloads) + 1.6), layout="constrained")
    labels = []
    for place, workload in enumerate(workloads):
        mine = [row for row in rows if row.workload == workload]
        labels.append(f"{mine[0].title}\nµs a {mine[0].unit}")
        height = 0.8 / len(mine)
        for number, row in enumerate(sorted(mine, key=lambda row: list(COLOURS).index(row.system))):
            middle = place - 0.4 + height * (number + 0.5)
            cost = row.middle.micros()
            axes.barh(middle, cost, height * 0.9, color=COLOURS[row.system])
            axes.annotate(f" {cost:,.0f}" if cost >= 100 else f" {cost:.1f}", (cost, middle), va="center", fontsize=8)
        if target := mine[0].target:
            axes.plot([target.micros] * 2, [place - 0.45, place + 0.45], color="#cf222e", linewidth=2)
    for system in (name for name in COLOURS if any(row.system == name for row in rows)):
        axes.barh(0, 0, color=COLOURS[system], label=NAMES[system])
    axes.plot([], [], color="#cf222e", linewidth=2, label="target: at most this")
    axes.set_xscale("log")
    axes.set_yticks(range(len(workloads)), labels, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("CPU of server + database, in microseconds (log scale): shorter is better")
    axes.set_title(f"{about['cores']} cores, {about['cpu']}, {about['date'][:10]}, {about['commit']}", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.08), ncols=2, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
