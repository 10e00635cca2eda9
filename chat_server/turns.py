"""Whose request is worked on next: so many at a time, and every client as often as every other.

Without a bound three hundred calls at once are three hundred threads, and what a socket says waits seconds for its turn
of the interpreter. With one queue for all, who asks three hundred times at once is three hundred times before you.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable


class TooManyWait(Exception):
    """There is no place left to wait in."""


class Turn:
    """One request's right to be worked on."""

    def __init__(self, turns: "Turns", seconds: float) -> None:
        self._turns = turns
        self._is_fresh = self._is_running = True
        self._timer = asyncio.get_running_loop().call_later(seconds, self._grow_old)

    def end(self) -> None:
        """The work is done: let the next one begin. Does nothing the second time."""
        if self._is_running:
            self._is_running = False
            self._timer.cancel()
            self._turns.running -= 1
            self._grow_old()

    def _grow_old(self) -> None:
        if self._is_fresh:
            self._is_fresh = False
            self._turns.fresh -= 1
        self._turns.begin()


class Turns:
    """Of one event loop: at most `most_waiting` wait for a turn, client after client, while `at_once` have one.

    After `seconds` a turn counts no longer: what hangs, because a row is locked or the database does not answer, holds
    up nobody, until there are `most_running` of it.
    """

    def __init__(self, *, at_once: int, most_running: int, most_waiting: int, seconds: float) -> None:
        self._at_once, self._most_running = at_once, most_running
        self._most_waiting, self._seconds = most_waiting, seconds
        self.fresh = self.running = 0
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[Turn]]] = OrderedDict()
        self._count = 0

    def take_now(self) -> Turn | None:
        """A turn, where there is no need to wait for one."""
        return self._turn() if self._one_may_begin() else None

    async def take(self, client: Callable[[], Hashable]) -> Turn:
        """Wait for a turn; who is cancelled meanwhile has none. `TooManyWait`, also later, to who takes most places.

        `client` tells whose the request is, where it has to wait.
        """
        if (turn := self.take_now()) is not None:
            return turn
        key = client()
        if self._count >= self._most_waiting:
            self._make_room(key)
        return await self._wait(key)

    def begin(self) -> None:
        """Give turns that are free to who waits longest of the client that was served longest ago."""
        while self._waiting and self._one_may_begin():
            client, places = next(iter(self._waiting.items()))
            place = places[0]
            self._leave(client, place)
            if place.cancelled():
                continue
            if client in self._waiting:
                self._waiting.move_to_end(client)
            place.set_result(self._turn())

    def _one_may_begin(self) -> bool:
        return self.fresh < self._at_once and self.running < self._most_running

    def _turn(self) -> Turn:
        self.fresh += 1
        self.running += 1
        return Turn(self, self._seconds)

    def _make_room(self, client: Hashable) -> None:
        """Refuse the newest of whoever has most places; that may be this client."""
        longest = max(self._waiting, key=lambda each: len(self._waiting[each]))
        place = next((each for each in reversed(self._waiting[longest]) if not each.done()), None)
        if place is None or len(self._waiting[longest]) <= len(self._waiting.get(client, ())) + 1:
            raise TooManyWait
        self._leave(longest, place)
        place.set_exception(TooManyWait())

    async def _wait(self, client: Hashable) -> Turn:
        place: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(place)
        self._count += 1
        try:
            return await place
        except asyncio.CancelledError:
            if place.cancelled():
                if place in self._waiting.get(client, ()):
                    self._leave(client, place)
            elif place.exception() is None:  # it was given a turn at the same moment
                place.result().end()
            raise

    def _leave(self, client: Hashable, place: "asyncio.Future[Turn]") -> None:
        self._count -= 1
        self._waiting[client].remove(place)
        if not self._waiting[client]:
            del self._waiting[client]
