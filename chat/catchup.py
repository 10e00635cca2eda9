"""What the hub reads from the database, the truth: what a socket missed, what the channel layer lost, who still may."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q
from rest_framework.exceptions import NotFound

from authentication.tokens import live_session_ids
from chat_server.batching import Ticket, fail
from chat_server.compiled import Among, Compiled

from .broadcast import durable_event
from .events import Payload
from .models import Conversation, ConversationParticipant, Message
from .shapes import shown_to_each

# Asked every second about all that has a socket: thousands of ids are one parameter.
_heads: Compiled[tuple[int, int, int, int]] = Compiled(
    lambda ids: Conversation.objects.filter(Among("pk", ids)).values_list("pk", "version", "last_seq", "revision"),
    "ids",
)
_begins: Compiled[tuple[int, int]] = Compiled(
    lambda ids: ConversationParticipant.objects.filter(Among("pk", ids)).values_list("pk", "visible_after_seq"), "ids"
)
_places: Compiled[Any] = Compiled(
    lambda users: ConversationParticipant.objects.filter(Among("user_id", users)).values_list(
        "user",
        "conversation",
        *(f"conversation__{name}" for name in ("version", "last_seq", "revision", "updated_at")),
        *("pk", "visible_after_seq", "last_read_seq", "hidden_at_seq"),
    ),
    "users",
)
_online: Compiled[tuple[int, int]] = Compiled(
    lambda ids: ConversationParticipant.objects.filter(Among("conversation_id", ids), user__is_online=True).values_list(
        "conversation", "user"
    ),
    "ids",
)
_parts_of: Compiled[Any] = Compiled(
    lambda ids, users: ConversationParticipant.objects.filter(
        Among("conversation_id", ids), Among("user_id", users)
    ).values_list("conversation", "user", "pk", "visible_after_seq", "last_read_seq", "hidden_at_seq"),
    *("ids", "users"),
)

MAX_MISSED = 1000  # changes; who is further behind reloads over REST
AT_A_TIME = 500
READ_AT_A_TIME = 2000  # changes in one query, for whoever comes in at the same time


class Head(NamedTuple):
    """How far a conversation is."""

    version: int
    last_seq: int
    revision: int


class Part(NamedTuple):
    """What a user is in a conversation; hidden: it is not in their list, until the next message comes."""

    participant_id: int
    visible_after_seq: int
    last_read_seq: int
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """What one socket is owed: the durable events between `since` and the head, those that its user may see."""

    head: Head
    part: Part
    since: int
    recovered: bool
    events: list[Payload]
    online: list[int]


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A socket that comes in: where, whose it is, and the version that its client holds."""

    conversation_id: int
    user_id: int
    since: int | None


Newcomers = list[Ticket[Newcomer, Missed]]


def read(tickets: Sequence[Ticket[Newcomer, Missed]]) -> None:
    """Answer what each of these sockets missed; `NotFound` for who takes no part.

    Four queries for all of them, whatever their number and that of their conversations, as long as what is read stays
    small; else three for each part of it.
    """
    coming: dict[int, Newcomers] = {}
    for ticket in tickets:
        coming.setdefault(ticket.item.conversation_id, []).append(ticket)
    heads = read_heads(coming)
    few: dict[int, Newcomers] = {}
    size = 0
    for conversation_id, some in coming.items():
        if conversation_id not in heads:
            fail(some, NotFound())
            continue
        missed = heads[conversation_id].version - _lowest(some, heads[conversation_id])
        if few and size + missed > READ_AT_A_TIME:
            _answer(few, heads)
            few, size = {}, 0
        few[conversation_id] = some
        size += missed
    if few:
        _answer(few, heads)


def _answer(coming: dict[int, Newcomers], heads: dict[int, Head]) -> None:
    # The parts are read last: a removal that they do not show yet has a version above what was read, and comes live.
    lowest = {conversation_id: _lowest(some, heads[conversation_id]) for conversation_id, some in coming.items()}
    events = _events_after({pk: version for pk, version in lowest.items() if version < heads[pk].version})
    online: dict[int, set[int]] = {conversation_id: set() for conversation_id in coming}
    for conversation_id, user_id in _online(ids=list(coming)):
        online[conversation_id].add(user_id)
    users = {ticket.item.user_id for some in coming.values() for ticket in some}
    parts = {(pk, user_id): row for pk, user_id, *row in _parts_of(ids=list(coming), users=list(users))}
    for conversation_id, some in coming.items():
        known, missed = heads[conversation_id], events.get(conversation_id, [])
        head = _reached(known, missed)
        for ticket in some:
            user_id, row = ticket.item.user_id, parts.get((conversation_id, ticket.item.user_id))
            if row is None:
                fail([ticket], NotFound())
                continue
            part, begin = _part(head.last_seq, *row), _begin(ticket.item.since, known.version)
            since = head.version if begin is None else begin
            mine = [each for each in missed if each["version"] > since and each["seq"] > part.visible_after_seq]
            here = sorted(online[conversation_id] | {user_id})
            ticket.answer.set_result(Missed(head, part, since, begin is not None, mine, here))


def _lowest(coming: Newcomers, head: Head) -> int:
    """The lowest version after which one of them is told everything."""
    begins = (_begin(ticket.item.since, head.version) for ticket in coming)
    return min([head.version, *(begin for begin in begins if begin is not None)])


def _reached(head: Head, events: Iterable[Payload]) -> Head:
    """The head after these events: what was stored after it was read may be among them."""
    version = max([head.version, *(event["version"] for event in events)])
    return head._replace(version=version, last_seq=max([head.last_seq, *(event["seq"] for event in events)]))


def _begin(since: int | None, version: int) -> int | None:
    """The version after which a client is told everything; None where it has to reload."""
    return since if since is not None and 0 <= version - since <= MAX_MISSED else None


def _part(last_seq: int, pk: int, visible_after_seq: int, last_read_seq: int, hidden_at_seq: int | None) -> Part:
    """Of a row of that conversation; what is hidden is as `models.LISTED` has it."""
    return Part(pk, visible_after_seq, last_read_seq, hidden_at_seq is not None and hidden_at_seq >= last_seq)


def read_all(conversation_id: int, since: int) -> tuple[list[Payload], int, dict[int, int]]:
    """The next durable events after version `since`, a version up to which nothing else is missing, and by participant
    where their history begins: the layer may have lost its deletion, and then an edit of something older.
    """
    head = Conversation.objects.filter(pk=conversation_id).values_list("version", flat=True).first() or since
    changed = Message.objects.with_people().filter(conversation=conversation_id, version__gt=since)
    events = [durable_event(message) for message in changed.order_by("version")[:AT_A_TIME]]
    if all(event["is_new"] for event in events):
        return events, head, {}
    parts = ConversationParticipant.objects.filter(conversation=conversation_id)
    return events, head, dict(parts.values_list("pk", "visible_after_seq"))


# Inboxes ------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """One of a user's conversations."""

    head: Head
    part: Part
    updated_at: datetime


Places = dict[int, Place]  # by conversation


def read_places(tickets: Sequence[Ticket[int, Places]]) -> None:
    """Answer each of these users' conversations, in one query for all."""
    by_user = places_of({ticket.item for ticket in tickets})
    for ticket in tickets:
        ticket.answer.set_result(by_user[ticket.item])


def places_of(user_ids: Iterable[int]) -> dict[int, Places]:
    """These users' conversations, by user, in one query for all; none for nobody."""
    by_user: dict[int, Places] = {user_id: {} for user_id in user_ids}
    if not by_user:
        return {}
    rows = _places(users=list(by_user))
    for user_id, conversation_id, version, last_seq, revision, updated_at, pk, begin, read_seq, hidden in rows:
        part = _part(last_seq, pk, begin, read_seq, hidden)
        by_user[user_id][conversation_id] = Place(Head(version, last_seq, revision), part, updated_at)
    return by_user


class Held(NamedTuple):
    """How far a client is in a conversation."""

    conversation_id: int
    version: int


def read_changes(tickets: Sequence[Ticket[Held, list[Payload]]]) -> None:
    """Answer the durable events after each of these versions, in one query for all."""
    lowest: dict[int, int] = {}
    for ticket in tickets:
        conversation_id, version = ticket.item
        lowest[conversation_id] = min(version, lowest.get(conversation_id, version))
    events = _events_after(lowest)
    for ticket in tickets:
        conversation_id, held = ticket.item
        ticket.answer.set_result([each for each in events[conversation_id] if each["version"] > held])


def _events_after(versions: dict[int, int]) -> dict[int, list[Payload]]:
    """The durable events after a version of each of these conversations, in one query; none for none."""
    events: dict[int, list[Payload]] = {conversation_id: [] for conversation_id in versions}
    if not versions:
        return events
    wanted = Q()
    for conversation_id, version in versions.items():
        wanted |= Q(conversation=conversation_id, version__gt=version)
    for message in Message.objects.with_people().filter(wanted).order_by("version"):
        events[message.conversation_id].append(durable_event(message))
    return events


@dataclass(frozen=True, slots=True)
class Shown:
    """A conversation as each of some users sees it now, by user; who is not in `parts` takes no part."""

    head: Head
    parts: dict[int, Part]
    payloads: dict[int, Payload]


def read_shown(conversation_id: int, user_ids: set[int], with_payload_for: set[int]) -> Shown:
    """What these users are in the conversation, and its shape for some of them, in five queries; `NotFound`.

    The head is read first: what has changed since makes another revision, or another version.
    """
    conversation = Conversation.objects.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound
    rows = list(ConversationParticipant.objects.filter(conversation=conversation_id, user__in=user_ids))
    if len(rows) < len(user_ids) and not Conversation.objects.filter(pk=conversation_id).exists():
        raise NotFound  # deleted meanwhile, which is not the same as to be removed
    head = Head(conversation.version, conversation.last_seq, conversation.revision)
    payloads: dict[int, Payload] = {}
    if mine := [row for row in rows if row.user_id in with_payload_for]:
        payloads = shown_to_each(conversation, mine)
    parts = {
        row.user_id: _part(head.last_seq, row.pk, row.visible_after_seq, row.last_read_seq, row.hidden_at_seq)
        for row in rows
    }
    return Shown(head, parts, payloads)


# Rights -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rights:
    """What holds now: heads, participants as `visible_after_seq`, live sessions, and all places of some users."""

    heads: dict[int, Head]
    participants: dict[int, int]
    session_ids: set[str]
    places: dict[int, Places]


def read_heads(conversation_ids: Iterable[int]) -> dict[int, Head]:
    """How far these conversations are; those that are not there are left out."""
    return {pk: Head(*head) for pk, *head in _heads(ids=list(conversation_ids))}


def read_rights(
    conversation_ids: set[int], participant_ids: set[int], session_ids: set[str], user_ids: set[int]
) -> Rights:
    """The state of what has sockets in a process, in four queries, whatever their number."""
    participants: dict[int, int] = dict(_begins(ids=list(participant_ids))) if participant_ids else {}
    return Rights(
        heads=read_heads(conversation_ids),  # last: who is in a conversation that goes meanwhile was not removed
        participants=participants,
        session_ids=live_session_ids(session_ids),
        places=places_of(user_ids),
    )
