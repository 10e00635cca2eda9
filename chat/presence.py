"""Who is online, over all processes: leases in the database, so that they outlive Redis and end with a killed process.

A process holds one lease for each user with a socket in it, and renews all of them by one statement. `User.is_online`
is what was announced last: it flips, under the user's row lock, with the first and the last lease, and only the process
that flips it tells the others.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat_server.database import in_thread, watching
from chat_server.rendering import timestamp

from . import broadcast
from .events import Payload
from .models import ConversationParticipant, PresenceLease

if TYPE_CHECKING:
    from authentication.models import User

logger = logging.getLogger(__name__)

GRACE_SECONDS = 3.0  # a page that is loaded again is not seen to go
TICK_SECONDS = 10.0
BUSY_SECONDS = 0.2  # before a user's row that somebody else holds is tried again
LEASE = timedelta(seconds=40)  # a killed process shows after LEASE + TICK_SECONDS at most


@dataclass(slots=True)
class Turn:
    """Users whose sockets came or went while the turn before was written; they are written together."""

    users: set[int]
    written: asyncio.Future[None]


class Presence:
    """The leases of this process."""

    def __init__(self) -> None:
        self.process = uuid.uuid4().hex
        self.sockets: Counter[int] = Counter()
        self.leased: set[int] = set()  # who is online here, those in their grace too
        self.leaving: dict[int, asyncio.TimerHandle] = {}  # whose last socket closed, until the grace is over
        self.next: Turn | None = None
        self.wake = asyncio.Event()

    def opened(self, user_id: int) -> None:
        """Count a socket of the user; they are not online by it before `show`."""
        self.sockets[user_id] += 1
        if user_id in self.leaving:
            self.leaving.pop(user_id).cancel()

    async def show(self, user_id: int) -> None:
        """A socket of the user was let in: when this returns they are online; soon, where somebody holds their row."""
        if user_id not in self.leased:
            self.leased.add(user_id)
            await asyncio.shield(self._enqueue(user_id))  # others may wait for the same turn

    def closed(self, user_id: int) -> None:
        """A socket of the user closed; without another one they go offline after a short grace."""
        self.sockets[user_id] -= 1
        if self.sockets[user_id] <= 0:
            del self.sockets[user_id]
            self.leaving[user_id] = asyncio.get_running_loop().call_later(GRACE_SECONDS, self._hide, user_id)

    def _hide(self, user_id: int) -> None:
        del self.leaving[user_id]
        if user_id in self.leased:
            self.leased.discard(user_id)
            self._enqueue(user_id)

    def _enqueue(self, user_id: int) -> asyncio.Future[None]:
        if self.next is None:
            self.next = Turn(set(), asyncio.get_running_loop().create_future())
        self.next.users.add(user_id)
        self.wake.set()
        return self.next.written

    async def run(self) -> None:
        """Write what came and went, renew the leases, end those of killed processes; for ever."""
        loop = asyncio.get_running_loop()
        tick_at = 0.0
        while True:
            if loop.time() >= tick_at:
                tick_at = loop.time() + TICK_SECONDS
                await self._write(None)
            try:
                async with asyncio.timeout_at(tick_at):  # wait_for may swallow the cancellation of stop()
                    await self.wake.wait()
            except TimeoutError:
                continue
            self.wake.clear()
            turn, self.next = self.next, None
            if turn is not None:
                try:
                    await self._write(turn.users)
                finally:
                    turn.written.set_result(None)

    async def _write(self, users: set[int] | None) -> None:
        """Write the state of some users, or (None) renew all; where the database is away, the next tick does it."""
        present = set(self.leased)
        try:
            if users is None:
                news, busy = await in_thread(renew, watching)(self.process, present)
            else:
                news, busy = await in_thread(settle, watching)(self.process, users & present, users - present)
        except Exception as error:
            logger.warning("presence could not be written (%s); tried again", type(error).__name__)
            return
        if news:
            broadcast.publish_soon((broadcast.EVERYWHERE, broadcast.statuses(news)))
        if busy:
            asyncio.get_running_loop().call_later(BUSY_SECONDS, self._enqueue_all, busy)

    def _enqueue_all(self, users: set[int]) -> None:
        for user_id in users:
            self._enqueue(user_id)

    async def stop(self) -> None:
        """Let the leases end soon: who comes back to another process meanwhile is never seen to go."""
        try:
            await in_thread(expire)(self.process)
        except Exception as error:
            logger.warning("presence could not be ended (%s); it ends by itself", type(error).__name__)


def _leases(process: str) -> QuerySet[PresenceLease]:
    return PresenceLease.objects.filter(process=process)


def expire(process: str) -> None:
    """Make the leases of a process end after the grace."""
    _leases(process).update(expires_at=timezone.now() + timedelta(seconds=GRACE_SECONDS))


News = tuple[list[Payload], set[int]]  # statuses to publish, and users whose row somebody else holds: to be tried again


def renew(process: str, present: set[int]) -> News:
    """Renew the leases of a process and end all that ran out anywhere."""
    now = timezone.now()
    renewed = _leases(process).filter(user__in=present).update(expires_at=now + LEASE)
    ended = set(PresenceLease.objects.filter(expires_at__lt=now).values_list("user", flat=True))
    missing = present if renewed < len(present) else set()
    # Who is here stays here, though a lease of theirs ended in a process that died.
    return settle(process, missing | (ended & present), ended - present) if missing or ended else ([], set())


@transaction.atomic
def settle(process: str, present: set[int], absent: set[int]) -> News:
    """Write leases for `present`, end those for `absent`, and flip `is_online` where that decides it."""
    user_model = get_user_model()
    now = timezone.now()
    # The user's row orders the processes: else a last lease that goes and a first one that comes miss each other.
    # One that is held for long (an account that is being deleted) holds up nobody else.
    asked = user_model.objects.filter(pk__in=present | absent)
    rows = asked.order_by("pk").select_for_update(no_key=True, skip_locked=True)
    users = {user.pk: user for user in rows}
    others = (present | absent) - users.keys()
    busy = set(asked.filter(pk__in=others).values_list("pk", flat=True)) if others else set()
    leases = [PresenceLease(process=process, user_id=pk, expires_at=now + LEASE) for pk in present & users.keys()]
    PresenceLease.objects.bulk_create(
        leases, update_conflicts=True, unique_fields=["process", "user"], update_fields=["expires_at"]
    )
    _leases(process).filter(user__in=absent & users.keys()).delete()
    PresenceLease.objects.filter(user__in=users, expires_at__lt=now).delete()
    held = set(PresenceLease.objects.filter(user__in=users).values_list("user", flat=True))
    came = [user for pk, user in users.items() if pk in held and not user.is_online]
    went = [user for pk, user in users.items() if pk not in held and user.is_online]
    user_model.objects.filter(pk__in=[user.pk for user in came]).update(is_online=True)
    user_model.objects.filter(pk__in=[user.pk for user in went]).update(is_online=False, last_seen=now)
    for user in came:
        user.is_online = True
    for user in went:
        user.is_online, user.last_seen = False, now
    return _statuses([*came, *went]), busy


def _statuses(users: list[User]) -> list[Payload]:
    """What the other processes are told of users who came or went, with all their conversations."""
    if not users:
        return []
    conversations: dict[int, list[int]] = {user.pk: [] for user in users}
    parts = ConversationParticipant.objects.filter(user__in=users).values_list("user", "conversation")
    for user_id, conversation_id in parts:
        conversations[user_id].append(conversation_id)
    return [
        broadcast.status(
            user_id=user.pk,
            username=user.username,
            online=user.is_online,
            last_seen=timestamp(user.last_seen) if user.last_seen else None,
            conversation_ids=conversations[user.pk],
        )
        for user in users
    ]
