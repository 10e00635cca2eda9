"""Whose request is worked on next: so many at a time, and every client as often as every other.

Without a bound three hundred calls at once are three hundred threads, and what a socket says waits seconds for its turn
of the interpreter. With one queue for all, who asks three hundred times at once is three hundred times before you.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable


class TooManyWait(Exception):
    """There is no place left to wait in."""


class Turn:
    """One request's right to be worked on; it lasts `seconds`, then somebody else may begin beside it.

    So what hangs, because a row is locked or the database does not answer, holds up nobody for longer.
    """

    def __init__(self, turns: "Turns", seconds: float) -> None:
        self._turns: Turns | None = turns
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """Let the next one begin. Does nothing the second time."""
        turns, self._turns = self._turns, None
        if turns is not None:
            self._timer.cancel()
            turns.next()


class Turns:
    """Of one event loop: `at_once` turns, and at most `most_waiting` who wait for one, client after client."""

    def __init__(self, *, at_once: int, most_waiting: int, seconds: float) -> None:
        self._free, self._most_waiting, self._seconds = at_once, most_waiting, seconds
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._count = 0

    async def take(self, client: Hashable) -> Turn:
        """Wait for a turn; who is cancelled meanwhile has none. `TooManyWait`, also later, to who takes most places."""
        if self._free:
            self._free -= 1
        else:
            if self._count >= self._most_waiting:
                self._make_room(client)
            await self._wait(client)
        return Turn(self, self._seconds)

    def _make_room(self, client: Hashable) -> None:
        """Refuse the newest of whoever has most places; that may be this client."""
        longest = max(self._waiting, key=lambda each: len(self._waiting[each]))
        place = next((each for each in reversed(self._waiting[longest]) if not each.done()), None)
        if place is None or len(self._waiting[longest]) <= len(self._waiting.get(client, ())) + 1:
            raise TooManyWait
        self._leave(longest, place)
        place.set_exception(TooManyWait())

    async def _wait(self, client: Hashable) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(place)
        self._count += 1
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._leave(client, place)
            else:  # it was given a turn at the same moment
                self.next()
            raise

    def _leave(self, client: Hashable, place: "asyncio.Future[None]") -> None:
        self._count -= 1
        self._waiting[client].remove(place)
        if not self._waiting[client]:
            del self._waiting[client]

    def next(self) -> None:
        """Give a turn that has ended to who waits longest of the client that was served longest ago."""
        everybody = ((client, place) for client, places in self._waiting.items() for place in places)
        client, place = next((each for each in everybody if not each[1].cancelled()), (None, None))
        if place is None:
            self._free += 1
            return
        self._leave(client, place)
        if client in self._waiting:
            self._waiting.move_to_end(client)
        place.set_result(None)
