"""The launcher: `manage.py serve`, Daphne on uvloop with what lies below the application.

    manage.py serve   sets uvloop, checks, binds                                  commands/serve.py
      1 worker        that process serves                                         worker.py
      N workers       it becomes a supervisor: N of `python -m chat_server.server`
                      share the socket                                            supervisor.py

Each worker refuses bodies and frames that are too big or too slow (http.py, websocket.py) and ends tidily (worker.py).
Importing this package costs nothing and makes no event loop: `worker` does, so it is imported last.
"""

from collections.abc import Awaitable, Callable

on_shutdown: list[Callable[[], Awaitable[None]]] = []
"""Called at SIGTERM, once the sockets are closed and before the event loop ends; together they have 2 s."""
