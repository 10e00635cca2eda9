"""Whether the process lives (`/healthz`) and whether its parts answer (`/readyz`)."""

import asyncio
from typing import Any

import orjson
from django.db import connection

from chat.broadcast import reach_layer

from .database import in_thread

PART_TIMEOUT = 2.0  # seconds; the answer comes within 3


async def healthz() -> tuple[int, dict[str, Any]]:
    """200 while the process lives."""
    return 200, {"status": "ok"}


async def readyz() -> tuple[int, dict[str, Any]]:
    """200 where database and channel layer answer, else 503; within 3 s even where one hangs."""
    database, channel_layer = await asyncio.gather(_answers(_ask_database()), _answers(reach_layer()))
    well = database and channel_layer
    body = {"status": "ok" if well else "unavailable", "database": database, "channel_layer": channel_layer}
    return 200 if well else 503, body


PATHS = {"/healthz": healthz, "/readyz": readyz}
HEADERS = [
    (b"Content-Type", b"application/json"),
    (b"Cache-Control", b"no-store"),
    (b"X-Content-Type-Options", b"nosniff"),
]


async def health(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application of these paths: on the event loop, so that it answers though every thread hangs."""
    status, body = await PATHS[scope["path"]]()
    await send({"type": "http.response.start", "status": status, "headers": HEADERS})
    await send({"type": "http.response.body", "body": orjson.dumps(body)})


async def _answers(question: Any) -> bool:
    try:
        await asyncio.wait_for(question, PART_TIMEOUT)
    except Exception:
        return False
    return True


async def _ask_database() -> None:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    await in_thread(ask)()
