"""Requests that come while others are let in are let in together, for the same two questions.

Of each request with a token the database is asked for the session and Redis for the limit, and each question is a
system call, a wait, and the interpreter handed over and back. Who comes first asks for all that wait, in the thread
that then goes on with its own request, and gives the others threads of theirs: alone nobody waits any longer for it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

LEADS_SECONDS = 0.05  # while a database hangs, one request for which it does must not hold up all


class Admitted(Protocol):
    """A request on its way to a thread. `start` is called at most once, in the thread in which `run` will be."""

    token: str

    def start(self) -> None: ...
    def run(self, verdict: Any) -> None: ...


class Admissions:
    """`admit` says for each of some tokens whom it lets in, or with which exception it does not; what it raises, it
    says to all.
    """

    def __init__(self, pool: ThreadPoolExecutor, admit: Callable[[Sequence[str]], list[Any]]) -> None:
        self._pool, self._admit = pool, admit
        self._waiting: list[Admitted] = []
        self._lock = threading.Lock()
        self._led_until = 0.0  # in the future while somebody leads

    def bring(self, request: Admitted) -> None:
        """Have it run in a thread, once it is known whom its token lets in."""
        now = time.monotonic()
        with self._lock:
            self._waiting.append(request)
            leads = self._led_until <= now
            if leads:
                self._led_until = now + LEADS_SECONDS
        if leads:
            self._pool.submit(self._lead)

    def _lead(self) -> None:
        with self._lock:
            requests, self._waiting = self._waiting, []
        if not requests:
            return
        try:
            requests[0].start()
            verdicts = self._admit([request.token for request in requests])
        except Exception as error:  # the database is away: that is for each request to tell
            verdicts = [error] * len(requests)
        with self._lock:
            more = bool(self._waiting)
            self._led_until = time.monotonic() + LEADS_SECONDS if more else 0.0
        if more:
            self._pool.submit(self._lead)
        for request, verdict in list(zip(requests, verdicts, strict=True))[1:]:
            self._pool.submit(request.run, verdict)
        requests[0].run(verdicts[0])
