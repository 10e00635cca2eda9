"""What a socket's client has been sent and has not taken yet: Daphne keeps it, however much it becomes."""

from collections.abc import Callable
from typing import Any


def backlog_of(send: Any) -> Callable[[], int]:
    """A function that says how many bytes wait in this process for the client behind an ASGI `send`.

    Daphne's `send` is a partial with its protocol, whose Twisted transport keeps two buffers. Behind any other `send`
    (a test's, another server's) nothing is known, and the answer is always 0.
    """
    protocol = next(iter(getattr(send, "args", ())), None)
    transport: Any = getattr(protocol, "transport", None)
    if not all(hasattr(transport, name) for name in ("dataBuffer", "offset", "_tempDataLen")):
        return lambda: 0
    return lambda: len(transport.dataBuffer) - transport.offset + transport._tempDataLen
