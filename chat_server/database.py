"""How code on the event loop reaches the database: through a bounded number of threads of its own.

Channels' default is one thread a process, in which one slow query holds up every socket.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

serving = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sockets")
# What closes sockets and renews leases does not queue behind what the sockets do.
watching = ThreadPoolExecutor(max_workers=2, thread_name_prefix="watch")


def in_thread(
    function: Callable[Parameters, Result], pool: ThreadPoolExecutor = serving
) -> Callable[Parameters, Awaitable[Result]]:
    """The function as one to await; it runs with a database connection of its thread."""
    return database_sync_to_async(function, thread_sensitive=False, executor=pool)
