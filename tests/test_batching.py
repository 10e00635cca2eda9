"""Work that goes together: what threads bring to an event loop, and who gets which answer."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from chat_server.batching import AT_MOST, Arrivals, Batch, LoopAnswer, Ticket, fail


class CountedLoop:
    """This test's event loop; how often it was woken from outside."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.wakes = 0
        self.create_future = self.loop.create_future

    def call_soon_threadsafe(self, *args: Any) -> Any:
        self.wakes += 1
        return self.loop.call_soon_threadsafe(*args)


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What it returns there; the event loop has no turn meanwhile."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


# Arrivals ---------------------------------------------------------------------------------------


async def test_many_answers_wake_the_loop_once_and_come_in_their_order() -> None:
    loop = CountedLoop()
    arrivals = Arrivals(loop)  # type: ignore[arg-type]
    answers: list[LoopAnswer[int]] = [LoopAnswer(arrivals) for _ in range(100)]
    got: list[int] = []
    for answer in answers:
        answer.future.add_done_callback(lambda future: got.append(future.result()))

    def answer_all() -> None:
        for number, answer in enumerate(answers):
            answer.set_result(number)

    in_a_thread(answer_all)
    assert await asyncio.gather(*(answer.future for answer in answers)) == list(range(100))
    assert got == list(range(100))
    assert loop.wakes == 1


async def test_what_is_brought_later_wakes_the_loop_again() -> None:
    loop = CountedLoop()
    arrivals = Arrivals(loop)  # type: ignore[arg-type]
    for number in range(3):
        answer: LoopAnswer[int] = LoopAnswer(arrivals)
        in_a_thread(lambda answer=answer, number=number: answer.set_result(number))
        assert await answer.future == number
    assert loop.wakes == 3


async def test_what_is_brought_by_what_was_brought_comes_too() -> None:
    arrivals = Arrivals(asyncio.get_running_loop())
    came = asyncio.Event()
    in_a_thread(lambda: arrivals.bring(lambda: arrivals.bring(came.set)))
    await asyncio.wait_for(came.wait(), 5)


async def test_many_threads_at_once_lose_nothing() -> None:
    arrivals = Arrivals(asyncio.get_running_loop())
    answers: list[LoopAnswer[int]] = [LoopAnswer(arrivals) for _ in range(2000)]

    def answer_some(first: int) -> None:
        for number in range(first, 2000, 4):
            answers[number].set_result(number)

    with ThreadPoolExecutor(4) as threads:
        for first in range(4):
            threads.submit(answer_some, first)
        assert await asyncio.wait_for(asyncio.gather(*(each.future for each in answers)), 10) == list(range(2000))


def test_what_is_brought_to_a_loop_that_has_ended_is_forgotten() -> None:
    loop = asyncio.new_event_loop()
    arrivals = Arrivals(loop)
    answers: list[LoopAnswer[str]] = [LoopAnswer(arrivals) for _ in range(2)]
    loop.close()
    for answer in answers:
        answer.set_result("too late")
    assert [(answer.done(), answer.future.done()) for answer in answers] == [(True, False)] * 2


# One answer -------------------------------------------------------------------------------------


async def test_an_answer_is_done_for_who_puts_it_at_once_and_for_who_waits_when_it_arrives() -> None:
    answer: LoopAnswer[str] = LoopAnswer(Arrivals(asyncio.get_running_loop()))
    assert not answer.done()
    answer.set_result("yes")
    assert (answer.done(), answer.future.done()) == (True, False)
    assert await answer.future == "yes"


async def test_an_exception_is_raised_where_the_answer_is_awaited() -> None:
    answer: LoopAnswer[str] = LoopAnswer(Arrivals(asyncio.get_running_loop()))
    in_a_thread(lambda: answer.set_exception(KeyError("no")))
    with pytest.raises(KeyError, match="no"):
        await answer.future


async def test_an_exception_that_asyncio_does_not_take_is_raised_as_another_and_holds_up_nobody() -> None:
    arrivals = Arrivals(asyncio.get_running_loop())
    failed, stays = (LoopAnswer[int](arrivals) for _ in range(2))

    def answer_all() -> None:
        failed.set_exception(StopIteration())
        stays.set_result(2)

    in_a_thread(answer_all)
    assert await asyncio.wait_for(stays.future, 2) == 2
    with pytest.raises(RuntimeError, match="StopIteration"):
        await asyncio.wait_for(failed.future, 2)


async def test_an_answer_for_a_task_that_is_gone_disturbs_nobody() -> None:
    arrivals = Arrivals(asyncio.get_running_loop())
    gone, failed, stays = (LoopAnswer[int](arrivals) for _ in range(3))

    async def wait(answer: LoopAnswer[int]) -> int:
        return await answer.future

    tasks = [asyncio.create_task(wait(answer)) for answer in (gone, failed, stays)]
    await asyncio.sleep(0)
    for task in tasks[:2]:
        task.cancel()
    await asyncio.wait(tasks[:2])

    def answer_all() -> None:
        gone.set_result(1)
        failed.set_exception(KeyError())
        stays.set_result(3)

    in_a_thread(answer_all)
    assert await tasks[2] == 3
    assert [task.cancelled() for task in tasks] == [True, True, False]


def test_only_those_that_have_no_answer_yet_fail() -> None:
    answers: list[Future[int]] = [Future(), Future()]
    answers[0].set_result(1)
    fail([Ticket("item", answer) for answer in answers], KeyError())
    assert answers[0].result() == 1
    assert isinstance(answers[1].exception(), KeyError)


# A batch ----------------------------------------------------------------------------------------


class Work:
    """Doubles numbers; each time it waits to be let go, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.begun, self.may_go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.batch: Batch[int, int] = Batch(self)

    def __call__(self, tickets: list[Ticket[int, int]]) -> None:
        self.given.append([ticket.item for ticket in tickets])
        self.begun.release()
        assert self.may_go_on.acquire(timeout=10)
        for ticket in tickets:
            if ticket.item < 0:
                raise ValueError(ticket.item)
            ticket.answer.set_result(2 * ticket.item)

    async def first(self) -> "asyncio.Task[int]":
        """One that is under way."""
        task = asyncio.create_task(self.batch.arun(0))
        assert await asyncio.to_thread(self.begun.acquire, timeout=10)
        return task

    def let_go(self, times: int = 10) -> None:
        self.may_go_on.release(times)


async def test_what_comes_while_work_is_under_way_goes_together_in_its_order() -> None:
    work = Work()
    first = await work.first()
    later = [asyncio.create_task(work.batch.arun(number)) for number in range(1, 51)]
    await asyncio.sleep(0)
    work.let_go()
    assert await asyncio.gather(first, *later) == [2 * number for number in range(51)]
    assert work.given == [[0], list(range(1, 51))]


async def test_a_flood_goes_in_parts() -> None:
    work = Work()
    first = await work.first()
    later = [asyncio.create_task(work.batch.arun(number)) for number in range(1, 2 * AT_MOST + 2)]
    await asyncio.sleep(0)
    work.let_go()
    await asyncio.gather(first, *later)
    assert [len(each) for each in work.given] == [1, AT_MOST, AT_MOST, 1]


async def test_where_work_fails_those_without_an_answer_get_the_error_and_the_next_go_on() -> None:
    work = Work()
    first = await work.first()
    later = [asyncio.create_task(work.batch.arun(number)) for number in (1, -2, 3)]
    await asyncio.sleep(0)
    work.let_go()
    answers = await asyncio.gather(first, *later, return_exceptions=True)
    assert answers[:2] == [0, 2]
    assert [type(answer) for answer in answers[2:]] == [ValueError, ValueError]
    assert await work.batch.arun(4) == 8


async def test_work_is_done_though_nobody_waits_for_it_any_longer() -> None:
    work = Work()
    first = await work.first()
    gone, stays = (asyncio.create_task(work.batch.arun(number)) for number in (1, 2))
    await asyncio.sleep(0)
    gone.cancel()
    work.let_go()
    assert await asyncio.gather(first, stays) == [0, 4]
    assert work.given == [[0], [1, 2]]


async def test_threads_and_tasks_share_a_batch() -> None:
    work = Work()
    first = await work.first()
    threads = [asyncio.create_task(asyncio.to_thread(work.batch.run, number)) for number in range(1, 4)]
    task = asyncio.create_task(work.batch.arun(4))
    while len(work.batch._waiting) < 4:
        await asyncio.sleep(0.001)
    work.let_go()
    assert await asyncio.gather(first, *threads, task) == [0, 2, 4, 6, 8]
    assert sorted(work.given[1]) == [1, 2, 3, 4]


def test_a_thread_that_finds_nothing_under_way_does_the_work_itself() -> None:
    did: list[int] = []

    def work(tickets: list[Ticket[int, int]]) -> None:
        did.append(threading.get_ident())
        for ticket in tickets:
            ticket.answer.set_result(ticket.item)

    assert Batch(work).run(7) == 7
    assert did == [threading.get_ident()]


def test_the_same_batch_serves_one_event_loop_after_another() -> None:
    def work(tickets: list[Ticket[int, int]]) -> None:
        for ticket in tickets:
            ticket.answer.set_result(ticket.item)

    batch = Batch(work)
    assert [asyncio.run(batch.arun(number)) for number in range(3)] == [0, 1, 2]
