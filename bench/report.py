"""What came out, for a person in a terminal and for a program in a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .results import Figure, Result, Row, slowness

COLUMNS = "{:<25}{:>10}{:>8}{:>16}{:>5}{:>8}{:>7}{:>6}{:>7}{:>7}{:>7}"
HEADS = (
    ("", "", "CPU µs", "", "", "of it", "", "", "", "ack", "ms"),
    ("", "units/s", "a unit", "target", "", "server", "db", "redis", "client", "p50", "p99"),
)
YES_NO = {True: "yes", False: "NO", None: ""}


def table(results: Sequence[Result]) -> str:
    """Rows first, under each of ours those of others and how many times as much they cost; then the figures."""
    rows = [result for result in results if isinstance(result, Row)]
    figures = [result for result in results if isinstance(result, Figure)]
    lines = [COLUMNS.format(*head).rstrip() for head in HEADS] if rows else []
    costs = {row.workload: row.middle.micros() for row in rows if row.system == "ours"}
    for row in rows:
        lines.append(_line(row, None if row.system == "ours" else costs.get(row.workload)))
    if rows and figures:
        lines.append("")
    lines += [_figure(figure) for figure in figures]
    return "\n".join(lines)


def at_the_speed_of_the_targets(results: Sequence[Result]) -> str:
    """What has a target, as it would be on the machine that the targets are of; "" where nobody knows."""
    if slowness(results) is None:
        return ""
    lines = ["At the speed of the machine that the targets are of, by what the others took there and take here:"]
    for result in results:
        if isinstance(result, Row) and result.target:
            cost, most, unit = result.middle.micros(), result.target.micros, f"µs a {result.unit}"
            slow = slowness(results, result.unit)
        elif isinstance(result, Figure) and result.target is not None and result.is_time:
            cost, most, unit, slow = result.value, result.target, result.unit, slowness(results)
        else:
            continue
        there = cost / (slow or 1)
        shown = f"{_short(cost)} ÷ {slow:.2f} = {_short(there)}"
        lines.append(f"  {result.title:<44}{shown:>22} {unit:<14}{f'≤ {most:,g}':>8}{YES_NO[there <= most]:>5}")
    return "\n".join(lines)


def _line(row: Row, ours: float | None) -> str:
    run = row.middle
    name, goal = row.title, ""
    if ours is not None:
        name, goal = f"  {row.system}", f"ours: {ours / run.micros():.2f} ×"
    elif row.target:
        goal = f"≤ {row.target.micros:,.0f}" + (f", ≥ {row.target.rate / 1000:.0f}k/s" if row.target.rate else "")
    parts = [_short(value) for value in (run.micros("server"), run.micros("database"), run.micros("redis"))]
    delays = [f"{run.more[key]:.1f}" if key in run.more else "" for key in ("p50_ms", "p99_ms")]
    cells = (name, f"{run.rate:,.0f}", _short(run.micros()), goal, YES_NO[row.reached])
    return COLUMNS.format(*cells, *parts, _short(run.client_micros), *delays).rstrip()


def _figure(figure: Figure) -> str:
    value = f"{_short(figure.value)} {figure.unit}".rstrip()
    goal = "" if figure.target is None else f"≤ {figure.target:g}"
    return f"{figure.title:<52}{value:>20}{goal:>10}{YES_NO[figure.reached]:>5}".rstrip()


def _short(value: float) -> str:
    """Three digits of it, or all before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def line(result: Result) -> str:
    """One result, in a few words, as soon as it is there."""
    if isinstance(result, Figure):
        return " ".join(_figure(result).split())
    run = result.middle
    cost = f"{_short(run.micros())} µs a {result.unit}, {run.rate:,.0f}/s"
    return f"{result.system}: {cost} {YES_NO[result.reached]}".rstrip()


def save(path: Path, results: Sequence[Result], about: dict[str, Any]) -> None:
    """All numbers, every run's, as JSON."""
    kinds = (("rows", Row), ("figures", Figure))
    lists = {name: [each.as_json() for each in results if isinstance(each, kind)] for name, kind in kinds}
    path.write_text(json.dumps({"about": about, **lists}, indent=1, ensure_ascii=False) + "\n")
