"""What a timer compares with the database: versions, rights, and the conversations of every inbox.

It heals what was published while the channel layer was away, of which nothing else tells, and closes what has lost its
right, whatever the layer does.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from typing import TYPE_CHECKING

from django.utils import timezone

from chat_server.close_codes import CloseCode
from chat_server.database import in_thread, watching

from . import broadcast, catchup
from .catchup import Rights
from .inbox import Inbox, InboxSubscriber
from .room import Subscriber

if TYPE_CHECKING:
    from .hub import Hub

logger = logging.getLogger(__name__)

RECONCILE_SECONDS = 1.0  # rights that ended close their sockets within 2 s, whatever the channel layer does
# All rows of an inbox are compared each time where there are few, and else each third time: within 4 s.
INBOX_ROUNDS = 3
FEW_ROWS = 1000


class Reconciliation:
    """One hub's timer."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.inboxes: deque[Inbox] = deque()  # to be compared in this round

    async def go_on(self) -> None:
        """Compare every second, for ever; where the database is away, the next time does it."""
        failing = False
        while True:
            await asyncio.sleep(RECONCILE_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 not a secret
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
        if hub.channel.conversations != hub.rooms.keys():
            hub.spawn(hub.channel.follow(hub.rooms))  # beside: a layer that hangs holds up nothing
        present = [(each, each.participant_id) for each in hub.subscribers() if each.participant_id]
        sessions = [(connection, connection.session_id) for connection in hub.connections()]
        if not sessions:
            return
        # An inbox has all of its rows compared, those that are missing too.
        alone = {participant_id for each, participant_id in present if not isinstance(each, InboxSubscriber)}
        inboxes = self._next_inboxes()
        rights = await in_thread(catchup.read_rights, watching)(
            set(hub.rooms),
            alone,
            {session_id for _, session_id in sessions},
            {inbox.connection.user_id for inbox in inboxes},
        )
        for connection, session_id in sessions:
            if session_id == connection.session_id and session_id not in rights.session_ids:
                await connection.close(CloseCode.UNAUTHENTICATED)
        for subscriber, participant_id in present:
            if subscriber not in subscriber.room.subscribers:
                continue
            if code := _why_lost(subscriber, participant_id, rights):
                await subscriber.lose(code)
            else:
                await self._go_by(subscriber, rights)
        for user_id, places in rights.places.items():
            for conversation_id in places:
                hub.show_joined(conversation_id, [user_id])
        for room in list(hub.rooms.values()):
            if head := rights.heads.get(room.conversation_id):
                room.hear_of(head.version, head.last_seq)
                hub.repair(room)
                if head.revision > room.revision and room.version is not None:
                    hub.refresh(room)

    def _next_inboxes(self) -> list[Inbox]:
        """Those whose turn it is."""
        everyone = [inbox for several in self.hub.inboxes.values() for inbox in several if inbox.early is None]
        rows = sum(len(inbox.subscribers) for inbox in everyone)
        if rows <= FEW_ROWS:
            return everyone
        if not self.inboxes:
            self.inboxes.extend(everyone)
        count = -(-len(everyone) // INBOX_ROUNDS)
        turn = [self.inboxes.popleft() for _ in range(min(count, len(self.inboxes)))]
        here = set(everyone)
        return [inbox for inbox in turn if inbox in here]

    async def _go_by(self, subscriber: Subscriber, rights: Rights) -> None:
        """Go by what is stored; what a client has to be shown is looked at once more, in its turn."""
        if not isinstance(subscriber, InboxSubscriber):
            begin = rights.participants[subscriber.participant_id]
            subscriber.visible_after_seq = max(subscriber.visible_after_seq, begin)
        elif subscriber.user_id in rights.places:
            part = rights.places[subscriber.user_id][subscriber.room.conversation_id].part
            subscriber.visible_after_seq = max(subscriber.visible_after_seq, part.visible_after_seq)
            if part.is_hidden != subscriber.is_hidden:
                self.hub.refresh(subscriber.room)
            await subscriber.read_up_to(part.last_read_seq)


def _why_lost(subscriber: Subscriber, participant_id: int, rights: Rights) -> CloseCode | None:
    """Why the conversation is nothing to the subscriber's user any more; None where it still is, or nobody asked."""
    conversation_id = subscriber.room.conversation_id
    if conversation_id not in rights.heads:
        return CloseCode.NOT_FOUND
    if not isinstance(subscriber, InboxSubscriber):
        return None if participant_id in rights.participants else CloseCode.NOT_PARTICIPANT
    places = rights.places.get(subscriber.user_id)
    if places is None:
        return None
    place = places.get(conversation_id)
    return None if place and place.part.participant_id == participant_id else CloseCode.NOT_PARTICIPANT
