"""Who types, one room's part of it, where it cannot be seen over a socket."""

import asyncio
from typing import Any

import pytest

from chat import broadcast
from chat.typists import PACE, Typists

ALICE = 1


@pytest.fixture
async def told(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What was published, in order: whether somebody types."""
    told: list[bool] = []

    async def publish(message: tuple[str, dict[str, Any]]) -> None:
        told.append(message[1]["is_typing"])

    monkeypatch.setattr(broadcast, "publish", publish)
    return told


@pytest.fixture
async def typists() -> Any:
    async def show(*args: Any, **kwargs: Any) -> None: ...

    typists = Typists(1, show=show, spawn=lambda work: tasks.append(asyncio.ensure_future(work)))
    tasks: list[asyncio.Future[None]] = []
    yield typists
    typists.close()
    await asyncio.gather(*tasks)


async def said(typists: Typists, *words: bool) -> None:
    for is_typing in words:
        typists.tell(ALICE, "alice", is_typing=is_typing)
    await asyncio.sleep(0)


@pytest.mark.parametrize(("last", "told_later"), [(False, [False]), (True, [])])
async def test_a_message_makes_old_that_somebody_types_but_not_that_they_stopped(
    typists: Typists, told: list[bool], last: bool, told_later: list[bool]
) -> None:
    await said(typists, *[True] * PACE.count, last)
    await typists.end_with_message(ALICE)
    await asyncio.sleep(PACE.seconds / PACE.count + 0.3)
    assert told[PACE.count :] == told_later
