"""A pooled connection to PostgreSQL. Standard library and driver only: the settings import it."""

import select
from typing import Any, Self

import psycopg


class PooledConnection(psycopg.Connection[Any]):
    """What `chat_server.compiled` asks is planned once, for whatever values; left to itself, PostgreSQL often plans it
    anew each time, which costs more than what it saves.

    Each time before the pool gives a connection away, it has it execute nothing to see whether it still is one. No
    server is asked for that: one that goes says so, or the socket ends. What hangs, hangs the next question as well.
    """

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        connection = super().connect(*args, **kwargs)
        connection.execute("SET plan_cache_mode = force_generic_plan")
        return connection

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if query == "" and not self.closed and not self._has_news():
            return None
        return super().execute(query, *args, **kwargs)

    def _has_news(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))
