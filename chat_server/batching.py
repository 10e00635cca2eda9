"""Work that comes while some of it is under way waits, and then goes together: one transaction, one query for all."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from .database import give_to_thread, let_go

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Given = TypeVar("Given", contravariant=True)

AT_MOST = 200  # in one go: who comes behind a flood waits for one such go and not for all of it


class Promised(Protocol[Given]):
    """Where an answer is put: the part of `concurrent.futures.Future` that is used here."""

    def done(self) -> bool: ...
    def set_result(self, result: Given, /) -> None: ...
    def set_exception(self, exception: BaseException | None, /) -> None: ...


class Ticket(Generic[Item, Answer]):
    """One item, and the answer that its bringer waits for."""

    __slots__ = ("answer", "item")

    def __init__(self, item: Item, answer: Promised[Answer]) -> None:
        self.item, self.answer = item, answer


def fail(tickets: Iterable[Ticket[Item, Answer]], error: BaseException) -> None:
    """Answer those that have no answer yet with an error."""
    for ticket in tickets:
        if not ticket.answer.done():
            ticket.answer.set_exception(error)


class Arrivals:
    """What threads bring to one event loop: it is woken once for all that comes meanwhile.

    To wake it for each answer by itself is a system call and half a dozen callbacks.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self._lock = loop, threading.Lock()
        self._brought: list[Callable[[], None]] = []

    def bring(self, call: Callable[[], None]) -> None:
        """Have it called on the loop soon; forgotten where the loop has ended."""
        with self._lock:
            self._brought.append(call)
            wakes = len(self._brought) == 1
        if wakes:
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        with self._lock:
            brought, self._brought = self._brought, []
        for call in brought:
            call()


class LoopAnswer(Generic[Answer]):
    """An answer that a thread puts, and a task awaits as `future`; nobody minds if that has gone."""

    __slots__ = ("_arrivals", "_exception", "_is_done", "_result", "future")

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals, self.future = arrivals, arrivals.loop.create_future()
        self._is_done = False

    def done(self) -> bool:
        return self._is_done

    def set_result(self, result: Answer) -> None:
        self._is_done, self._result = True, result
        self._arrivals.bring(self._bring_result)

    def set_exception(self, exception: BaseException | None) -> None:
        if exception is None or isinstance(exception, StopIteration):  # asyncio takes none, and all would wait for ever
            exception = RuntimeError(repr(exception))
        self._is_done, self._exception = True, exception
        self._arrivals.bring(self._bring_exception)

    def _bring_result(self) -> None:
        if not self.future.done():
            self.future.set_result(self._result)

    def _bring_exception(self) -> None:
        if not self.future.done():
            self.future.set_exception(self._exception)


_arrivals: Arrivals | None = None


def arrivals_here() -> Arrivals:
    """The running event loop's; a process serves on one."""
    global _arrivals
    loop = asyncio.get_running_loop()
    if _arrivals is None or _arrivals.loop is not loop:
        _arrivals = Arrivals(loop)
    return _arrivals


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
        answer: Future[Answer] = Future()
        if self._add(Ticket(item, answer)):
            self._take_turn()
        if not answer.done():
            let_go()
        return answer.result()

    async def arun(self, item: Item) -> Answer:
        """The answer, without a thread of its own to wait in; the work is done even if nobody waits any longer."""
        answer: LoopAnswer[Answer] = LoopAnswer(arrivals_here())
        if self._add(Ticket(item, answer)):
            give_to_thread(self._take_turn)
        return await answer.future

    def _add(self, ticket: Ticket[Item, Answer]) -> bool:
        """Whether its bringer has to see to it that the work is done."""
        with self._lock:
            self._waiting.append(ticket)
            leads, self._is_led = not self._is_led, True
        return leads

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
