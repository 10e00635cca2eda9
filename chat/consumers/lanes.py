"""The order of the frames of one socket that are under way: a lane for each conversation."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

Task = asyncio.Task[None]
# What obeys a frame, and answers it when the one that it is given has been answered.
Obey = Callable[[Task | None], Coroutine[Any, Any, None]]

MAX_UNDER_WAY = 64  # frames; then the socket is not read before one of them is done


class Lane(NamedTuple):
    """The last frame of it, and whether that one is a message."""

    last: Task
    is_message: bool


class Lanes:
    """Messages that follow each other are obeyed together and answered in order; everything else takes its turn."""

    __slots__ = ("_lanes", "_under_way")

    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}
        self._under_way: set[Task] = set()

    def __contains__(self, conversation_id: object) -> bool:
        """Whether something is under way in that conversation."""
        return conversation_id in self._lanes

    async def add(self, conversation_id: int, obey: Obey, *, is_message: bool) -> None:
        """Have a frame obeyed in its turn, beside; returns when the next one may be read."""
        before = self._lanes.get(conversation_id)
        task = asyncio.create_task(_take_turn(before, obey, is_message=is_message))
        self._lanes[conversation_id] = Lane(task, is_message)
        self._under_way.add(task)
        task.add_done_callback(partial(self._done, conversation_id))
        if len(self._under_way) >= MAX_UNDER_WAY:
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """Return when all that came has been obeyed."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _done(self, conversation_id: int, task: Task) -> None:
        self._under_way.discard(task)
        if (lane := self._lanes.get(conversation_id)) and lane.last is task:
            del self._lanes[conversation_id]


async def _take_turn(before: Lane | None, obey: Obey, *, is_message: bool) -> None:
    if before is not None and not (is_message and before.is_message):
        await asyncio.wait({before.last})
        before = None
    await obey(before and before.last)
