"""Channel layers that do what a real one may do on a bad day."""

import asyncio
import random
from typing import Any

from channels.layers import InMemoryChannelLayer


class UnreliableLayer(InMemoryChannelLayer):
    """Loses, doubles and reorders what it carries; `seed` says what."""

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.random = random.Random(seed)
        self.held: list[tuple[str, dict[str, Any]]] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        fate = self.random.choice(["lose", "double", "hold", "carry", "carry"])
        if fate == "hold":
            self.held.append((group, message))
        elif fate != "lose":
            for _ in range(2 if fate == "double" else 1):
                await super().group_send(group, message)
            while self.held and self.random.random() < 0.7:
                await super().group_send(*self.held.pop(self.random.randrange(len(self.held))))


class DoublingLayer(InMemoryChannelLayer):
    """Carries everything twice."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        for _ in range(2):
            await super().group_send(group, message)


class CountingLayer(InMemoryChannelLayer):
    """Remembers which groups it was asked for, and how often each was sent to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked: list[str] = []
        self.sent: list[str] = []

    async def group_add(self, group: str, channel: str) -> None:
        self.asked.append(group)
        await super().group_add(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.sent.append(group)
        await super().group_send(group, message)


class SilentLayer(InMemoryChannelLayer):
    """Takes everything and carries nothing."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        pass


class DeadLayer(InMemoryChannelLayer):
    """Raises on every call, like a Redis that is not there."""

    async def _raise(self, *args: Any) -> Any:
        raise ConnectionError

    send = receive = new_channel = group_add = group_discard = group_send = _raise


class DeafLayer(InMemoryChannelLayer):
    """Hangs on what a client's frame makes it do once `hangs` is set, and does not notice when it is cancelled."""

    hangs = False

    async def _hang(self) -> None:
        end = asyncio.get_running_loop().time() + 4
        while self.hangs and asyncio.get_running_loop().time() < end:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                pass

    async def group_add(self, group: str, channel: str) -> None:
        await self._hang()
        await super().group_add(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._hang()
        await super().group_send(group, message)


class FadingLayer(InMemoryChannelLayer):
    """Works until `hangs` is set; from then on no call returns, like a Redis that is paused."""

    hangs = False

    async def _hang(self) -> None:
        while self.hangs:
            await asyncio.sleep(0.05)

    async def new_channel(self, prefix: str = "specific.") -> Any:
        await self._hang()
        return await super().new_channel(prefix)

    async def receive(self, channel: str) -> Any:
        message = await super().receive(channel)
        await self._hang()
        return message

    async def group_add(self, group: str, channel: str) -> None:
        await self._hang()
        await super().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        await self._hang()
        await super().group_discard(group, channel)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._hang()
        await super().group_send(group, message)


class SlowLayer(InMemoryChannelLayer):
    """Leaves a group a moment after it was asked to; long after that if it `is_late`; not at all while it `refuses`."""

    refuses = is_late = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_leaving = asyncio.Event()

    async def group_discard(self, group: str, channel: str) -> None:
        self.is_leaving.set()
        await asyncio.sleep(0.1)
        if self.refuses:
            raise ConnectionError
        late = asyncio.get_running_loop().create_task(self._leave_late(group, channel))
        await asyncio.shield(late)

    async def _leave_late(self, group: str, channel: str) -> None:
        await asyncio.sleep(1.5 if self.is_late else 0)
        await super().group_discard(group, channel)
