"""One conversation that has sockets in this process: how far it is, who listens, who types; repair.

The rule of this file: a subscriber gets durable frames in `version` order, each at most once, and nothing older than
what its user may see. The message that takes a user out is the last one that reaches them. What is missing is read from
the database, once for all subscribers.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rest_framework.exceptions import NotFound

from chat_server.close_codes import CloseCode
from chat_server.database import in_thread
from chat_server.wire import octets

from . import catchup
from .events import Payload
from .typists import Typists

logger = logging.getLogger(__name__)

TOGETHER = 65536  # characters of durable frames, of four bytes at most, by one write; a socket may be owed 1 MiB
MISSING_SECONDS = 0.05
MAX_WAITING = 1000  # durable events for a socket that is being let in and takes what it missed too slowly


@dataclass(eq=False, slots=True)
class Connection:
    """One socket: whose it is, and how to reach it."""

    user_id: int
    username: str
    session_id: str
    expires_at: datetime
    send: Callable[[str], Awaitable[None]]
    write: Callable[[bytes], bool]  # finished frames at once; False where they have to be sent one by one
    close: Callable[[int], Awaitable[None]]
    take_in: Callable[[], Awaitable[None]]  # returns once the client has taken most of what it was sent, or is closed
    waiting: int = 0  # durable events that it is not handed yet, over all of its conversations


class Run:
    """Durable events of one conversation that follow each other, to be handed out together."""

    def __init__(self, events: Sequence[Payload]) -> None:
        self.events = events
        self.first_version, self.last_version = events[0]["version"], events[-1]["version"]
        self.lowest_seq, self.last_seq = min(map(_seq, events)), max(map(_seq, events))
        self.sender_ids = {event["sender_id"] for event in events}
        self.takes_out = any(event["gone"] for event in events)
        self.octets = b"".join([octets(event["frame"]) for event in events])


class Subscriber:
    """A socket in one conversation: how far it is there. This kind is a socket that has no other conversation."""

    is_told_of_changes = False  # of what is no message, such as the conversation's name

    __slots__ = (
        "connection",
        "is_going_live",
        "is_typing",
        "latest",
        "participant_id",
        "room",
        "version",
        "visible_after_seq",
        "waiting",
    )

    def __init__(self, room: "Room", connection: Connection) -> None:
        self.room, self.connection = room, connection
        self.participant_id = 0  # not known before it is let in
        self.version = 0  # of the last durable event that was handed to it
        self.visible_after_seq = 0
        self.is_typing = False
        # What comes while it is let in; None: it is live. Of what is not durable only the latest, by what it is about.
        self.waiting: deque[Payload] | None = deque()
        self.latest: dict[tuple[str, int], Payload] = {}
        self.is_going_live = False
        room.subscribers.add(self)  # from here on events wait for it

    @property
    def user_id(self) -> int:
        return self.connection.user_id

    @property
    def is_held(self) -> bool:
        """Whether something else has to be sent before what waits."""
        return not self.participant_id

    async def take(self, event: Payload) -> None:
        """Hand it an event, or keep that until it is live."""
        if self.waiting is None:
            await self.deliver(event)
        elif about := event.get("about"):
            self.latest[about] = event
        else:
            self.waiting.append(event)
            self.connection.waiting += 1
            if self.connection.waiting > MAX_WAITING:
                await self.connection.close(CloseCode.TOO_SLOW)

    def take_at_once(self, run: Run) -> bool:
        """Hand it all of a run by one write; False where each event has to be looked at."""
        is_plain = self.waiting is None and not run.takes_out and self in self.room.subscribers
        is_all_new = run.first_version > self.version and run.lowest_seq > self.visible_after_seq
        if not (is_plain and is_all_new and self.connection.write(run.octets)):
            return False
        self.version = run.last_version
        return True

    async def catch_up(self, events: Iterable[Payload]) -> None:
        """Hand it what it missed, no faster than its client takes it."""
        for event in events:
            await self.deliver(event)
            await self.connection.take_in()

    async def go_live(self, *, patient: bool = True) -> None:
        """Hand it what came meanwhile; what comes from now on is handed out at once. Does nothing while it is held.

        Not `patient`, for who has others to see to: without waiting for a client that takes it slowly.
        """
        if self.is_going_live:  # one at a time, else they overtake each other
            return
        self.is_going_live = True
        try:
            while (self.waiting or self.latest) and not self.is_held:
                await self.deliver(self._next())
                await (self.connection.take_in() if patient else asyncio.sleep(0))
            if not self.is_held:
                self.waiting = None
        finally:
            self.is_going_live = False

    def _next(self) -> Payload:
        """Of what waits, the next; durable ones first: a receipt is about a message."""
        if not self.waiting:
            return self.latest.pop(next(iter(self.latest)))
        self.connection.waiting -= 1
        return self.waiting.popleft()

    async def deliver(self, event: Payload) -> None:
        """Send an event's frame, unless it is not for this subscriber, or no longer."""
        if self not in self.room.subscribers:
            return
        version = event.get("version")
        if version is None:
            await self.connection.send(event["frame"])
            return
        if version <= self.version:
            return
        self.version = version
        if event["seq"] <= self.visible_after_seq:  # nor does it end this part that an earlier one ended
            return
        await self.connection.send(event["frame"])
        if event["gone"] == self.user_id:
            await self.lose(CloseCode.NOT_PARTICIPANT)

    def forget(self) -> None:
        """Leave the room: nothing more is handed to it, what waits neither."""
        self.room.subscribers.discard(self)
        self.latest.clear()
        if self.waiting:
            self.connection.waiting -= len(self.waiting)
            self.waiting.clear()

    async def refresh(self, shown: catchup.Shown) -> None:
        """Go by what the conversation is to the user now."""
        self.begin_after(shown.parts[self.user_id].visible_after_seq)

    def begin_after(self, seq: int) -> None:
        """What was said up to there is no longer for the user."""
        self.visible_after_seq = max(self.visible_after_seq, seq)

    async def lose(self, code: CloseCode) -> None:
        """The conversation is nothing to the user any more, for the reason of that close code."""
        await self.connection.close(code)


class Room:
    """The subscribers of one conversation."""

    def __init__(self, conversation_id: int, spawn: Callable[[Coroutine[Any, Any, None]], None]) -> None:
        """`spawn`: have something done beside everything else."""
        self.conversation_id, self.spawn = conversation_id, spawn
        self.subscribers: set[Subscriber] = set()
        self.version: int | None = None  # of the last durable event handed out; None: not known yet
        self.last_seq = 0
        self.known_version = 0  # the highest one heard of
        self.revision = 0  # as it was last looked at
        self.early: dict[int, list[Payload]] = {}  # by their first version, events that came before what is before them
        self.repairing = False
        self.refreshing = self.refresh_again = False
        self.opening = asyncio.Lock()  # held while the version is read for the first time
        self.handing_out = asyncio.Lock()
        self.typists = Typists(conversation_id, show=self.show, spawn=spawn)

    @property
    def is_behind(self) -> bool:
        """Whether something was stored that was not handed out here."""
        return self.version is not None and self.version < self.known_version

    def open(self, head: catchup.Head) -> None:
        """Hand out what comes after this version, unless the room does so from an earlier one on."""
        if self.version is None:
            self.version, self.revision = head.version, head.revision
        self.hear_of(head.version, head.last_seq)

    def hear_of(self, version: int, seq: int) -> None:
        """Note that the conversation has come to this version and at least this seq."""
        self.known_version = max(self.known_version, version)
        self.last_seq = max(self.last_seq, seq)

    @property
    def head(self) -> tuple[int, int]:
        """The version and the last seq of the conversation, as known here."""
        return max(self.version or 0, self.known_version), self.last_seq

    async def take(self, events: list[Payload]) -> None:
        """Hand out new events, which follow each other; behind a gap wait a moment for what is missing, then read it.

        Of two processes that store one after the other the second may be heard first.
        """
        first = events[0]["version"]
        if self.version is None or first > self.version + 1:
            self.early[first] = events
            if len(self.early) == 1:
                self.spawn(self._wait_for_missing())
            return
        await self.hand_out(events)
        while following := self.early.pop(self.version + 1, None):
            await self.hand_out(following)

    async def _wait_for_missing(self) -> None:
        while self.early and self.version is not None:
            missing = self.version + 1
            await asyncio.sleep(MISSING_SECONDS)
            if self.version < missing:
                self.early.clear()
                self.repair()

    async def hand_out(self, events: list[Payload]) -> None:
        """Hand durable events, in version order, to every subscriber; what was handed out before is left out."""
        async with self.handing_out:
            new = [event for event in events if self.version is None or event["version"] > self.version]
            for number, run in enumerate(map(Run, _parts(new))):
                if number:
                    await asyncio.sleep(0)  # else what is owed grows past its bound before the loop writes any of it
                await self._hand_out(run)

    async def _hand_out(self, run: Run) -> None:
        self.version = run.last_version
        for event in run.events:
            if event["is_new"] and self.typists.has(event["sender_id"]):
                await self.typists.end_with_message(event["sender_id"])
        for subscriber in list(self.subscribers):
            if not subscriber.take_at_once(run):
                for event in run.events:
                    await subscriber.take(event)

    async def show(self, event: Payload, *, not_to: int | None = None) -> None:
        """Hand an event that is not durable to every subscriber but those of user `not_to`.

        The later one of two that have the same `about`, a kind and a user, makes the earlier one old.
        """
        for subscriber in list(self.subscribers):
            if subscriber.user_id != not_to:
                await subscriber.take(event)

    async def end(self) -> None:
        """The conversation is gone for all."""
        for subscriber in list(self.subscribers):
            await subscriber.lose(CloseCode.NOT_FOUND)

    # Repair ------------------------------------------------------------------------------------

    def repair(self) -> None:
        """Read what is missing, once for all subscribers, beside everything else."""
        if self.is_behind and not self.repairing:
            self.repairing = True
            self.spawn(self._repair())

    async def _repair(self) -> None:
        try:
            while self.subscribers and self.is_behind and self.version is not None:
                heard = self.known_version
                events, head, begins = await in_thread(catchup.read_all)(self.conversation_id, self.version)
                for subscriber in self.subscribers:
                    subscriber.begin_after(begins.get(subscriber.participant_id, 0))
                await self.hand_out(events)
                if not events and self.known_version == heard:  # nothing is missing up to the head, whatever we heard
                    self.version = self.known_version = max(self.version, head)
        except Exception as error:
            logger.warning("a conversation could not be caught up (%s); tried again", type(error).__name__)
        finally:
            self.repairing = False

    def refresh(self) -> None:
        """Look at who takes part and what the conversation is called, and show it where it has changed."""
        self.refresh_again = True
        if not self.refreshing:
            self.refreshing = True
            self.spawn(self._refresh())

    async def _refresh(self) -> None:
        try:
            while self.refresh_again:
                self.refresh_again = False
                await self._look()
        except NotFound:
            await self.end()
        except Exception as error:
            logger.warning("a conversation could not be looked at (%s); tried again", type(error).__name__)
        finally:
            self.refreshing = False

    async def _look(self) -> None:
        present = [(each, each.participant_id) for each in self.subscribers if each.participant_id]
        users = {subscriber.user_id for subscriber, _ in present}
        shown_changes = {subscriber.user_id for subscriber, _ in present if subscriber.is_told_of_changes}
        shown = await in_thread(catchup.read_shown)(self.conversation_id, users, shown_changes)
        for subscriber, participant_id in present:
            part = shown.parts.get(subscriber.user_id)
            if part is None or part.participant_id != participant_id:
                await subscriber.lose(CloseCode.NOT_PARTICIPANT)
            elif subscriber in self.subscribers:
                await subscriber.refresh(shown)
        self.revision = max(self.revision, shown.head.revision)  # now: what failed above is done again


@asynccontextmanager
async def opening(rooms: Iterable[Room]) -> AsyncIterator[None]:
    """Inside, nobody else reads for the first time how far one of these rooms is.

    Until that is known events are not kept, so a second first read could be older than the first, and its subscriber
    would miss what lies between. A room that is open is not held up: all who come there share their reads.
    """
    held = []
    try:
        for room in sorted(rooms, key=lambda room: room.conversation_id):  # in one order: else two wait for each other
            if room.version is None:
                await room.opening.acquire()
                if room.version is None:
                    held.append(room)
                else:  # another one has opened it
                    room.opening.release()
        yield
    finally:
        for room in held:
            room.opening.release()


def _parts(events: Iterable[Payload]) -> Iterator[list[Payload]]:
    """These events, as many at a time as may go by one write."""
    some: list[Payload] = []
    size = 0
    for event in events:
        size += len(event["frame"])
        if some and size > TOGETHER:
            yield some
            some, size = [], len(event["frame"])
        some.append(event)
    if some:
        yield some


def _seq(event: Payload) -> int:
    return int(event["seq"])
