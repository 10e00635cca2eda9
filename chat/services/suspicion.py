"""What `audit` looks at closely: each suspicion is one or two statements over all rows, and reads no more than ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import (
    CharField,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import Cast, Coalesce, Concat, Lag
from django.utils import timezone

from chat.models import Conversation, ConversationParticipant, Message, PresenceLease

Participants = QuerySet[ConversationParticipant]
CHUNK = 2000  # rows in memory at a time

IS_PRIVATE = Q(type=Conversation.Type.PRIVATE)
IN_PRIVATE = Q(conversation__type=Conversation.Type.PRIVATE)
WRONG_MARKERS = (
    Q(last_read_seq__gt=F("conversation__last_seq"))
    | Q(visible_after_seq__gt=F("conversation__last_seq"))
    | Q(hidden_at_seq__gt=F("conversation__last_seq"))
    | (IN_PRIVATE & Q(is_admin=True))
    | (~IN_PRIVATE & Q(hidden_at_seq__isnull=False))
)


def _newest(field: str) -> Coalesce:
    """The highest of its messages, by an index; 0 where there is none."""
    messages = Message.objects.filter(conversation=OuterRef("pk")).order_by(f"-{field}")
    return Coalesce(Subquery(messages.values(field)[:1]), 0)


def _wrong_counters() -> Iterator[int]:
    heads = Conversation.objects.alias(top_seq=_newest("seq"), top_version=_newest("version"))
    return heads.exclude(last_seq=F("top_seq"), version=F("top_version")).values_list("pk", flat=True).iterator(CHUNK)


def _breaks(messages: QuerySet[Message]) -> QuerySet[Any]:
    """The messages that do not follow on the one before them, whose seq is `previous` (0: there is none)."""
    before = Window(Lag("seq", default=0), partition_by=F("conversation"), order_by=F("seq").asc())
    steps: QuerySet[Any] = messages.annotate(previous=before)
    return steps.exclude(seq=F("previous") + 1)


def _holes() -> Iterator[int]:
    return _breaks(Message.objects.all()).values_list("conversation", flat=True).iterator(CHUNK)


def _wrong_times() -> Iterator[int]:
    newest = Message.objects.filter(conversation=OuterRef("pk"), seq=OuterRef("last_seq")).values("created_at")
    wrong = Q(updated_at__lt=F("newest_at")) | (IS_PRIVATE & Q(updated_at__gt=F("newest_at")))
    timed = Conversation.objects.alias(newest_at=Subquery(newest))
    return timed.filter(wrong).values_list("pk", flat=True).iterator(CHUNK)


def _wrong_markers() -> Iterator[int]:
    return ConversationParticipant.objects.filter(WRONG_MARKERS).values_list("conversation", flat=True).iterator(CHUNK)


def _wrong_people() -> Iterator[int]:
    """Groups without an admin; private conversations whose key does not name the two, or with too many or nobody."""
    admins = ConversationParticipant.objects.filter(conversation=OuterRef("pk"), is_admin=True)
    low, high = (Cast(which("participants__user"), CharField()) for which in (Min, Max))
    people = Conversation.objects.alias(people=Count("participants"), named=Concat(low, Value(":"), high))
    wrong_key = IS_PRIVATE & ~Q(people=1) & ~Q(people=2, private_key=F("named"))
    return people.filter(wrong_key | (~IS_PRIVATE & ~Exists(admins))).values_list("pk", flat=True).iterator(CHUNK)


def _lonely() -> Iterator[int]:
    """Private conversations with one participant, though the other's account is there, or is not named."""
    alone = Conversation.objects.filter(IS_PRIVATE).annotate(
        people=Count("participants"), one=Min("participants__user")
    )
    by_other: dict[int, list[int]] = {}
    for pk, key, one in alone.filter(people=1).values_list("pk", "private_key", "one").iterator(CHUNK):
        other = other_in(key or "", one)
        if other is None:
            yield pk
        else:
            by_other.setdefault(other, []).append(pk)
    if by_other:
        for user_id in get_user_model().objects.values_list("pk", flat=True).iterator(CHUNK):
            yield from by_other.get(user_id, ())


OF_CONVERSATIONS: dict[str, Callable[[], Iterator[int]]] = {
    "last_seq and version of every conversation": _wrong_counters,
    "the seq of every message": _holes,
    "when every conversation was last active": _wrong_times,
    "the markers of every participant": _wrong_markers,
    "the people of every conversation": _wrong_people,
    "private conversations with one left": _lonely,
}


def wrong_presence() -> QuerySet[Any]:
    """Users online without any lease, which no server would end, or offline with one that has not run out.

    A lease that ran out is none of these: the next tick of a server ends it.
    """
    leases = PresenceLease.objects.filter(user=OuterRef("pk"))
    live = leases.filter(expires_at__gt=timezone.now())
    wrong = (Q(is_online=True) & ~Exists(leases)) | (Q(is_online=False) & Exists(live))
    users: QuerySet[Any] = get_user_model().objects.filter(wrong)
    return users


def of_presence() -> list[int]:
    """Their ids."""
    return list(wrong_presence().values_list("pk", flat=True))


# One conversation -------------------------------------------------------------------------------


def heads_of(conversation: Conversation) -> tuple[int, int]:
    """The highest seq and version among its rows, 0 where there is none."""
    top = conversation.messages.aggregate(seq=Coalesce(Max("seq"), 0), version=Coalesce(Max("version"), 0))
    return top["seq"], top["version"]


def breaks_of(conversation: Conversation, end: int) -> Iterator[tuple[int, int]]:
    """Each (seq, next seq) that are not one apart, from 0 up to `end`."""
    yield from _breaks(conversation.messages.all()).order_by("seq").values_list("previous", "seq").iterator(CHUNK)
    last = heads_of(conversation)[0]
    if last + 1 != end:
        yield last, end


def other_in(key: str, user_id: int) -> int | None:
    """Whom a private conversation's key names beside that user; None where it does not name them."""
    ids = key.split(":")
    if len(ids) != 2 or not all(each.isdecimal() for each in ids) or str(user_id) not in ids:
        return None
    return int(ids[1] if ids[0] == str(user_id) else ids[0])


def is_user(user_id: int) -> bool:
    """Whether there is such an account."""
    return get_user_model().objects.filter(pk=user_id).exists()
