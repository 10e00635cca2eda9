"""What the hub reads from the database, the truth: what a socket missed, what the channel layer lost, who still may."""

from dataclasses import dataclass

from rest_framework.exceptions import NotFound

from authentication.tokens import live_session_ids

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


def read(conversation_id: int, user_id: int, since: int | None) -> Missed:
    """What a socket of this user missed since version `since`, in four queries; `NotFound` for who takes no part.

    The part is read last: a removal that it does not show yet has a version above what was read, and comes live.
    """
    head = Conversation.objects.filter(pk=conversation_id).values_list("version", "last_seq").first()
    if head is None:
        raise NotFound
    version, last_seq = head
    recovered = since is not None and 0 <= version - since <= MAX_MISSED
    begin = since if recovered and since is not None else version
    messages: list[Message] = []
    if begin < version:
        changed = Message.objects.with_people().filter(conversation=conversation_id, version__gt=begin)
        messages = list(changed.order_by("version"))
    others = ConversationParticipant.objects.filter(conversation=conversation_id, user__is_online=True)
    online = {user_id, *others.values_list("user", flat=True)}
    part = ConversationParticipant.objects.filter(conversation=conversation_id, user=user_id).first()
    if part is None:
        raise NotFound
    return Missed(
        # What was stored after the head was read may be there too.
        version=max([version, *(message.version for message in messages)]),
        last_seq=max([last_seq, *(message.seq for message in messages)]),
        since=begin,
        participant_id=part.pk,
        visible_after_seq=part.visible_after_seq,
        recovered=recovered,
        events=[durable_event(message) for message in messages if part.sees(message)],
        online=sorted(online),
    )


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
