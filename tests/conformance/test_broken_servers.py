"""A server that breaks the promise turns the point red that it breaks."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from chat.management.conformance import Report, once, presence, rights, storm

from .conftest import BrokenServer


def words(report: Report) -> str:
    """All that is printed."""
    return "\n".join(report.lines())


@pytest.mark.parametrize(
    ("how", "point", "said"),
    [
        ("none", None, "missing 0, doubled 0, out of order 0"),
        ("lose", 2, "was never given"),
        ("double", 2, "was given twice"),
        ("swap", 2, "was given after a higher one"),
        ("overlap", 3, "was given twice"),
        ("forget", 1, "was acknowledged"),
    ],
)
async def test_a_storm(
    broken_server: BrokenServer, tokens: list[str], stage: Callable[..., Any], how: str, point: int, said: str
) -> None:
    async with stage(broken_server, tokens) as (people, report):
        broken_server.breaks(how)
        await storm.check(people, report, rounds=2)
    assert said in words(report)
    assert report.broken[:1] == ([] if point is None else [point])  # what a stream lacks live, it lacks resumed, too
    if how in ("forget", "overlap"):
        assert report.broken == [point]


async def test_two_messages_with_one_client_id(
    broken_server: BrokenServer, tokens: list[str], stage: Callable[..., Any]
) -> None:
    async with stage(broken_server, tokens) as (people, report):
        broken_server.breaks("twins")
        await once.check(people, report)
    assert report.broken == [4]
    assert "twice over a socket: whether it was new was answered [True, True]" in words(report)


async def test_a_socket_that_outlives_its_right(broken_server: BrokenServer, stage: Callable[..., Any]) -> None:
    async with stage(broken_server) as (people, report):
        broken_server.breaks("stay")
        await rights.check(people, report)
    assert report.broken == [5]
    assert "logged out: a socket is still open" in words(report)
    assert "removed: 2 sockets closed with 4403" in words(report)


async def test_typing_that_does_not_end(
    broken_server: BrokenServer, tokens: list[str], stage: Callable[..., Any]
) -> None:
    async with stage(broken_server, tokens) as (people, report):
        broken_server.breaks("type for ever")
        await presence.check(people, report)
    assert report.broken == [6]
    assert "typing did not end by itself" in words(report)


def test_a_message_after_the_removal_is_found() -> None:
    def frame(event: Any = None) -> tuple[float, Any]:
        return 0.0, {"type": "chat_message", "message": {"event": event}}

    removal = frame({"action": "participant_removed", "user_id": 5})
    for frames, broken in ([frame(), removal], []), ([removal, frame(), frame()], [5]):
        report = Report()
        sockets: Any = [SimpleNamespace(frames=frames)]
        rights.nothing_after(report, sockets, "participant_removed", SimpleNamespace(id=5))  # type: ignore[arg-type]
        assert report.broken == broken
