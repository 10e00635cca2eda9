"""This process's sockets by conversation: order, repair, fan-out.

The rule of this file: durable frames reach every socket in `version` order, each at most once, none left out. What comes
over the channel layer is a hint: the next version is handed out, an older one dropped, and behind a gap the database is
read. A timer compares with the database, which heals what the layer lost and closes what has lost its right.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.utils import timezone

from chat_server.database import in_thread

from . import broadcast, catchup
from .events import Connected, Payload, Pong, Typing, UserStatus
from .presence import Presence
from .serializers import timestamp

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 1.0  # rights that ended close their sockets within 2 s, whatever the channel layer does
LAYER_TIMEOUT = 1.0
TYPING_SECONDS = 6.0
TOKEN_OVER, NOT_PARTICIPANT, NO_CONVERSATION = 4401, 4403, 4404


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
    version: int = 0  # of the last durable frame that was handed to it
    visible_after_seq: int = 0
    is_typing: bool = False
    waiting: list[Payload] | None = field(default_factory=list)  # what comes while it is let in; None: it is in


@dataclass(eq=False, slots=True)
class Room:
    """A conversation that has sockets here."""

    conversation_id: int
    version: int | None = None  # of the last durable event handed out; None: not known yet
    last_seq: int = 0
    known_version: int = 0  # the highest one heard of
    in_group: bool = False
    subscribers: set[Subscriber] = field(default_factory=set)
    typing: dict[int, tuple[str, asyncio.TimerHandle]] = field(default_factory=dict)
    handing_out: asyncio.Lock = field(default_factory=asyncio.Lock)
    repairing: bool = False


class Hub:
    """One per process. It owns one channel of the layer and one task that reads it."""

    def __init__(self) -> None:
        self.rooms: dict[int, Room] = {}
        self.presence = Presence()
        self.channel: str | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.takes: dict[str, Callable[..., Awaitable[None]]] = {
            "durable": self._take_durable,
            "passing": self._take_passing,
            "typing": self._take_typing,
            "status": self._take_status,
            "sessions_ended": self._take_sessions_ended,
            "conversation_deleted": self._take_conversation_deleted,
            "history_cleared": self._take_history_cleared,
        }

    def start(self) -> None:
        """Begin to read and to reconcile; does nothing the second time."""
        if not self.tasks:
            self._spawn(self._read())
            self._spawn(self._reconcile_for_ever())
            self._spawn(self.presence.run())

    async def stop(self) -> None:
        """End every task; the users with sockets here count as online for a few seconds more."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.presence.stop()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # Sockets come and go -----------------------------------------------------------------------

    async def join(self, subscriber: Subscriber, since: int | None) -> None:
        """Let a socket in: `connected` first, then what it missed since `since`, then live, without gap or overlap.

        Raises `NotFound` for who does not take part, and what the database raises when it is away.
        """
        online = self.presence.opened(subscriber.user_id)
        room = self.rooms.setdefault(subscriber.conversation_id, Room(subscriber.conversation_id))
        room.subscribers.add(subscriber)  # from here on live frames wait for it
        try:
            await self._subscribe(room)
            if online is not None:
                await asyncio.shield(online)  # several sockets may wait for it
            missed = await in_thread(catchup.read)(room.conversation_id, subscriber.user_id, since)
        except BaseException:
            await self.leave(subscriber)
            raise
        if subscriber not in room.subscribers:  # what ended its right meanwhile has closed it
            return
        if room.version is None:
            room.version, room.last_seq = missed.version, missed.last_seq
        self._hear_of(room, missed.version, missed.last_seq)
        subscriber.version = missed.since
        subscriber.visible_after_seq = missed.visible_after_seq
        connected = Connected(
            conversation_id=room.conversation_id,
            user_id=subscriber.user_id,
            version=missed.version,
            last_seq=missed.last_seq,
            recovered=missed.recovered,
            online=missed.online,
            expires_at=timestamp(subscriber.expires_at),
        )
        await subscriber.send(broadcast.encode(connected))
        for event in missed.events:
            await self._deliver(subscriber, event)
        subscriber.version = max(subscriber.version, missed.version)
        while subscriber.waiting:
            await self._deliver(subscriber, subscriber.waiting.pop(0))
        subscriber.waiting = None

    async def leave(self, subscriber: Subscriber) -> None:
        """Forget a socket; does nothing for one that is forgotten already."""
        room = self.rooms.get(subscriber.conversation_id)
        if room is None or subscriber not in room.subscribers:
            return
        room.subscribers.discard(subscriber)
        self.presence.closed(subscriber.user_id)
        if not room.subscribers:
            del self.rooms[room.conversation_id]
            for _, timer in room.typing.values():
                timer.cancel()
            await self._unsubscribe(room)
        if subscriber.is_typing:
            await self.announce_typing(subscriber, is_typing=False)

    async def announce_typing(self, subscriber: Subscriber, *, is_typing: bool) -> None:
        """Tell the others of the conversation, in every process, that this user types or no longer does."""
        subscriber.is_typing = is_typing
        said = broadcast.typing(
            conversation_id=subscriber.conversation_id,
            user_id=subscriber.user_id,
            username=subscriber.username,
            is_typing=is_typing,
        )
        await broadcast.publish(broadcast.conversation_group(subscriber.conversation_id), said)

    def pong(self, subscriber: Subscriber) -> Pong:
        """How far the socket's conversation is, as known here since `RECONCILE_SECONDS` ago at the latest."""
        room = self.rooms[subscriber.conversation_id]
        return Pong(version=max(room.version or 0, room.known_version), last_seq=room.last_seq)

    async def _close(self, subscriber: Subscriber, code: int) -> None:
        """Nothing more reaches the socket from here on."""
        await self.leave(subscriber)
        await subscriber.close(code)

    def _subscribers(self) -> list[Subscriber]:
        return [subscriber for room in self.rooms.values() for subscriber in room.subscribers]

    # The channel layer -------------------------------------------------------------------------

    async def _read(self) -> None:
        """Take what comes over the layer, for ever; a layer that is away is tried again."""
        while True:
            try:
                layer: Any = get_channel_layer()
                if self.channel is None:
                    channel = await asyncio.wait_for(layer.new_channel(), LAYER_TIMEOUT)
                    await asyncio.wait_for(layer.group_add(broadcast.EVERYWHERE, channel), LAYER_TIMEOUT)
                    self.channel = channel
                    broadcast.published.note(None)
                message = await layer.receive(self.channel)
            except Exception as error:
                broadcast.published.note(error)
                await asyncio.sleep(RECONCILE_SECONDS)
                continue
            try:
                await self.takes[message.pop("type")](**message)
            except Exception:
                logger.exception("a message of the channel layer could not be handed out; the timer repairs it")

    async def _subscribe(self, room: Room) -> None:
        """Ask the layer for the conversation's messages; where it is away the timer asks again."""
        if room.in_group or self.channel is None:
            return
        layer: Any = get_channel_layer()
        try:
            group = broadcast.conversation_group(room.conversation_id)
            await asyncio.wait_for(layer.group_add(group, self.channel), LAYER_TIMEOUT)
        except Exception as error:
            broadcast.published.note(error)
        else:
            room.in_group = True

    async def _unsubscribe(self, room: Room) -> None:
        if not room.in_group:
            return
        layer: Any = get_channel_layer()
        try:
            group = broadcast.conversation_group(room.conversation_id)
            await asyncio.wait_for(layer.group_discard(group, self.channel), LAYER_TIMEOUT)
        except Exception as error:  # at worst messages come for a conversation that nobody has open here
            broadcast.published.note(error)

    async def _take_durable(self, **event: Any) -> None:
        room = self.rooms.get(event["conversation_id"])
        if room is None:
            return
        self._hear_of(room, event["version"], event["seq"])
        if room.version is None or room.repairing:
            return  # whoever reads the database now reads this one too
        if event["version"] == room.version + 1:
            await self._hand_out(room, [event])
        elif event["version"] > room.version:
            self._repair(room)

    async def _take_passing(self, *, conversation_id: int, frame: str) -> None:
        room = self.rooms.get(conversation_id)
        if room is not None:
            await self._show(room, frame)

    async def _take_typing(self, *, conversation_id: int, user_id: int, username: str, is_typing: bool) -> None:
        room = self.rooms.get(conversation_id)
        if room is None:
            return
        if not is_typing:
            await self._end_typing(room, user_id)
            return
        if user_id in room.typing:
            room.typing[user_id][1].cancel()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(TYPING_SECONDS, lambda: self._spawn(self._end_typing(room, user_id)))
        room.typing[user_id] = (username, timer)
        await self._show_typing(room, user_id, username, is_typing=True)

    async def _end_typing(self, room: Room, user_id: int) -> None:
        if user_id in room.typing:
            username, timer = room.typing.pop(user_id)
            timer.cancel()
            await self._show_typing(room, user_id, username, is_typing=False)

    async def _show_typing(self, room: Room, user_id: int, username: str, *, is_typing: bool) -> None:
        event = Typing(
            conversation_id=room.conversation_id, user_id=user_id, username=username, is_typing=is_typing
        )
        await self._show(room, broadcast.encode(event), not_to=user_id)

    async def _take_status(
        self, *, user_id: int, username: str, online: bool, last_seen: str | None, conversation_ids: list[int]
    ) -> None:
        for conversation_id in conversation_ids:
            room = self.rooms.get(conversation_id)
            if room is None:
                continue
            event = UserStatus(
                conversation_id=conversation_id,
                user_id=user_id,
                username=username,
                status="online" if online else "offline",
                last_seen=last_seen,
            )
            await self._show(room, broadcast.encode(event), not_to=user_id)

    async def _take_sessions_ended(self, *, session_ids: list[str]) -> None:
        ended = set(session_ids)
        for subscriber in self._subscribers():
            if subscriber.session_id in ended:
                await self._close(subscriber, TOKEN_OVER)

    async def _take_conversation_deleted(self, *, conversation_id: int) -> None:
        room = self.rooms.get(conversation_id)
        for subscriber in list(room.subscribers) if room else ():
            await self._close(subscriber, NO_CONVERSATION)

    async def _take_history_cleared(self, *, conversation_id: int, user_id: int, visible_after_seq: int) -> None:
        room = self.rooms.get(conversation_id)
        for subscriber in room.subscribers if room else ():
            if subscriber.user_id == user_id:
                subscriber.visible_after_seq = max(subscriber.visible_after_seq, visible_after_seq)

    # Fan-out -----------------------------------------------------------------------------------

    def _hear_of(self, room: Room, version: int, seq: int) -> None:
        room.known_version = max(room.known_version, version)
        room.last_seq = max(room.last_seq, seq)

    async def _hand_out(self, room: Room, events: list[Payload]) -> None:
        """Hand durable events, in version order, to every socket of the room."""
        async with room.handing_out:
            for event in events:
                if room.version is not None and event["version"] <= room.version:
                    continue
                room.version = event["version"]
                if event["is_new"] and event["sender_id"] is not None:
                    await self._end_typing(room, event["sender_id"])
                for subscriber in list(room.subscribers):
                    await self._pass(subscriber, event)

    async def _show(self, room: Room, frame: str, *, not_to: int | None = None) -> None:
        """Hand a frame that is not durable to the sockets of the room, but to none of user `not_to`."""
        for subscriber in list(room.subscribers):
            if subscriber.user_id != not_to:
                await self._pass(subscriber, {"frame": frame})

    async def _pass(self, subscriber: Subscriber, event: Payload) -> None:
        if subscriber.waiting is not None:
            subscriber.waiting.append(event)
        else:
            await self._deliver(subscriber, event)

    async def _deliver(self, subscriber: Subscriber, event: Payload) -> None:
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
            await self._close(subscriber, NOT_PARTICIPANT)

    # Repair ------------------------------------------------------------------------------------

    def _repair(self, room: Room) -> None:
        """Read what is missing, once for all sockets of the room, beside everything else."""
        if not room.repairing:
            room.repairing = True
            self._spawn(self._repair_now(room))

    async def _repair_now(self, room: Room) -> None:
        try:
            while room.subscribers and room.version is not None and room.version < room.known_version:
                events, head = await in_thread(catchup.read_all)(room.conversation_id, room.version)
                await self._hand_out(room, events)
                if not events:
                    room.version = room.known_version = max(room.version, head)
        except Exception as error:
            logger.warning("a conversation could not be caught up (%s); tried again", type(error).__name__)
        finally:
            room.repairing = False

    async def _reconcile_for_ever(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(RECONCILE_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 not a secret
            try:
                await self._reconcile()
            except Exception as error:
                if not failing:
                    logger.warning("the hub cannot compare with the database (%s); tried again", type(error).__name__)
                failing = True
            else:
                failing = False

    async def _reconcile(self) -> None:
        """Close what has lost its right, repair what is behind: three queries for all sockets of this process."""
        now = timezone.now()
        for subscriber in self._subscribers():
            if subscriber.expires_at <= now:
                await self._close(subscriber, TOKEN_OVER)
        for room in list(self.rooms.values()):
            await self._subscribe(room)
        present = [subscriber for subscriber in self._subscribers() if subscriber.waiting is None]
        if not present:
            return
        rights = await in_thread(catchup.read_rights)(
            {subscriber.conversation_id for subscriber in present},
            {subscriber.user_id for subscriber in present},
            {subscriber.session_id for subscriber in present},
        )
        for subscriber in present:
            place = (subscriber.conversation_id, subscriber.user_id)
            if subscriber.conversation_id not in rights.heads:
                await self._close(subscriber, NO_CONVERSATION)
            elif place not in rights.visible_after_seq:
                await self._close(subscriber, NOT_PARTICIPANT)
            elif subscriber.session_id not in rights.session_ids:
                await self._close(subscriber, TOKEN_OVER)
            else:
                subscriber.visible_after_seq = max(subscriber.visible_after_seq, rights.visible_after_seq[place])
        for conversation_id, (version, last_seq) in rights.heads.items():
            room = self.rooms.get(conversation_id)
            if room is not None:
                self._hear_of(room, version, last_seq)
                if room.version is not None and room.version < room.known_version:
                    self._repair(room)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop, that is of this process; it runs from here on."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    hub.start()
    return hub
