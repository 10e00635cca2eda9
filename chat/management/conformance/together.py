"""Several things at the same moment, and what goes on beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*work: Coroutine[Any, Any, T]) -> list[T]:
    """What all of them return; when one fails the others end, and its exception is raised, by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def ended(task: asyncio.Task[None]) -> BaseException | None:
    """End a task that goes on for ever; the exception that had ended it before, None where none had."""
    task.cancel()
    await asyncio.wait([task])
    return None if task.cancelled() else task.exception()
