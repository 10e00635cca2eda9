"""How code on the event loop reaches the database: through a bounded number of threads of its own.

Channels' default is one thread a process, in which one slow query holds up every socket.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async
from django.db import close_old_connections, connections

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

serving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sockets")
# Read markers wait for rows that somebody may hold: so many at most, and nothing else behind them.
marking = ThreadPoolExecutor(max_workers=4, thread_name_prefix="markers")
# What closes sockets and renews leases does not queue behind what the sockets do.
watching = ThreadPoolExecutor(max_workers=2, thread_name_prefix="watch")


def in_thread(
    function: Callable[Parameters, Result], pool: ThreadPoolExecutor = serving
) -> Callable[Parameters, Awaitable[Result]]:
    """The function as one to await; it runs with a database connection of its thread."""
    return database_sync_to_async(function, thread_sensitive=False, executor=pool)


def let_go() -> None:
    """Give this thread's connection back before a wait: who is waited for may need one, and there are only so many.

    One in a transaction is kept; one that is needed again later is opened again.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def give_to_thread(work: Callable[[], None], pool: ThreadPoolExecutor = serving) -> None:
    """Have it done soon, with a database connection of its thread; it must not raise, for nobody hears of it."""

    def with_connection() -> None:
        with suppress(Exception):  # the work is done in any case: others wait for its answers, be they errors
            close_old_connections()
        try:
            work()
        finally:
            close_old_connections()

    pool.submit(with_connection)
