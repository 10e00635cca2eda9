"""One socket for everything of one user: its place in each of their conversations, and what it is told beside them.

The rule of this file: per conversation an inbox gets what a socket of that conversation gets, in the same order, and
learns of conversations that come and go while it is open. What it is told of unread messages counts what it was sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from itertools import count

from chat_server.close_codes import CloseCode
from chat_server.rendering import timestamp

from .broadcast import encode
from .catchup import MAX_MISSED, Head, Held, Part, Places, Shown
from .events import (
    ConversationAdded,
    ConversationRemoved,
    ConversationUpdated,
    Event,
    InboxConnected,
    Payload,
    Resumed,
    Unread,
)
from .room import Connection, Room, Run, Subscriber

LISTED = 200  # conversations in `connected`
RESUMED_AT_A_TIME = 1000  # changes in memory for one inbox
# What comes waits so long for the client to say what it holds: what it missed comes before what is new.
HOLD_SECONDS = 1.0

Changes = Callable[[Held], Awaitable[list[Payload]]]
_serials = count()


class InboxSubscriber(Subscriber):
    """An inbox in one conversation."""

    is_told_of_changes = True

    __slots__ = ("inbox", "is_hidden", "is_resuming", "last_read_seq", "last_seq", "revision", "told_version")

    def __init__(self, room: Room, inbox: Inbox) -> None:
        super().__init__(room, inbox.connection)
        self.inbox = inbox
        self.told_version: int | None = None  # that `connected` told, after which its durable frames begin
        self.is_resuming = False  # what its client missed is being sent
        self.last_seq = self.last_read_seq = 0  # of what it was handed, and of the user's read marker
        self.revision = 0  # of the conversation, as the client was told
        self.is_hidden = False  # a private conversation that is in no list; it waits for a new message
        inbox.subscribers[room.conversation_id] = self

    def place(self, head: Head, part: Part) -> None:
        """From here on, and as this participant."""
        self.version, self.last_seq, self.revision = head
        self.participant_id, begin, self.last_read_seq, self.is_hidden = part
        is_old = self.room.refreshing or self.revision < self.room.revision or begin < self.visible_after_seq
        self.begin_after(begin)
        if is_old or (self.is_hidden and self._has_news()):  # it may have changed since this was read
            self.room.refresh()

    @property
    def is_held(self) -> bool:
        return super().is_held or self.is_hidden or self.is_resuming or not self.inbox.is_live

    @property
    def unread_count(self) -> int:
        return max(0, self.last_seq - self.last_read_seq)

    async def take(self, event: Payload) -> None:
        if not self.is_hidden:
            await super().take(event)
        elif event.get("seq", 0) > self.visible_after_seq:  # it comes back, and says so before this message
            self._hold()
            await super().take(event)
            self.room.refresh()

    def _has_news(self) -> bool:
        """Whether something that waits is new enough to bring a hidden conversation back."""
        return any(event["seq"] > self.visible_after_seq for event in self.waiting or ())

    def _hold(self) -> None:
        """Keep what comes until it goes live again."""
        if self.waiting is None:
            self.waiting = deque()

    def take_at_once(self, run: Run) -> bool:
        if self.user_id in run.sender_ids or not super().take_at_once(run):  # who speaks has read, which is told
            return False
        self.last_seq = max(self.last_seq, run.last_seq)
        return True

    async def deliver(self, event: Payload) -> None:
        is_next = event.get("version", 0) > self.version
        await super().deliver(event)
        if event.get("reader_id") == self.user_id:
            await self.read_up_to(event["last_read_seq"])
        elif is_next and event["seq"] > self.last_seq:
            self.last_seq = event["seq"]
            if event["sender_id"] == self.user_id:  # who speaks has read what was said before
                had_unread = self.last_read_seq < event["seq"] - 1
                self.last_read_seq = max(self.last_read_seq, event["seq"])
                if had_unread:
                    await self._tell_unread()

    async def read_up_to(self, seq: int) -> None:
        """The user has read that far, on whatever device."""
        if seq > self.last_read_seq:
            self.last_read_seq = seq
            await self._tell_unread()

    async def _tell_unread(self) -> None:
        if self.room.conversation_id in self.inbox.subscribers:
            unread = Unread(
                conversation_id=self.room.conversation_id,
                unread_count=self.unread_count,
                last_read_seq=self.last_read_seq,
                total_unread=self.inbox.total_unread,
            )
            await self.inbox.send(unread)

    async def lose(self, code: CloseCode) -> None:
        if self.inbox.subscribers.get(self.room.conversation_id) is self:
            del self.inbox.subscribers[self.room.conversation_id]
            self.inbox.drop(self)
            if self.participant_id and not self.is_hidden:  # else it was never shown
                await self.inbox.send(ConversationRemoved(conversation_id=self.room.conversation_id))

    async def show_added(self, payload: Payload) -> None:
        """Tell that the conversation is there; what was stored after this version of it comes next."""
        self.told_version = None  # told now
        await self.inbox.send(ConversationAdded(conversation=payload))
        await self.go_live(patient=False)

    async def refresh(self, shown: Shown) -> None:
        await super().refresh(shown)
        part, payload = shown.parts[self.user_id], shown.payloads[self.user_id]
        is_changed, self.revision = shown.head.revision > self.revision, max(shown.head.revision, self.revision)
        if part.is_hidden and self.version > shown.head.version:  # what came since may have brought it back
            self.room.refresh()
        elif part.is_hidden and not self.is_hidden:
            self.is_hidden = True
            self.last_read_seq = max(self.last_read_seq, part.last_read_seq)
            self._hold()
            self.latest.clear()
            if self._has_news():
                self.room.refresh()
            await self.inbox.send(ConversationRemoved(conversation_id=self.room.conversation_id))
        elif self.is_hidden and not part.is_hidden:
            self.is_hidden = False
            self.last_seq = max(self.last_seq, self.visible_after_seq)
            self.last_read_seq = max(self.last_read_seq, part.last_read_seq)
            has_any = self.last_seq > self.visible_after_seq
            last_message = payload["last_message"] if has_any else None
            await self.show_added({**payload, **self._numbers(), "last_message": last_message})
        elif not self.is_hidden:
            await self.read_up_to(part.last_read_seq)
            if is_changed:
                await self.inbox.send(ConversationUpdated(conversation={**payload, **self._numbers()}))

    def _numbers(self) -> Payload:
        """How far the client is: what waits, or is on its way, comes next and is counted then."""
        return {"version": self.version, "last_seq": self.last_seq, "unread_count": self.unread_count}

    def can_resume(self, held: int) -> bool:
        """Whether all that came after that version can be sent, in order and none of it twice."""
        is_shown = bool(self.participant_id) and not self.is_hidden
        is_near = 0 <= self.version - held <= MAX_MISSED
        return is_shown and is_near and (held == self.version or self.version == self.told_version)

    def hold_for(self, held: int) -> bool:
        """Keep what comes until `catch_up_from` that version, and say whether there is anything to catch up."""
        if held == self.version:
            return False
        self.is_resuming = True
        self._hold()
        return True

    async def catch_up_from(self, held: int, events: Iterable[Payload]) -> None:
        """Hand it what came after that version, then what waits."""
        head, self.version = self.version, held
        await self.catch_up(events)
        self.version = max(self.version, head)
        self.told_version = None  # it has them now
        self.is_resuming = False
        await self.go_live()


class Inbox:
    """One socket of `/ws/inbox/`."""

    def __init__(self, connection: Connection, *, drop: Callable[[Subscriber], None]) -> None:
        """`drop`: take a subscriber out of its room."""
        self.connection, self.drop = connection, drop
        self.subscribers: dict[int, InboxSubscriber] = {}
        self.joined: set[int] = set()  # conversations that came while it was on its way
        self.early: list[Event] | None = []  # what comes before `connected`; None: that has been sent
        self.is_live = False
        self.going_live = asyncio.Lock()  # what was missed is not overtaken by what is new
        self.serial = next(_serials)  # by which the timer takes turns

    @property
    def total_unread(self) -> int:
        return sum(subscriber.unread_count for subscriber in self.subscribers.values())

    async def send(self, event: Event) -> None:
        if self.early is not None:
            self.early.append(event)
        else:
            await self.connection.send(encode(event))

    def take_places(self, places: Places) -> list[InboxSubscriber]:
        """Begin at these places; the subscribers of which there is none (any more) come back."""
        gone = []
        for conversation_id, subscriber in list(self.subscribers.items()):
            if place := places.get(conversation_id):
                subscriber.place(place.head, place.part)
                subscriber.told_version = place.head.version
            else:
                gone.append(self.subscribers.pop(conversation_id))
        return gone

    async def show_connected(self, places: Places) -> None:
        """The first frame. What comes meanwhile waits, for a moment, for what the client says that it holds."""
        listed = [(place.updated_at, pk, place) for pk, place in places.items() if not place.part.is_hidden]
        conversations = [
            {
                "id": conversation_id,
                "version": head.version,
                "last_seq": head.last_seq,
                "unread_count": max(0, head.last_seq - part.last_read_seq),
            }
            for _, conversation_id, (head, part, _) in sorted(listed, reverse=True)
        ]
        connected = InboxConnected(
            user_id=self.connection.user_id,
            total_unread=sum(each["unread_count"] for each in conversations),
            conversations=conversations[:LISTED],
            expires_at=timestamp(self.connection.expires_at),
        )
        early, self.early = self.early, None
        for event in (connected, *(early or ())):
            await self.send(event)

    async def go_live(self) -> None:
        """Hand out what waits, and from now on everything at once."""
        async with self.going_live:
            await self._go_live()

    async def _go_live(self) -> None:
        self.is_live = True
        for subscriber in list(self.subscribers.values()):
            if subscriber.waiting is not None:
                await subscriber.go_live()

    async def resume(self, versions: Mapping[int, int], changes: Changes) -> None:
        """Send what came after these versions, conversation by conversation, then `resumed`.

        A version is good for that until something newer of its conversation was sent here.
        """
        async with self.going_live:
            recovered: list[int] = []
            reload: list[int] = []
            behind: list[tuple[InboxSubscriber, int]] = []
            for conversation_id, held in versions.items():
                subscriber = self.subscribers.get(conversation_id)
                if subscriber is None or not subscriber.can_resume(held):
                    reload.append(conversation_id)
                    continue
                recovered.append(conversation_id)
                if subscriber.hold_for(held):
                    behind.append((subscriber, held))
            try:
                await self._go_live()
                while behind:
                    behind = await self._catch_up(behind, changes)
            finally:
                for subscriber, _ in behind:
                    subscriber.is_resuming = False
                await self._go_live()
            await self.send(Resumed(recovered=recovered, reload=reload))

    async def _catch_up(
        self, behind: list[tuple[InboxSubscriber, int]], changes: Changes
    ) -> list[tuple[InboxSubscriber, int]]:
        """Send what some of them missed, as much as may be in memory at a time; returns the others."""
        owed, taken = 0, 0
        for subscriber, held in behind:
            owed += subscriber.version - held
            if taken and owed > RESUMED_AT_A_TIME:
                break
            taken += 1
        now = behind[:taken]
        missed = await asyncio.gather(*(changes(Held(each.room.conversation_id, held)) for each, held in now))
        for (subscriber, held), events in zip(now, missed, strict=True):
            await subscriber.catch_up_from(held, events)
        return behind[taken:]
