"""This process's sockets by conversation: what comes over the channel layer, repair, rights.

The rule of this file: what the channel layer carries is a hint. The next version is handed out, an older one dropped,
and behind a gap the database is read, once for all sockets of the conversation. A timer compares with the database: it
heals what the layer lost, and closes what has lost its right.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.utils import timezone

from chat_server.close_codes import CloseCode
from chat_server.database import in_thread, watching

from . import broadcast, catchup
from .events import Payload, Pong, UserStatus
from .presence import Presence
from .room import Room, Subscriber

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 1.0  # rights that ended close their sockets within 2 s, whatever the channel layer does
LAYER_TIMEOUT = 1.0


class Hub:
    """One per process. It owns one channel of the layer and one task that reads it."""

    def __init__(self) -> None:
        self.rooms: dict[int, Room] = {}
        self.presence = Presence()
        self.channel: str | None = None
        self.is_everywhere = False  # in the group of every process
        self.is_stopped = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.takes: dict[str, Callable[..., Awaitable[None]]] = {
            "durable": self._take_durable,
            "passing": self._take_passing,
            "typing": self._take_typing,
            "statuses": self._take_statuses,
            "sessions_ended": self._take_sessions_ended,
            "conversation_deleted": self._take_conversation_deleted,
            "history_cleared": self._take_history_cleared,
        }

    def start(self) -> None:
        """Begin to read and to reconcile; does nothing the second time, nor after `stop`."""
        if not self.tasks and not self.is_stopped:
            broadcast.publish_from(asyncio.get_running_loop())
            self._spawn(self._read())
            self._spawn(self._reconcile_for_ever())
            self._spawn(self.presence.run())

    async def stop(self) -> None:
        """End every task; the users with sockets here count as online for a few seconds more."""
        self.is_stopped = True
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.presence.stop()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a task of the hub died", exc_info=error)

    # Sockets come and go -----------------------------------------------------------------------

    async def join(self, subscriber: Subscriber, since: int | None) -> None:
        """Let a socket in: `connected` first, then what it missed since `since`, then live, without gap or overlap.

        Raises `NotFound` for who does not take part, and what the database raises when it is away.
        """
        self.presence.opened(subscriber.user_id)
        room = self.rooms.setdefault(subscriber.conversation_id, Room(subscriber.conversation_id))
        room.subscribers.add(subscriber)  # from here on live frames wait for it
        try:
            await self._subscribe(room)
            missed = await self._read_missed(room, subscriber, since)
            if subscriber in room.subscribers:
                await self.presence.show(subscriber.user_id)
        except BaseException:
            await self.leave(subscriber)
            raise
        if subscriber in room.subscribers:  # else what ended its right meanwhile has closed it
            await room.let_in(subscriber, missed)

    async def _read_missed(self, room: Room, subscriber: Subscriber, since: int | None) -> catchup.Missed:
        """What the socket missed; the first read of a room also says from which version on the room hands out.

        Until then events are not kept, so nobody else reads meanwhile: a second read could be older than the first. All
        who come after that share their reads: a thousand who come back at once cost a handful of them.
        """
        newcomer = catchup.Newcomer(subscriber.user_id, since)
        async with room.opening:
            if room.version is None:
                missed = await room.newcomers.arun(newcomer)
                room.version = missed.version
                room.hear_of(missed.version, missed.last_seq)
                self._repair(room)  # of what came while it was read
                return missed
        return await room.newcomers.arun(newcomer)

    async def leave(self, subscriber: Subscriber) -> None:
        """Forget a socket: nothing more reaches it. Does nothing for one that is forgotten already."""
        room = self.rooms.get(subscriber.conversation_id)
        if room is None or subscriber not in room.subscribers:
            return
        room.subscribers.discard(subscriber)
        self.presence.closed(subscriber.user_id)
        if not room.subscribers:
            del self.rooms[room.conversation_id]
            room.close()
            self._spawn(self._unsubscribe(room))  # beside the close: it does not wait for a layer that hangs
        if subscriber.is_typing:
            self.announce_typing(subscriber, is_typing=False)

    def announce_typing(self, subscriber: Subscriber, *, is_typing: bool) -> None:
        """Tell the others of the conversation, in every process, that this user types or no longer does.

        Nobody waits for it: frames are obeyed in order, and the next one may be a message.
        """
        subscriber.is_typing = is_typing
        said = broadcast.typing(
            conversation_id=subscriber.conversation_id,
            user_id=subscriber.user_id,
            username=subscriber.username,
            is_typing=is_typing,
        )
        self._spawn(broadcast.publish(broadcast.conversation_group(subscriber.conversation_id), said))

    def pong(self, subscriber: Subscriber) -> Pong:
        """How far the socket's conversation is, as known here since `RECONCILE_SECONDS` ago at the latest."""
        return self.rooms[subscriber.conversation_id].pong()

    def _subscribers(self) -> list[Subscriber]:
        return [subscriber for room in self.rooms.values() for subscriber in room.subscribers]

    # The channel layer -------------------------------------------------------------------------

    async def _read(self) -> None:
        """Take what comes over the layer, for ever; a layer that is away is tried again."""
        while True:
            try:
                layer: Any = get_channel_layer()
                if not self.is_everywhere:
                    async with asyncio.timeout(LAYER_TIMEOUT):  # wait_for may swallow the cancellation of stop()
                        await self._enter(layer)
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

    async def _enter(self, layer: Any) -> None:
        """Take a channel of the layer, once, and join the group of every process."""
        if self.channel is None:
            try:
                self.channel = await layer.new_channel()
            except BaseException:
                await layer.flush()  # the Redis layer keeps a queue for each channel that it could not make
                raise
        await layer.group_add(broadcast.EVERYWHERE, self.channel)
        self.is_everywhere = True

    async def _subscribe(self, room: Room) -> None:
        """Ask the layer for the conversation's messages; where it is away the timer asks again."""
        if not room.in_group and self.channel is not None:
            room.in_group = await self._ask_layer("group_add", room)

    async def _unsubscribe(self, room: Room) -> None:
        """Ask for them no longer; at worst messages come for a conversation that nobody has open here."""
        if room.in_group and room.conversation_id not in self.rooms:  # else it was opened again meanwhile
            await self._ask_layer("group_discard", room)

    async def _ask_layer(self, method: str, room: Room) -> bool:
        group = broadcast.conversation_group(room.conversation_id)
        try:
            await broadcast.within(LAYER_TIMEOUT, getattr(get_channel_layer(), method)(group, self.channel))
        except Exception as error:
            broadcast.published.note(error)
            return False
        return True

    async def _take_durable(self, *, conversation_id: int, events: list[Payload]) -> None:
        room = self.rooms.get(conversation_id)
        if room is None:
            return
        for event in events:
            room.hear_of(event["version"], event["seq"])
            if room.version is None or room.repairing:
                continue  # the read that is under way, or the repair after it, brings this one too
            if event["version"] == room.version + 1:
                await room.hand_out([event])
            else:
                self._repair(room)

    async def _take_passing(self, *, conversation_id: int, frame: str) -> None:
        if room := self.rooms.get(conversation_id):
            await room.show(frame)

    async def _take_typing(self, *, conversation_id: int, user_id: int, username: str, is_typing: bool) -> None:
        room = self.rooms.get(conversation_id)
        if room is not None and is_typing:
            await room.begin_typing(user_id, username)
        elif room is not None:
            await room.end_typing(user_id)

    async def _take_statuses(self, *, statuses: list[Payload]) -> None:
        for status in statuses:
            await self._show_status(**status)

    async def _show_status(
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
            await room.show(broadcast.encode(event), not_to=user_id)

    async def _take_sessions_ended(self, *, session_ids: list[str]) -> None:
        ended = set(session_ids)
        for subscriber in self._subscribers():
            if subscriber.session_id in ended:
                await subscriber.close(CloseCode.UNAUTHENTICATED)

    async def _take_conversation_deleted(self, *, conversation_id: int) -> None:
        room = self.rooms.get(conversation_id)
        for subscriber in list(room.subscribers) if room else ():
            await subscriber.close(CloseCode.NOT_FOUND)

    async def _take_history_cleared(self, *, conversation_id: int, user_id: int, visible_after_seq: int) -> None:
        room = self.rooms.get(conversation_id)
        for subscriber in room.subscribers if room else ():
            if subscriber.user_id == user_id:
                subscriber.visible_after_seq = max(subscriber.visible_after_seq, visible_after_seq)

    # Repair ------------------------------------------------------------------------------------

    def _repair(self, room: Room) -> None:
        """Read what is missing, once for all sockets of the room, beside everything else."""
        if room.is_behind and not room.repairing:
            room.repairing = True
            self._spawn(self._repair_now(room))

    async def _repair_now(self, room: Room) -> None:
        try:
            while room.subscribers and room.is_behind and room.version is not None:
                heard = room.known_version
                events, head = await in_thread(catchup.read_all)(room.conversation_id, room.version)
                await room.hand_out(events)
                if not events and room.known_version == heard:  # nothing is missing up to the head, whatever we heard
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
                await subscriber.close(CloseCode.UNAUTHENTICATED)
        if broadcast.published.failing:
            self._spawn(broadcast.probe())
        for room in self.rooms.values():
            if not room.in_group:
                self._spawn(self._subscribe(room))  # beside: a layer that hangs holds up nothing here
        present = [(each, each.session_id) for each in self._subscribers() if each.participant_id]
        if not present:
            return
        rights = await in_thread(catchup.read_rights, watching)(
            {subscriber.conversation_id for subscriber, _ in present},
            {subscriber.participant_id for subscriber, _ in present},
            {session_id for _, session_id in present},
        )
        for subscriber, session_id in present:
            if subscriber.conversation_id not in rights.heads:
                await subscriber.close(CloseCode.NOT_FOUND)
            elif subscriber.participant_id not in rights.participants:
                await subscriber.close(CloseCode.NOT_PARTICIPANT)
            elif session_id == subscriber.session_id and session_id not in rights.session_ids:
                await subscriber.close(CloseCode.UNAUTHENTICATED)
            else:
                begin = rights.participants[subscriber.participant_id]
                subscriber.visible_after_seq = max(subscriber.visible_after_seq, begin)
        for room in list(self.rooms.values()):
            if room.conversation_id in rights.heads:
                room.hear_of(*rights.heads[room.conversation_id])
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
