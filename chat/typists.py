"""Who types in one conversation: what is told to every process, and what is shown in this one."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from chat_server.environment import Rate
from chat_server.throttling import charge

from . import broadcast
from .events import Payload, Typing

TYPING_SECONDS = 6.0
# How often one user is told of, over all of their sockets here; of what goes beyond it the latest waits.
PACE = Rate(5, 5)


class Typists:
    """Of one room. `show` hands an event to all subscribers but those of the user `not_to`."""

    def __init__(
        self,
        conversation_id: int,
        *,
        show: Callable[..., Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.conversation_id, self.show, self.spawn = conversation_id, show, spawn
        self.shown: dict[int, tuple[str, asyncio.TimerHandle]] = {}
        self.full_at: dict[int, float] = {}  # of each user's pace: see `chat_server.throttling`
        self.waiting: dict[int, tuple[bool, asyncio.TimerHandle]] = {}

    # What is told to every process ---------------------------------------------------------------

    def tell(self, user_id: int, username: str, *, is_typing: bool) -> None:
        """Tell that somebody types, or no longer does. Nobody waits for it: the next frame may be a message."""
        self._forget_waiting(user_id)
        loop = asyncio.get_running_loop()
        full_at, wait = charge(self.full_at.get(user_id, 0.0), loop.time(), PACE)
        if wait:
            again = loop.call_later(wait, lambda: self.tell(user_id, username, is_typing=is_typing))
            self.waiting[user_id] = (is_typing, again)
        else:
            self.full_at[user_id] = full_at
            self._publish(user_id, username, is_typing=is_typing)

    def tell_gone(self, user_id: int, username: str, *, was_typing: bool) -> None:
        """Tell at once that somebody whose socket is gone no longer types, where that was not told yet."""
        if was_typing or user_id in self.waiting:
            self._forget_waiting(user_id)
            self._publish(user_id, username, is_typing=False)

    def _publish(self, user_id: int, username: str, *, is_typing: bool) -> None:
        said = broadcast.typing(
            conversation_id=self.conversation_id, user_id=user_id, username=username, is_typing=is_typing
        )
        self.spawn(broadcast.publish((broadcast.conversation_group(self.conversation_id), said)))

    def _forget_waiting(self, user_id: int) -> None:
        if user_id in self.waiting:
            self.waiting.pop(user_id)[1].cancel()

    # What is shown here --------------------------------------------------------------------------

    async def begin(self, user_id: int, username: str) -> None:
        """Show that somebody types; it ends by itself after `TYPING_SECONDS` without another word of it."""
        if user_id in self.shown:
            self.shown[user_id][1].cancel()
        timer = asyncio.get_running_loop().call_later(TYPING_SECONDS, lambda: self.spawn(self.end(user_id)))
        self.shown[user_id] = (username, timer)
        await self._show(user_id, username, is_typing=True)

    async def end(self, user_id: int) -> None:
        """Show that somebody no longer types; does nothing for who did not."""
        if user_id in self.shown:
            username, timer = self.shown.pop(user_id)
            timer.cancel()
            await self._show(user_id, username, is_typing=False)

    def has(self, user_id: int | None) -> bool:
        """Whether somebody is shown here to type, or waits to be."""
        return user_id in self.shown or user_id in self.waiting

    async def end_with_message(self, user_id: int) -> None:
        """What they typed is here; that they type it, where that still waits to be told, is old."""
        if user_id in self.waiting and self.waiting[user_id][0]:
            self._forget_waiting(user_id)
        await self.end(user_id)

    async def _show(self, user_id: int, username: str, *, is_typing: bool) -> None:
        event = Typing(conversation_id=self.conversation_id, user_id=user_id, username=username, is_typing=is_typing)
        shown: Payload = {"frame": broadcast.encode(event), "about": ("typing", user_id)}
        await self.show(shown, not_to=user_id)

    def close(self) -> None:
        """Forget who types: nobody is here to see it."""
        for _, timer in [*self.waiting.values(), *self.shown.values()]:
            timer.cancel()
        self.waiting.clear()
        self.shown.clear()
