"""How a process becomes a worker."""

import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import uvloop

from .limits import Limits

Application = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
OPEN_FILES = 65_536


def use_uvloop() -> None:
    """To be called before anything imports Daphne, as Django does: that makes the event loop."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())


def run_worker(
    load: Callable[[], tuple[Application, Limits]], listening: socket.socket, control: socket.socket | None = None
) -> None:
    """Serve what `load` returns until SIGTERM or SIGINT, before the start is over too; a second one ends at once.

    `control` is the supervisor's: it gets one byte when the worker listens, and its end ends the worker.
    """
    end_on_signal()
    allow_open_files()
    application, limits = load()
    from .worker import Server

    keep_out_of_collections()
    Server(application, listening, limits, control).run()


def keep_out_of_collections() -> None:
    """What is loaded stays for good: the garbage collector, which stops everything meanwhile, need not look at it."""
    gc.collect()
    gc.freeze()


def end_on_signal() -> None:
    """Exit code 0 from here on; signals that came while they were blocked count."""

    def end(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    for ending in ENDING_SIGNALS:
        signal.signal(ending, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def allow_open_files() -> None:
    """A socket is an open file, and the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
