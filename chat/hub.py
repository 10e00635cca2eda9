"""This process's sockets by conversation: who comes and goes, what comes over the channel layer.

The rule of this file: what the channel layer carries is a hint. The next version is handed out, an older one dropped,
and behind a gap the room repairs itself from the database. `watch` has it do the same by a timer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from rest_framework.exceptions import NotFound

from chat_server.batching import Batch
from chat_server.close_codes import CloseCode
from chat_server.database import in_thread
from chat_server.rendering import timestamp

from . import broadcast, catchup
from .catchup import Held, Places
from .channel import Channel
from .events import Connected, Payload, UserStatus
from .inbox import HOLD_SECONDS, Inbox, InboxSubscriber
from .presence import Presence
from .room import Connection, Room, Subscriber, opening
from .watch import Reconciliation

logger = logging.getLogger(__name__)


class Hub:
    """One per process. It owns one channel of the layer and one task that reads it."""

    def __init__(self) -> None:
        self.rooms: dict[int, Room] = {}
        self.sockets: set[Subscriber] = set()  # of one conversation each
        self.inboxes: dict[int, set[Inbox]] = {}  # by user
        self.presence = Presence()
        self.channel = Channel()
        self.is_stopped = False
        self.tasks: set[asyncio.Task[None]] = set()
        self.showing_statuses = asyncio.Lock()
        self.newcomers: Batch[catchup.Newcomer, catchup.Missed] = Batch(catchup.read)
        self.places: Batch[int, Places] = Batch(catchup.read_places)
        self.changes: Batch[Held, list[Payload]] = Batch(catchup.read_changes)
        self.takes: dict[str, Callable[..., Awaitable[None]]] = {
            "durable": self._take_durable,
            "receipt": self._take_receipt,
            "typing": self._take_typing,
            "statuses": self._take_statuses,
            "sessions_ended": self._take_sessions_ended,
            "conversation_changed": self._take_conversation_changed,
            "part_changed": self._take_part_changed,
            "conversation_deleted": self._take_conversation_deleted,
            "joined": self._take_joined,
        }

    def start(self) -> None:
        """Begin to read and to reconcile; does nothing the second time, nor after `stop`."""
        if not self.tasks and not self.is_stopped:
            broadcast.publish_from_here()
            self.spawn(self.channel.read(self._take))
            self.spawn(Reconciliation(self).go_on())
            self.spawn(self.presence.run())

    async def stop(self) -> None:
        """End every task; the users with sockets here count as online for a few seconds more."""
        self.is_stopped = True
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.presence.stop()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have it done beside everything else; it ends with the hub."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a task of the hub died", exc_info=error)

    # Sockets of one conversation -----------------------------------------------------------------

    def subscriber(self, conversation_id: int, connection: Connection) -> Subscriber:
        """A place for a socket in a conversation, from which on events wait for it; `join` or `leave` it."""
        self.presence.opened(connection.user_id)
        subscriber = Subscriber(self._room(conversation_id), connection)
        self.sockets.add(subscriber)
        return subscriber

    async def join(self, subscriber: Subscriber, since: int | None) -> None:
        """Let a socket in: `connected` first, then what it missed since `since`, then live, without gap or overlap.

        Raises `NotFound` for who does not take part, and what the database raises when it is away.
        """
        room, connection = subscriber.room, subscriber.connection
        try:
            await self.channel.subscribe([room.conversation_id])
            async with opening([room]):
                missed = await self.newcomers.arun(catchup.Newcomer(room.conversation_id, connection.user_id, since))
                room.open(missed.head)
            room.repair()  # of what came while it was read
            if subscriber in room.subscribers:
                await self.presence.show(connection.user_id)
        except BaseException:
            self.leave(subscriber)
            raise
        if subscriber not in room.subscribers:  # what ended its right meanwhile has closed it
            return
        subscriber.participant_id, subscriber.version = missed.part.participant_id, missed.since
        subscriber.begin_after(missed.part.visible_after_seq)
        connected = Connected(
            conversation_id=room.conversation_id,
            user_id=connection.user_id,
            version=missed.head.version,
            last_seq=missed.head.last_seq,
            recovered=missed.recovered,
            online=missed.online,
            expires_at=timestamp(connection.expires_at),
        )
        await connection.send(broadcast.encode(connected))
        await subscriber.catch_up(missed.events)
        subscriber.version = max(subscriber.version, missed.head.version)
        await subscriber.go_live()

    def leave(self, subscriber: Subscriber) -> None:
        """Forget a socket: nothing more reaches it. Does nothing for one that is forgotten already."""
        if subscriber in self.sockets:
            self.sockets.discard(subscriber)
            self.presence.closed(subscriber.user_id)
            self._drop([subscriber])

    def announce_typing(self, subscriber: Subscriber, *, is_typing: bool) -> None:
        """Tell the others of the conversation that this user types or no longer does. Who has gone types nothing."""
        if subscriber in subscriber.room.subscribers:
            subscriber.is_typing = is_typing
            subscriber.room.typists.tell(subscriber.user_id, subscriber.connection.username, is_typing=is_typing)

    def _room(self, conversation_id: int) -> Room:
        room = self.rooms.get(conversation_id)
        if room is None:
            room = self.rooms[conversation_id] = Room(conversation_id, self.spawn)
        return room

    def _drop(self, subscribers: Iterable[Subscriber]) -> None:
        """Take subscribers out of their rooms; a room that nobody is left in is given up."""
        for subscriber in subscribers:
            room = subscriber.room
            subscriber.forget()
            user_id, username = subscriber.user_id, subscriber.connection.username
            if not any(each.user_id == user_id and each.is_typing for each in room.subscribers):
                room.typists.tell_gone(user_id, username, was_typing=subscriber.is_typing)
            if not room.subscribers and self.rooms.get(room.conversation_id) is room:
                del self.rooms[room.conversation_id]
                room.typists.close()  # the timer leaves its group

    # Inboxes -------------------------------------------------------------------------------------

    def inbox(self, connection: Connection) -> Inbox:
        """A place for a socket that has all of its user's conversations; `join_inbox` or `leave_inbox` it."""
        inbox = Inbox(connection, drop=lambda subscriber: self._drop([subscriber]))
        self.presence.opened(connection.user_id)
        self.inboxes.setdefault(connection.user_id, set()).add(inbox)
        return inbox

    async def join_inbox(self, inbox: Inbox) -> None:
        """Let an inbox in: `connected` first, then live in each of its conversations, whatever their number in the
        same number of queries. Raises what the database raises when it is away."""
        user_id = inbox.connection.user_id
        try:
            places = await self.places.arun(user_id)
            if not self._is_here(inbox):  # what ended its right meanwhile has closed it
                return
            for conversation_id in places:
                self._enter(inbox, conversation_id)
            rooms = [subscriber.room for subscriber in inbox.subscribers.values()]
            await self.channel.subscribe(inbox.subscribers)
            async with opening(rooms):
                places = await self.places.arun(user_id)  # that counts: events wait for it everywhere
                for conversation_id, subscriber in inbox.subscribers.items():
                    if place := places.get(conversation_id):
                        subscriber.room.open(place.head)
            for room in rooms:
                room.repair()  # of what came while it was read
            self._drop(inbox.take_places(places))
            if self._is_here(inbox):
                await self.presence.show(user_id)
        except BaseException:
            self.leave_inbox(inbox)
            raise
        if self._is_here(inbox):
            late = places.keys() - inbox.subscribers.keys()  # joined between the two reads, or lost since the second
            await inbox.show_connected({pk: place for pk, place in places.items() if pk not in late})
            for conversation_id in inbox.joined | late:
                self.show_joined(conversation_id, [user_id])
            self.spawn(self._go_live_soon(inbox))

    async def _go_live_soon(self, inbox: Inbox) -> None:
        await asyncio.sleep(HOLD_SECONDS)
        if not inbox.is_live and self._is_here(inbox):
            await inbox.go_live()

    async def resume(self, inbox: Inbox, versions: Mapping[int, int]) -> None:
        """Send what came after these versions of the inbox's conversations, then `resumed`."""
        await inbox.resume(versions, self.changes.arun)

    def leave_inbox(self, inbox: Inbox) -> None:
        """Forget an inbox: nothing more reaches it. Does nothing for one that is forgotten already."""
        if not self._is_here(inbox):
            return
        user_id = inbox.connection.user_id
        self.inboxes[user_id].discard(inbox)
        if not self.inboxes[user_id]:
            del self.inboxes[user_id]
        self.presence.closed(user_id)
        self._drop(inbox.subscribers.values())

    def _is_here(self, inbox: Inbox) -> bool:
        return inbox in self.inboxes.get(inbox.connection.user_id, ())

    def _enter(self, inbox: Inbox, conversation_id: int) -> InboxSubscriber:
        return InboxSubscriber(self._room(conversation_id), inbox)

    def show_joined(self, conversation_id: int, user_ids: Iterable[int]) -> None:
        """Open a conversation in all inboxes of these users that do not have it."""
        new = []
        for inbox in [inbox for user_id in user_ids for inbox in self.inboxes.get(user_id, ())]:
            if inbox.early is not None:
                inbox.joined.add(conversation_id)
            elif conversation_id not in inbox.subscribers:
                new.append(self._enter(inbox, conversation_id))  # now: who asks next finds it there
        if new:
            self.spawn(self._show_joined_now(new[0].room, new))

    async def _show_joined_now(self, room: Room, subscribers: list[InboxSubscriber]) -> None:
        conversation_id = room.conversation_id
        user_ids = {subscriber.user_id for subscriber in subscribers}
        try:
            await self.channel.subscribe([conversation_id])
            async with opening([room]):
                shown = await in_thread(catchup.read_shown)(conversation_id, user_ids, user_ids)
                room.open(shown.head)
        except Exception as error:
            if not isinstance(error, NotFound):  # deleted again
                logger.warning("a new conversation could not be read (%s); tried again", type(error).__name__)
            for subscriber in subscribers:
                self._forget(subscriber)
            return
        room.repair()
        for subscriber in subscribers:
            if subscriber not in room.subscribers:
                continue
            part = shown.parts.get(subscriber.user_id)
            if part is None:  # removed again
                self._forget(subscriber)
                continue
            subscriber.place(shown.head, part)
            if not part.is_hidden:
                await subscriber.show_added(shown.payloads[subscriber.user_id])

    def _forget(self, subscriber: InboxSubscriber) -> None:
        """Take a conversation out of an inbox that was never shown it."""
        if subscriber.inbox.subscribers.get(subscriber.room.conversation_id) is subscriber:
            del subscriber.inbox.subscribers[subscriber.room.conversation_id]
        self._drop([subscriber])

    # What comes over the channel layer -----------------------------------------------------------

    async def _take(self, message: Payload) -> None:
        await self.takes[message.pop("type")](**message)

    async def _take_durable(self, *, conversation_id: int, events: list[Payload]) -> None:
        room = self.rooms.get(conversation_id)
        if room is None:
            return
        for event in events:
            room.hear_of(event["version"], event["seq"])
        if room.version is None or room.repairing:
            return  # the read that is under way, or the repair after it, brings these too
        await room.take(events)

    async def _take_receipt(self, *, conversation_id: int, user_id: int, last_read_seq: int, frame: str) -> None:
        if room := self.rooms.get(conversation_id):
            about = ("read", user_id)
            await room.show({"frame": frame, "about": about, "reader_id": user_id, "last_read_seq": last_read_seq})

    async def _take_typing(self, *, conversation_id: int, user_id: int, username: str, is_typing: bool) -> None:
        room = self.rooms.get(conversation_id)
        if room is not None and is_typing:
            await room.typists.begin(user_id, username)
        elif room is not None:
            await room.typists.end(user_id)

    async def _take_statuses(self, *, statuses: list[Payload]) -> None:
        self.spawn(self._show_statuses(statuses))  # beside: they are many at times, and messages wait for none of them

    async def _show_statuses(self, statuses: list[Payload]) -> None:
        async with self.showing_statuses:  # in the order in which they came
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
            await room.show({"frame": broadcast.encode(event), "about": ("status", user_id)}, not_to=user_id)
            await asyncio.sleep(0)  # an inbox may get hundreds of these

    async def _take_sessions_ended(self, *, session_ids: list[str]) -> None:
        ended = set(session_ids)
        for connection in self.connections():
            if connection.session_id in ended:
                await connection.close(CloseCode.UNAUTHENTICATED)

    async def _take_conversation_changed(self, *, conversation_id: int) -> None:
        if room := self.rooms.get(conversation_id):
            room.refresh()

    async def _take_part_changed(self, *, conversation_id: int, user_id: int, visible_after_seq: int) -> None:
        if room := self.rooms.get(conversation_id):
            for subscriber in room.subscribers:
                if subscriber.user_id == user_id:
                    subscriber.begin_after(visible_after_seq)  # now: what comes next may be older than that
            room.refresh()

    async def _take_conversation_deleted(self, *, conversation_id: int) -> None:
        if room := self.rooms.get(conversation_id):
            await room.end()

    async def _take_joined(self, *, conversation_id: int, user_ids: list[int]) -> None:
        self.show_joined(conversation_id, user_ids)

    def connections(self) -> list[Connection]:
        """Every socket of this process, once."""
        inboxes = [inbox.connection for several in self.inboxes.values() for inbox in several]
        return inboxes + [subscriber.connection for subscriber in self.sockets]


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop, that is of this process; it runs from here on."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
    hub.start()
    return hub
