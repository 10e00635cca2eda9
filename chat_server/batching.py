"""Work that comes while some of it is under way waits, and then goes together: one transaction, one query for all."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .database import give_to_thread, let_go

Item = TypeVar("Item")
Answer = TypeVar("Answer")

AT_MOST = 200  # in one go: who comes behind a flood waits for one such go and not for all of it


class Ticket(Generic[Item, Answer]):
    """One item, and the answer that its bringer waits for."""

    __slots__ = ("answer", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.answer: Future[Answer] = Future()


def fail(tickets: Iterable[Ticket[Item, Answer]], error: BaseException) -> None:
    """Answer those that have no answer yet with an error."""
    for ticket in tickets:
        if not ticket.answer.done():
            ticket.answer.set_exception(error)


class Batch(Generic[Item, Answer]):
    """Hands what has come to `work`, as a list of tickets, one list at a time; thread-safe.

    `work` answers each ticket, now or later; where it raises, that is the answer of all that have none yet.
    """

    def __init__(self, work: Callable[[list[Ticket[Item, Answer]]], None]) -> None:
        self._work = work
        self._waiting: deque[Ticket[Item, Answer]] = deque()
        self._lock = threading.Lock()
        self._is_led = False

    def run(self, item: Item) -> Answer:
        """The answer; this thread does the work itself, unless another one is at it."""
        ticket, leads = self._add(item)
        if leads:
            self._take_turn()
        if not ticket.answer.done():
            let_go()
        return ticket.answer.result()

    async def arun(self, item: Item) -> Answer:
        """The answer, without a thread of its own to wait in; the work is done even if nobody waits any longer."""
        ticket, leads = self._add(item)
        if leads:
            give_to_thread(self._take_turn)
        answer = asyncio.wrap_future(ticket.answer)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # heard, should nobody wait
        return await asyncio.shield(answer)

    def _add(self, item: Item) -> tuple[Ticket[Item, Answer], bool]:
        """The item's ticket, and whether its bringer has to see to it that the work is done."""
        ticket: Ticket[Item, Answer] = Ticket(item)
        with self._lock:
            self._waiting.append(ticket)
            leads, self._is_led = not self._is_led, True
        return ticket, leads

    def _take_turn(self) -> None:
        """Do what waits, and leave what came meanwhile to the next thread."""
        with self._lock:
            tickets = [self._waiting.popleft() for _ in range(min(len(self._waiting), AT_MOST))]
        try:
            self._work(tickets)
        except Exception as error:
            fail(tickets, error)
        finally:
            with self._lock:
                more = self._is_led = bool(self._waiting)
            if more:
                give_to_thread(self._take_turn)
