"""This process's one channel of the channel layer: what comes over it, and which groups it is in.

It lives through a layer that is away: what it could not ask for is asked for again, by whoever notices.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Set
from typing import Any

from channels.layers import get_channel_layer

from . import broadcast
from .events import Payload

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
LAYER_TIMEOUT = 1.0


class Channel:
    """Wants only what the layer's public interface promises, so it runs on the in-memory layer and on any other."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.is_everywhere = False  # in the group of every process
        self.conversations: set[int] = set()  # in whose groups it is
        self.leaving: set[int] = set()  # in whose groups it may still be

    async def read(self, take: Callable[[Payload], Awaitable[None]]) -> None:
        """Hand over what comes, one after the other, for ever; a layer that is away is tried again."""
        while True:
            try:
                layer: Any = get_channel_layer()
                if not self.is_everywhere:
                    async with asyncio.timeout(LAYER_TIMEOUT):  # wait_for may swallow the cancellation of stop()
                        await self._enter(layer)
                    broadcast.published.note(None)
                message = await layer.receive(self.name)
            except Exception as error:
                broadcast.published.note(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                await take(message)
            except Exception:
                logger.exception("a message of the channel layer could not be handed out; the timer repairs it")

    async def _enter(self, layer: Any) -> None:
        """Take a channel of the layer, once, and join the group of every process."""
        if self.name is None:
            try:
                self.name = await layer.new_channel()
            except BaseException:
                await layer.flush()  # the Redis layer keeps a queue for each channel that it could not make
                raise
        await layer.group_add(broadcast.EVERYWHERE, self.name)
        self.is_everywhere = True

    async def subscribe(self, conversation_ids: Iterable[int]) -> None:
        """Ask for the messages of these conversations, for a second at most; `follow` goes on with what was not had."""

        async def ask() -> None:
            layer: Any = get_channel_layer()
            for conversation_id in wanted:
                await layer.group_add(broadcast.conversation_group(conversation_id), self.name)
                self.conversations.add(conversation_id)

        wanted = [each for each in conversation_ids if each not in self.conversations]
        if wanted and self.name is not None:
            await self._within_a_second(ask())

    async def follow(self, conversations: Collection[int]) -> None:
        """Be in the groups of these conversations, as they are open now, and in no other."""

        async def leave() -> None:
            layer: Any = get_channel_layer()
            for conversation_id in self.leaving & self.conversations:  # opened again before it was known to be left
                await layer.group_add(broadcast.conversation_group(conversation_id), self.name)
                self.leaving.discard(conversation_id)
            for conversation_id in (self.conversations | self.leaving).difference(conversations):
                if conversation_id in conversations:  # opened meanwhile
                    continue
                self.conversations.discard(conversation_id)  # first: who opens it now asks for it again
                self.leaving.add(conversation_id)
                await layer.group_discard(broadcast.conversation_group(conversation_id), self.name)
                self.leaving.discard(conversation_id)
                if conversation_id in self.conversations:  # asked for again: which of the two came last is not known
                    await layer.group_add(broadcast.conversation_group(conversation_id), self.name)

        await self.subscribe(list(conversations))
        await self._within_a_second(leave())

    def follows(self, conversations: Set[int]) -> bool:
        """Whether it is in the groups of these conversations and in no other."""
        return self.conversations == conversations and not self.leaving

    async def _within_a_second(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await broadcast.within(LAYER_TIMEOUT, work)
        except Exception as error:
            broadcast.published.note(error)
