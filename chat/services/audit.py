"""Whether what is stored twice says the same twice: counters, markers and keys, against the rows that they stand for.

The rule of this file: the check is a fixed number of statements over all rows, and what they suspect is looked at again
under the conversation's row lock, one conversation a transaction, before it is called a drift; so a server that goes on
writing makes none. Numbers are never taken back: clients hold the `seq` and `version` that they were given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction
from rest_framework.exceptions import NotFound

from chat import broadcast, presence
from chat.models import Conversation, ConversationParticipant

from . import log, suspicion

GONE = "the rows are gone and cannot come back"
TOLD_EVERY = 100
SHOWN_HOLES = 20  # of one conversation
Hole = tuple[int, int]  # the first and the last seq that is missing


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is stored and is not as the rows say; `mended` is None where nothing was tried."""

    where: str
    found: str
    mended: bool | None
    why_not: str = ""

    def __str__(self) -> str:
        """In one plain line."""
        if self.why_not:
            return f"{self.where}: {self.found} – cannot be mended: {self.why_not}"
        return f"{self.where}: {self.found}{' – mended' if self.mended else ''}"


def audit(*, repair: bool = False, progress: Callable[[str], None] = lambda words: None) -> Iterator[Drift]:
    """Every drift, one conversation after the other; with `repair` what can be mended is.

    `progress` is told in a few words what is being done.
    """
    suspects: set[int] = set()
    for words, suspicious in suspicion.OF_CONVERSATIONS.items():
        progress(words)
        suspects.update(suspicious())
    for number, conversation_id in enumerate(sorted(suspects)):
        if number % TOLD_EVERY == 0:
            progress(f"looking closely at what is suspicious: {number} of {len(suspects)} conversations")
        yield from examine(conversation_id=conversation_id, repair=repair)
    progress("who is online")
    for user_id in sorted(suspicion.of_presence()):
        yield from examine_presence(user_id=user_id, repair=repair)


@transaction.atomic
def examine(*, conversation_id: int, repair: bool) -> list[Drift]:
    """The drifts of one conversation, seen under its lock; none where it is gone."""
    try:
        conversation = log.lock(conversation_id=conversation_id)
    except NotFound:
        return []
    look = _Look(conversation, repair)
    for part in (look.at_counters, look.at_holes, look.at_times, look.at_markers, look.at_people):
        part()
    return look.drifts


@transaction.atomic
def examine_presence(*, user_id: int, repair: bool) -> list[Drift]:
    """Whether a user is online by their leases and not by their row, or the other way round, seen under its lock."""
    wrong = suspicion.wrong_presence().filter(pk=user_id).select_for_update(no_key=True).first()
    # The lock may have been waited for: only now is what its holder wrote seen.
    if wrong is None or not suspicion.wrong_presence().filter(pk=user_id).exists():
        return []
    if repair:
        news, _ = presence.settle("audit", set(), {user_id})
        broadcast.publish_on_commit((broadcast.EVERYWHERE, broadcast.statuses(news)))
    leases = "without a lease" if wrong.is_online else "with a live lease"
    found = f"is_online is {wrong.is_online} {leases}, should be {not wrong.is_online}"
    return [Drift(f"user {user_id} ({wrong.username})", found, True if repair else None)]


class _Look:
    """One locked conversation, looked at part by part; what is found counts for the parts that follow."""

    def __init__(self, conversation: Conversation, repair: bool) -> None:
        self.conversation = conversation
        self.repair = repair
        self.drifts: list[Drift] = []
        self.holes: list[Hole] = []

    def _drift(self, found: str, *, why_not: str = "", of: ConversationParticipant | None = None) -> None:
        where = f"conversation {self.conversation.pk}"
        if of is not None:
            where = f"{where}, {of.user.username} (user {of.user_id})"
        mended = not why_not if self.repair else None
        self.drifts.append(Drift(where, found, mended, why_not))

    def _set(self, field: str, value: object) -> None:
        """Take the value for the right one; stored only to repair."""
        setattr(self.conversation, field, value)
        if self.repair:
            self.conversation.save(update_fields=[field])

    def at_counters(self) -> None:
        """`last_seq` and `version` against the newest rows: raised where they are behind, never lowered."""
        for field, top, what in zip(
            ("last_seq", "version"),
            suspicion.heads_of(self.conversation),
            ("the newest message has seq", "the newest change has version"),
            strict=True,
        ):
            stored: int = getattr(self.conversation, field)
            if stored < top:
                self._drift(f"{field} is {stored}, should be {top}")
                self._set(field, top)
            elif stored > top:
                self._drift(f"{field} is {stored}, and {what} {top}", why_not=f"{GONE}, and no number is given twice")

    def at_holes(self) -> None:
        """`seq` is 1, 2, 3 …; and unread counts, which are arithmetic on it, against the rows that are there."""
        for seq, following in suspicion.breaks_of(self.conversation, self.conversation.last_seq + 1):
            if following > seq:
                self.holes.append((seq + 1, following - 1))
            else:
                self._drift(f"seq {following} is there twice", why_not="which of them is to go is not known")
        for low, high in self.holes[:SHOWN_HOLES]:
            self._drift(f"seq {low if low == high else f'{low} to {high}'} is missing", why_not=GONE)
        if len(self.holes) > SHOWN_HOLES:
            self._drift(f"seq is missing at {len(self.holes) - SHOWN_HOLES} more places", why_not=GONE)
        if self.holes:
            self._recount_unread()

    def _recount_unread(self) -> None:
        last_hole = self.holes[-1][1]
        for each in self._participants().filter(last_read_seq__lt=last_hole):
            missing = sum(max(0, high - max(low, each.last_read_seq + 1) + 1) for low, high in self.holes)
            shown = each.unread_in(self.conversation)
            text = f"unread_count is {shown}, should be {shown - missing}"
            self._drift(text, why_not="it counts the missing ones, too, until they are read past", of=each)

    def at_times(self) -> None:
        """`updated_at` is not before the newest message, and of a private conversation the very same."""
        newest = self.conversation.messages.filter(seq=self.conversation.last_seq).first()
        stored = self.conversation.updated_at
        if newest is None or stored == newest.created_at:
            return
        if stored < newest.created_at or not self.conversation.is_group:
            self._drift(f"updated_at is {stored.isoformat()}, should be {newest.created_at.isoformat()}")
            self._set("updated_at", newest.created_at)

    def at_markers(self) -> None:
        """No marker is above `last_seq`; nobody is admin of a private conversation, and no group is hidden."""
        end = self.conversation.last_seq
        for each in self._participants().filter(suspicion.WRONG_MARKERS):
            wrong: dict[str, object] = {}
            for field in ("last_read_seq", "visible_after_seq", "hidden_at_seq"):
                if (getattr(each, field) or 0) > end:
                    wrong[field] = end
            if self.conversation.is_group and each.hidden_at_seq is not None:
                wrong["hidden_at_seq"] = None
            if not self.conversation.is_group and each.is_admin:
                wrong["is_admin"] = False
            for field, value in wrong.items():
                self._drift(f"{field} is {getattr(each, field)}, should be {value}", of=each)
            if self.repair and wrong:  # not the whole row: its reader may be reading, without the lock
                self.conversation.participants.filter(pk=each.pk).update(**wrong)

    def at_people(self) -> None:
        """A group has an admin; the key of a private conversation names its two."""
        people = list(self._participants().order_by("joined_at", "id")[:3])
        if not people:
            self._drift("nobody takes part in it", why_not="who did is not known; the admin site can delete it")
        elif self.conversation.is_group:
            self._at_admins(people[0])
        elif len(people) > 2:
            self._drift("more than two take part in it, and it is private", why_not="who is wrong there is not known")
        elif len(people) == 2:
            self._at_key(Conversation.private_key_of(*(each.user_id for each in people)))
        else:
            self._at_lonely(people[0])

    def _at_admins(self, heir: ConversationParticipant) -> None:
        if not self.conversation.participants.filter(is_admin=True).exists():
            self._drift(f"it has no admin, should have {heir.user.username} (user {heir.user_id})")
            if self.repair:
                self.conversation.participants.filter(pk=heir.pk).update(is_admin=True)
                log.append_system(self.conversation, {"action": "admin_granted", "user_id": heir.user_id}, actor=None)

    def _at_key(self, key: str) -> None:
        if self.conversation.private_key != key:
            is_taken = Conversation.objects.filter(private_key=key).exists()
            why_not = "another conversation has that key" if is_taken else ""
            self._drift(f"private_key is {self.conversation.private_key}, should be {key}", why_not=why_not)
            if not is_taken:
                self._set("private_key", key)

    def _at_lonely(self, one: ConversationParticipant) -> None:
        """Whoever is left alone has an account that is gone opposite."""
        key = self.conversation.private_key or ""
        other = suspicion.other_in(key, one.user_id)
        if other is None:
            self._drift(
                f"private_key is {key}, and user {one.user_id} is alone in it", why_not="who else was is not known"
            )
        elif suspicion.is_user(other):
            why_not = f"what user {other} may see is not known"
            self._drift(f"user {other} does not take part in it, and private_key is {key}", why_not=why_not)

    def _participants(self) -> suspicion.Participants:
        return self.conversation.participants.select_related("user").order_by("pk")
