"""Whether the process lives (`/healthz`) and whether its parts answer (`/readyz`)."""

import asyncio
from typing import Any

from django.db import connection
from django.http import HttpRequest, JsonResponse

from chat.broadcast import reach_layer

from .database import in_thread

PART_TIMEOUT = 2.0  # seconds; the answer comes within 3


def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the process lives."""
    return JsonResponse({"status": "ok"})


async def readyz(request: HttpRequest) -> JsonResponse:
    """200 where database and channel layer answer, else 503; within 3 s even where one hangs."""
    database, channel_layer = await asyncio.gather(_answers(_ask_database()), _answers(reach_layer()))
    well = database and channel_layer
    body = {"status": "ok" if well else "unavailable", "database": database, "channel_layer": channel_layer}
    return JsonResponse(body, status=200 if well else 503)


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
