"""Whose request is worked on next."""

import asyncio
from collections.abc import Hashable

import pytest

from chat_server.turns import TooManyWait, Turn, Turns


def some(*, at_once: int = 1, most_running: int = 100, most_waiting: int = 100, seconds: float = 10) -> Turns:
    return Turns(at_once=at_once, most_running=most_running, most_waiting=most_waiting, seconds=seconds)


class Line:
    """Clients who ask for a turn, and the order in which they get one."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.served: list[tuple[Hashable, Turn]] = []

    async def ask(self, client: Hashable) -> "asyncio.Task[None]":
        """The task of a client that has asked by now."""

        async def take() -> None:
            self.served.append((client, await self.turns.take(lambda: client)))

        task = asyncio.create_task(take())
        await asyncio.sleep(0)
        return task

    async def serve_all(self) -> list[Hashable]:
        """End turn after turn; who was served, in order."""
        ended = 0
        while ended < len(self.served):
            self.served[ended][1].end()
            ended += 1
            await asyncio.sleep(0)
        return [client for client, _ in self.served]


async def test_so_many_go_at_once_and_the_next_one_when_a_turn_ends() -> None:
    line = Line(some(at_once=2))
    for client in "abc":
        await line.ask(client)
    assert [client for client, _ in line.served] == ["a", "b"]
    line.served[1][1].end()
    await asyncio.sleep(0)
    assert [client for client, _ in line.served] == ["a", "b", "c"]


async def test_who_asks_often_waits_for_who_asks_once() -> None:
    line = Line(some())
    for client in ("many", "many", "many", "many", "one", "two", "one"):
        await line.ask(client)
    assert await line.serve_all() == ["many", "many", "one", "two", "many", "one", "many"]


async def test_a_turn_that_takes_too_long_lets_the_next_one_begin() -> None:
    line = Line(some(seconds=0.05))
    await line.ask("slow")
    task = await line.ask("next")
    await asyncio.wait_for(task, 2)
    line.served[0][1].end()  # late: it has ended already
    await line.ask("third")
    assert len(line.served) == 2


async def test_so_many_run_at_most_and_the_next_one_begins_when_one_of_them_ends() -> None:
    line = Line(some(at_once=2, most_running=3, seconds=0.02))
    for client in "abcde":
        await line.ask(client)
    await asyncio.sleep(0.1)
    assert [client for client, _ in line.served] == ["a", "b", "c"]
    line.served[1][1].end()
    await asyncio.sleep(0.1)
    assert [client for client, _ in line.served] == ["a", "b", "c", "d"]
    for _, turn in line.served:
        turn.end()
    await asyncio.sleep(0)
    assert [client for client, _ in line.served] == ["a", "b", "c", "d", "e"]


async def test_who_goes_away_is_passed_over() -> None:
    line = Line(some())
    await line.ask("first")
    gone = await line.ask("gone")
    await line.ask("last")
    gone.cancel()
    assert await line.serve_all() == ["first", "last"]


async def test_who_goes_at_the_moment_of_their_turn_hands_it_on() -> None:
    line = Line(some())
    await line.ask("first")
    gone = await line.ask("gone")
    last = await line.ask("last")
    line.served[0][1].end()
    gone.cancel()
    await asyncio.wait_for(last, 2)


async def test_who_fills_all_places_makes_room_for_who_asks_once() -> None:
    line = Line(some(most_waiting=3))
    await line.ask("many")
    many = [await line.ask("many") for _ in range(3)]
    await line.ask("one")
    with pytest.raises(TooManyWait):
        await many[-1]
    assert await line.serve_all() == ["many", "many", "one", "many"]


async def test_too_many_are_refused_and_who_has_gone_is_none_of_them() -> None:
    turns = some(most_waiting=2)
    line = Line(turns)
    await line.ask("first")
    waiting = [await line.ask("other") for _ in range(2)]
    with pytest.raises(TooManyWait):
        await turns.take(lambda: "other")
    waiting[0].cancel()
    await asyncio.sleep(0)
    await line.ask("in their place")
    assert await line.serve_all() == ["first", "other", "in their place"]
