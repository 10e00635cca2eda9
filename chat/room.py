"""One conversation that has sockets in this process: how far it is, who listens, who types.

The rule of this file: a subscriber gets `connected` first, then durable frames in `version` order, each at most once,
and nothing older than what its user may see. The message that takes a user out is the last one that reaches them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from chat_server.batching import Batch
from chat_server.close_codes import CloseCode

from . import catchup
from .broadcast import encode
from .events import Connected, Payload, Pong, Typing
from .serializers import timestamp

TYPING_SECONDS = 6.0
MAX_WAITING = 1000  # events for a socket that is being let in and takes what it missed too slowly


@dataclass(eq=False, slots=True)
class Subscriber:
    """One socket in one conversation: who it is, how far it is, and how to reach it."""

    conversation_id: int
    user_id: int
    username: str
    session_id: str
    expires_at: datetime
    send: Callable[[str], Awaitable[None]]
    close: Callable[[int], Awaitable[None]]
    take_in: Callable[[], Awaitable[None]]  # returns once the client has taken most of what it was sent, or is closed
    participant_id: int = 0
    version: int = 0  # of the last durable event that was handed to it
    visible_after_seq: int = 0
    is_typing: bool = False
    waiting: deque[Payload] | None = field(default_factory=deque)  # what comes while it is let in; None: it is in


class Room:
    """The subscribers of one conversation."""

    def __init__(self, conversation_id: int) -> None:
        self.conversation_id = conversation_id
        self.subscribers: set[Subscriber] = set()
        self.version: int | None = None  # of the last durable event handed out; None: not known yet
        self.last_seq = 0
        self.known_version = 0  # the highest one heard of
        self.in_group = False  # whether the channel layer brings us this conversation's events
        self.repairing = False
        self.opening = asyncio.Lock()  # held while the version is read for the first time
        self.newcomers: Batch[catchup.Newcomer, catchup.Missed] = Batch(partial(catchup.read, conversation_id))
        self.handing_out = asyncio.Lock()
        self.typing: dict[int, tuple[str, asyncio.TimerHandle]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def is_behind(self) -> bool:
        """Whether something was stored that was not handed out here."""
        return self.version is not None and self.version < self.known_version

    def hear_of(self, version: int, seq: int) -> None:
        """Note that the conversation has come to this version and at least this seq."""
        self.known_version = max(self.known_version, version)
        self.last_seq = max(self.last_seq, seq)

    def pong(self) -> Pong:
        """How far the conversation is, as known here."""
        return Pong(version=max(self.version or 0, self.known_version), last_seq=self.last_seq)

    async def let_in(self, subscriber: Subscriber, missed: catchup.Missed) -> None:
        """Send `connected`, what was missed, what came meanwhile; from then on the subscriber is live."""
        self.hear_of(missed.version, missed.last_seq)
        subscriber.participant_id, subscriber.visible_after_seq = missed.participant_id, missed.visible_after_seq
        subscriber.version = missed.since
        connected = Connected(
            conversation_id=self.conversation_id,
            user_id=subscriber.user_id,
            version=missed.version,
            last_seq=missed.last_seq,
            recovered=missed.recovered,
            online=missed.online,
            expires_at=timestamp(subscriber.expires_at),
        )
        await subscriber.send(encode(connected))
        for event in missed.events:
            await self._deliver(subscriber, event)
            await subscriber.take_in()
        subscriber.version = max(subscriber.version, missed.version)
        while subscriber.waiting:
            await self._deliver(subscriber, subscriber.waiting.popleft())
            await subscriber.take_in()
        subscriber.waiting = None

    async def hand_out(self, events: list[Payload]) -> None:
        """Hand durable events, in version order, to every subscriber; what was handed out before is left out."""
        async with self.handing_out:
            for event in events:
                if self.version is not None and event["version"] <= self.version:
                    continue
                self.version = event["version"]
                if event["is_new"] and event["sender_id"] is not None:
                    await self.end_typing(event["sender_id"])
                for subscriber in list(self.subscribers):
                    await self._pass(subscriber, event)
                if len(events) > 1:
                    await asyncio.sleep(0)  # else what is owed grows past its bound before the loop writes any of it

    async def show(self, frame: str, *, not_to: int | None = None) -> None:
        """Hand a frame that is not durable to every subscriber but those of user `not_to`."""
        for subscriber in list(self.subscribers):
            if subscriber.user_id != not_to:
                await self._pass(subscriber, {"frame": frame})

    async def _pass(self, subscriber: Subscriber, event: Payload) -> None:
        if subscriber.waiting is not None:
            subscriber.waiting.append(event)
            if len(subscriber.waiting) > MAX_WAITING:
                await subscriber.close(CloseCode.TOO_SLOW)
        else:
            await self._deliver(subscriber, event)

    async def _deliver(self, subscriber: Subscriber, event: Payload) -> None:
        if subscriber not in self.subscribers:
            return
        version = event.get("version")
        if version is None:
            await subscriber.send(event["frame"])
            return
        if version <= subscriber.version:
            return
        subscriber.version = version
        if event["seq"] > subscriber.visible_after_seq:
            await subscriber.send(event["frame"])
        if event["gone"] == subscriber.user_id:
            await subscriber.close(CloseCode.NOT_PARTICIPANT)

    # Typing ------------------------------------------------------------------------------------

    async def begin_typing(self, user_id: int, username: str) -> None:
        """Show that somebody types; it ends by itself after `TYPING_SECONDS` without another word of it."""
        if user_id in self.typing:
            self.typing[user_id][1].cancel()
        timer = asyncio.get_running_loop().call_later(TYPING_SECONDS, self._typing_ran_out, user_id)
        self.typing[user_id] = (username, timer)
        await self._show_typing(user_id, username, is_typing=True)

    async def end_typing(self, user_id: int) -> None:
        """Show that somebody no longer types; does nothing for who did not."""
        if user_id in self.typing:
            username, timer = self.typing.pop(user_id)
            timer.cancel()
            await self._show_typing(user_id, username, is_typing=False)

    def _typing_ran_out(self, user_id: int) -> None:
        task = asyncio.get_running_loop().create_task(self.end_typing(user_id))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _show_typing(self, user_id: int, username: str, *, is_typing: bool) -> None:
        event = Typing(conversation_id=self.conversation_id, user_id=user_id, username=username, is_typing=is_typing)
        await self.show(encode(event), not_to=user_id)

    def close(self) -> None:
        """Forget who types: nobody is here to see it."""
        for _, timer in self.typing.values():
            timer.cancel()
        self.typing.clear()
