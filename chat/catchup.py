"""What the hub reads from the database, the truth: what a socket missed, what the channel layer lost, who still may."""

from collections.abc import Sequence
from dataclasses import dataclass

from rest_framework.exceptions import NotFound

from authentication.tokens import live_session_ids
from chat_server.batching import Ticket, fail

from .broadcast import durable_event
from .events import Payload
from .models import Conversation, ConversationParticipant, Message

MAX_MISSED = 1000  # changes; who is further behind reloads over REST
AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Missed:
    """What one socket is owed: the durable events between `since` and `version`, those that its user may see."""

    version: int
    last_seq: int
    since: int
    participant_id: int
    visible_after_seq: int
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
    head = Conversation.objects.filter(pk=conversation_id).values_list("version", "last_seq").first()
    if head is None:
        raise NotFound
    version, last_seq = head
    begins = {ticket: _begin(ticket.item.since, version) for ticket in tickets}
    lowest = min([version, *(begin for begin in begins.values() if begin is not None)])
    messages: list[Message] = []
    if lowest < version:
        changed = Message.objects.with_people().filter(conversation=conversation_id, version__gt=lowest)
        messages = list(changed.order_by("version"))
    events = [durable_event(message) for message in messages]
    # What was stored after the head was read may be there too.
    version = max([version, *(message.version for message in messages)])
    last_seq = max([last_seq, *(message.seq for message in messages)])
    everyone = ConversationParticipant.objects.filter(conversation=conversation_id)
    online = set(everyone.filter(user__is_online=True).values_list("user", flat=True))
    parts = {part.user_id: part for part in everyone.filter(user__in={ticket.item.user_id for ticket in tickets})}
    for ticket, begin in begins.items():
        part = parts.get(ticket.item.user_id)
        if part is None:
            fail([ticket], NotFound())
            continue
        since = version if begin is None else begin
        ticket.answer.set_result(
            Missed(
                version=version,
                last_seq=last_seq,
                since=since,
                participant_id=part.pk,
                visible_after_seq=part.visible_after_seq,
                recovered=begin is not None,
                events=[each for each in events if each["version"] > since and each["seq"] > part.visible_after_seq],
                online=sorted(online | {part.user_id}),
            )
        )


def _begin(since: int | None, version: int) -> int | None:
    """The version after which a client is told everything; None where it has to reload."""
    return since if since is not None and 0 <= version - since <= MAX_MISSED else None


def read_all(conversation_id: int, since: int) -> tuple[list[Payload], int]:
    """The next durable events after version `since`, and a version up to which nothing else is missing."""
    head = Conversation.objects.filter(pk=conversation_id).values_list("version", flat=True).first() or since
    changed = Message.objects.with_people().filter(conversation=conversation_id, version__gt=since)
    return [durable_event(message) for message in changed.order_by("version")[:AT_A_TIME]], head


@dataclass(frozen=True, slots=True)
class Rights:
    """What holds now: conversations as `(version, last_seq)`, participants as `visible_after_seq`, live sessions."""

    heads: dict[int, tuple[int, int]]
    participants: dict[int, int]
    session_ids: set[str]


def read_rights(conversation_ids: set[int], participant_ids: set[int], session_ids: set[str]) -> Rights:
    """The state of all that has sockets in a process, in three queries."""
    conversations = Conversation.objects.filter(pk__in=conversation_ids)
    participants = ConversationParticipant.objects.filter(pk__in=participant_ids)
    return Rights(
        heads={pk: (version, seq) for pk, version, seq in conversations.values_list("pk", "version", "last_seq")},
        participants=dict(participants.values_list("pk", "visible_after_seq")),
        session_ids=live_session_ids(session_ids),
    )
