"""The access log: who asked for which path. Query strings are left out: they may hold a token, or what is sought."""

import logging
from typing import Any

logger = logging.getLogger("chat_server.access")


def path_of(uri: bytes) -> str:
    """The path without its query, safe to print."""
    return uri.partition(b"?")[0].decode("ascii", "backslashreplace")


def peer(address: Any) -> str:
    """`host:port` of a Twisted address."""
    return f"{getattr(address, 'host', '-')}:{getattr(address, 'port', 0)}"


def log_request(method: bytes, uri: bytes, status: int | str, seconds: float, address: Any) -> None:
    """One line per request; the status is `gone` where the client did not wait for the answer."""
    verb = method.decode("ascii", "backslashreplace")
    logger.info("%s %s %s %dms %s", verb, path_of(uri), status, seconds * 1000, peer(address))


def log_open(path: str, address: Any) -> None:
    logger.info("WS %s open %s", path, peer(address))


def log_close(path: str, code: int | None, seconds: float, address: Any) -> None:
    """The code is what the server closed with, else what the client did; 1006 where the connection just went."""
    logger.info("WS %s closed %s after %.1fs %s", path, code, seconds, peer(address))
