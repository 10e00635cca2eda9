"""What was found out about each point of the promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

SHOWN = 5  # of what broke a point

TITLES = {
    1: "what is acknowledged is stored",
    2: "everything arrives, in order, once",
    3: "a socket that was away resumes without gap or overlap",
    4: "sending again makes no second message",
    5: "who has lost the right gets nothing more",
    6: "presence and typing heal",
    7: "a slow reader costs the others nothing",
}


@dataclass
class Point:
    """One point of the promise: what was seen of it, what broke it, what cannot be seen from outside."""

    number: int
    seen: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    is_partial: bool = False  # what it is about was not tested

    @property
    def verdict(self) -> str:
        if self.broken:
            return "BROKEN"
        return "not tested" if not self.seen else "in part" if self.is_partial else "holds"

    def lines(self) -> Iterator[str]:
        """For a person: the verdict, then what it rests on."""
        yield f"{self.number}. {self.verdict:<10}  {TITLES[self.number]}"
        for text in self.broken[:SHOWN]:
            yield f"       BROKEN: {text}"
        if len(self.broken) > SHOWN:
            yield f"       BROKEN: … and {len(self.broken) - SHOWN} more"
        for text in self.seen:
            yield f"       {text}"
        for text in self.untested:
            yield f"       not tested: {text}"


class Report:
    """The seven points."""

    def __init__(self) -> None:
        self.points = {number: Point(number) for number in TITLES}

    def saw(self, number: int, text: str) -> None:
        """Note what was done and found, with its figures."""
        self.points[number].seen.append(text)

    def broke(self, number: int, text: str) -> None:
        """Note something that the point rules out."""
        self.points[number].broken.append(text)

    def hold(self, number: int, is_so: bool, text: str) -> None:
        """Note that the point is broken, unless it is so; `text` says what was seen where it is not."""
        if not is_so:
            self.broke(number, text)

    def cannot_test(self, number: int, text: str, *, is_partial: bool = False) -> None:
        """Note what a client cannot, or could not, find out; `is_partial`: the point is then not said to hold."""
        self.points[number].untested.append(text)
        self.points[number].is_partial |= is_partial

    @property
    def broken(self) -> list[int]:
        """The points that do not hold."""
        return [number for number, point in self.points.items() if point.broken]

    def lines(self) -> Iterator[str]:
        """All points, for a person."""
        for point in self.points.values():
            yield from point.lines()
