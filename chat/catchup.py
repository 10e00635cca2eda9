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

MAX_MISSED = 1000  # changes; who is further behind reloads over REST
AT_A_TIME = 500


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
    """A socket that comes in: whose it is, and the version that its client holds."""

    user_id: int
    since: int | None


def read(conversation_id: int, tickets: Sequence[Ticket[Newcomer, Missed]]) -> None:
    """Answer what each of these sockets missed, in four queries for all; `NotFound` for who takes no part.

    The parts are read last: a removal that they do not show yet has a version above what was read, and comes live.
    """
    head = read_heads([conversation_id]).get(conversation_id)
    if head is None:
        raise NotFound
    begins = {ticket: _begin(ticket.item.since, head.version) for ticket in tickets}
    lowest = min([head.version, *(begin for begin in begins.values() if begin is not None)])
    messages: list[Message] = []
    if lowest < head.version:
        changed = Message.objects.with_people().filter(conversation=conversation_id, version__gt=lowest)
        messages = list(changed.order_by("version"))
    events = [durable_event(message) for message in messages]
    # What was stored after the head was read may be there too.
    version = max([head.version, *(message.version for message in messages)])
    head = head._replace(version=version, last_seq=max([head.last_seq, *(message.seq for message in messages)]))
    everyone = ConversationParticipant.objects.filter(conversation=conversation_id)
    online = set(everyone.filter(user__is_online=True).values_list("user", flat=True))
    parts = {row.user_id: row for row in everyone.filter(user__in={ticket.item.user_id for ticket in tickets})}
    for ticket, begin in begins.items():
        row = parts.get(ticket.item.user_id)
        if row is None:
            fail([ticket], NotFound())
            continue
        since = head.version if begin is None else begin
        ticket.answer.set_result(
            Missed(
                head=head,
                part=_part_of(row, head.last_seq),
                since=since,
                recovered=begin is not None,
                events=[each for each in events if each["version"] > since and each["seq"] > row.visible_after_seq],
                online=sorted(online | {row.user_id}),
            )
        )


def _begin(since: int | None, version: int) -> int | None:
    """The version after which a client is told everything; None where it has to reload."""
    return since if since is not None and 0 <= version - since <= MAX_MISSED else None


def _part_of(row: ConversationParticipant, last_seq: int) -> Part:
    return Part(row.pk, row.visible_after_seq, row.last_read_seq, _is_hidden(row.hidden_at_seq, last_seq))


def _is_hidden(hidden_at_seq: int | None, last_seq: int) -> bool:
    """As `models.LISTED` has it."""
    return hidden_at_seq is not None and hidden_at_seq >= last_seq


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
        part = Part(pk, begin, read_seq, _is_hidden(hidden, last_seq))
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
    wanted = Q()
    for conversation_id, version in lowest.items():
        wanted |= Q(conversation=conversation_id, version__gt=version)
    events: dict[int, list[Payload]] = {conversation_id: [] for conversation_id in lowest}
    for message in Message.objects.with_people().filter(wanted).order_by("version"):
        events[message.conversation_id].append(durable_event(message))
    for ticket in tickets:
        conversation_id, held = ticket.item
        ticket.answer.set_result([each for each in events[conversation_id] if each["version"] > held])


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
    return Shown(head, {row.user_id: _part_of(row, head.last_seq) for row in rows}, payloads)


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
