"""What a timer compares with the database: versions, rights, and the conversations of every inbox.

It heals what was published while the channel layer was away, of which nothing else tells, and closes what has lost its
right, whatever the layer does.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, TypeVar

from django.utils import timezone

from chat_server.close_codes import CloseCode
from chat_server.database import in_thread, watching

from . import broadcast, catchup
from .catchup import Rights
from .inbox import Inbox, InboxSubscriber
from .room import Room, Subscriber

if TYPE_CHECKING:
    from .hub import Hub

logger = logging.getLogger(__name__)

Item = TypeVar("Item")

RECONCILE_SECONDS = 1.0  # rights that ended close their sockets within 2 s, whatever the channel layer does
# All rows of an inbox are compared each time where there are few, and else each third time: within 4 s.
INBOX_ROUNDS = 3
FEW_ROWS = 1000
ON_ITS_WAY_SECONDS = 0.3  # in a busy room there is always something: to read it from the database would be work twice
AT_A_TIME = 500  # compared before other tasks have their turn


class Reconciliation:
    """One hub's timer."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.tick = 0

    async def go_on(self) -> None:
        """Compare every second, for ever; where the database is away, the next time does it."""
        failing = False
        while True:
            await asyncio.sleep(RECONCILE_SECONDS * random.uniform(0.8, 1.2))  # not a secret  # nosec B311
            try:
                await self.once()
            except Exception as error:
                if not failing:
                    logger.warning("the hub cannot compare with the database (%s); tried again", type(error).__name__)
                failing = True
            else:
                failing = False

    async def once(self) -> None:
        """Close what has lost its right, repair what is behind: four queries for all sockets of this process."""
        hub, now = self.hub, timezone.now()
        for connection in hub.connections():
            if connection.expires_at <= now:
                await connection.close(CloseCode.UNAUTHENTICATED)
        if broadcast.published.failing:
            hub.spawn(broadcast.probe())
        if not hub.channel.follows(hub.rooms.keys()):
            hub.spawn(hub.channel.follow(hub.rooms))  # beside: a layer that hangs holds up nothing
        # No pair of each: so many new objects at once have the garbage collector look at everything there is.
        sessions = {connection: connection.session_id for connection in hub.connections()}
        if not sessions:
            return
        inboxes = self._next_inboxes()
        present = [*hub.sockets, *(subscriber for inbox in inboxes for subscriber in inbox.subscribers.values())]
        parts = {subscriber: subscriber.participant_id for subscriber in present if subscriber.participant_id}
        rooms = list(hub.rooms.values())
        rights = await in_thread(catchup.read_rights, watching)(
            set(hub.rooms),
            {subscriber.participant_id for subscriber in hub.sockets},
            set(sessions.values()),
            {inbox.connection.user_id for inbox in inboxes},
        )
        for connection, session_id in sessions.items():
            if session_id == connection.session_id and session_id not in rights.session_ids:
                await connection.close(CloseCode.UNAUTHENTICATED)
        await self._compare_rooms(rooms, rights)
        await self._compare_parts(parts, rights)
        for inbox in inboxes:
            for conversation_id in rights.places[inbox.connection.user_id].keys() - inbox.subscribers.keys():
                hub.show_joined(conversation_id, [inbox.connection.user_id])

    def _next_inboxes(self) -> list[Inbox]:
        """Those whose turn it is."""
        everyone = [inbox for several in self.hub.inboxes.values() for inbox in several if inbox.early is None]
        is_few = sum(len(inbox.subscribers) for inbox in everyone) <= FEW_ROWS
        rounds = 1 if is_few else INBOX_ROUNDS
        self.tick += 1
        return [inbox for inbox in everyone if inbox.serial % rounds == self.tick % rounds]

    async def _compare_rooms(self, rooms: list[Room], rights: Rights) -> None:
        behind: list[tuple[Room, int]] = []
        async for room in _in_turns(rooms):
            head = rights.heads.get(room.conversation_id)
            if head is None:
                await room.end()
                continue
            room.hear_of(head.version, head.last_seq)
            if room.is_behind:
                behind.append((room, head.version))
            if head.revision > room.revision and room.version is not None:
                room.refresh()
        if behind:
            self.hub.spawn(_repair(behind))

    async def _compare_parts(self, parts: dict[Subscriber, int], rights: Rights) -> None:
        """Each subscriber with the participant that it was when that was read."""
        async for subscriber in _in_turns(parts):
            if _is_as_it_was(subscriber, parts[subscriber], rights) or subscriber not in subscriber.room.subscribers:
                continue
            if _is_lost(subscriber, parts[subscriber], rights):
                await subscriber.lose(CloseCode.NOT_PARTICIPANT)
            else:
                await self._go_by(subscriber, rights)

    async def _go_by(self, subscriber: Subscriber, rights: Rights) -> None:
        """Go by what is stored; what a client has to be shown is looked at once more, in its turn."""
        if not isinstance(subscriber, InboxSubscriber):
            subscriber.begin_after(rights.participants[subscriber.participant_id])
            return
        part = rights.places[subscriber.user_id][subscriber.room.conversation_id].part
        subscriber.begin_after(part.visible_after_seq)
        if part.is_hidden != subscriber.is_hidden:
            subscriber.room.refresh()
        elif not subscriber.is_hidden:
            await subscriber.read_up_to(part.last_read_seq)


def _is_as_it_was(subscriber: Subscriber, participant_id: int, rights: Rights) -> bool:
    """Whether there is nothing to do for a socket of one conversation, as there is for almost all of them."""
    return (
        not subscriber.is_told_of_changes
        and rights.participants.get(participant_id) == subscriber.visible_after_seq
        and participant_id == subscriber.participant_id
    )


def _is_lost(subscriber: Subscriber, participant_id: int, rights: Rights) -> bool:
    """Whether the subscriber's user is no longer that participant."""
    if not isinstance(subscriber, InboxSubscriber):
        return participant_id not in rights.participants
    place = rights.places[subscriber.user_id].get(subscriber.room.conversation_id)
    return place is None or place.part.participant_id != participant_id


async def _repair(behind: list[tuple[Room, int]]) -> None:
    """Repair what has not come to these versions, once what is on its way has had its time."""
    if not broadcast.published.failing:
        await asyncio.sleep(ON_ITS_WAY_SECONDS)
    for room, version in behind:
        if room.version is not None and room.version < version:
            room.repair()


async def _in_turns(everything: Iterable[Item]) -> AsyncIterator[Item]:
    """Each of them, with a turn for the others now and then."""
    for number, each in enumerate(everything, 1):
        yield each
        if number % AT_A_TIME == 0:
            await asyncio.sleep(0)
