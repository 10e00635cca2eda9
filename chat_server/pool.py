"""A pooled connection to PostgreSQL. Standard library and driver only: the settings import it."""

import select
from typing import Any

import psycopg


class PooledConnection(psycopg.Connection[Any]):
    """Each time before the pool gives it away, it has it execute nothing to see whether it still is one.

    No server is asked for that: one that goes says so, or the socket ends. What hangs, hangs the next question as well.
    """

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if query == "" and not self.closed and not self._has_news():
            return None
        return super().execute(query, *args, **kwargs)

    def _has_news(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))
