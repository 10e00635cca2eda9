"""What is read all the time, as shapes, by statements that are made once (`chat_server.compiled`)."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from chat_server.compiled import Compiled
from chat_server.pagination import after

from .models import LISTED, UNREAD, Conversation, ConversationParticipant, Message
from .shapes import (
    CONVERSATION,
    MESSAGE,
    OF_LAST_MESSAGE,
    PARTICIPANT,
    Shape,
    conversation_shape,
    shape_of_message,
    shape_of_participant,
)

Row = Sequence[Any]
VARIANTS = 64  # of limit, direction and filters: statements that are kept

# Rights -------------------------------------------------------------------------------------------

_participant: Compiled[ConversationParticipant] = Compiled(
    lambda conversation, user: ConversationParticipant.objects.select_related("conversation").filter(
        conversation=conversation, user=user
    ),
    *("conversation", "user"),
)
_message: Compiled[Message] = Compiled(
    lambda message, user: Message.objects.visible_to(user).with_people().filter(pk=message), "message", "user"
)


def participant_of(conversation_id: int, user_id: int) -> ConversationParticipant | None:
    """The user's part in the conversation, which comes with it."""
    return _participant.first(conversation=conversation_id, user=user_id)


def message_for(message_id: int, user_id: int) -> Message | None:
    """The message with its people, where the user sees it."""
    return _message.first(message=message_id, user=user_id)


# Messages -----------------------------------------------------------------------------------------

_history: Compiled[Row] = Compiled(
    lambda conversation, low, high: (
        Message.objects.filter(conversation=conversation, seq__gt=low, seq__lte=high)
        .order_by("seq")
        .values_list(*MESSAGE)
    ),
    *("conversation", "low", "high"),
)


def history(conversation_id: int, low: int, high: int) -> list[Shape]:
    """The messages with `low < seq <= high`."""
    rows = _history(conversation=conversation_id, low=low, high=high)
    return [shape_of_message(row) for row in rows]


_RANGE = ("conversation__participants__visible_after_seq", "conversation__last_seq")


@lru_cache(VARIANTS)
def _newest(limit: int) -> Compiled[Row]:
    """By a limit: of how many there are above a number, PostgreSQL knows nothing."""
    return Compiled(
        lambda conversation, user: (
            Message.objects.visible_to(user)
            .filter(conversation=conversation)
            .order_by("-seq")
            .values_list(*MESSAGE, *_RANGE)[:limit]
        ),
        *("conversation", "user"),
    )


def newest(conversation_id: int, user_id: int, limit: int) -> tuple[int, int, list[Shape]] | None:
    """So many of the newest messages that the user sees, behind `visible_after_seq` and `last_seq`; None where they
    have no part.

    One query, where there are any: it is asked whenever somebody opens a conversation.
    """
    if rows := _newest(limit)(conversation=conversation_id, user=user_id):
        begin, top = rows[0][-2:]
        return begin, top, [shape_of_message(row[:-2]) for row in reversed(rows)]
    participant = participant_of(conversation_id, user_id)
    return participant and (participant.visible_after_seq, participant.conversation.last_seq, [])


@lru_cache(VARIANTS)
def _changes(limit: int) -> Compiled[Row]:
    return Compiled(
        lambda conversation, begin, since: (
            Message.objects.filter(conversation=conversation, seq__gt=begin, version__gt=since)
            .order_by("version")
            .values_list(*MESSAGE)[:limit]
        ),
        *("conversation", "begin", "since"),
    )


def changes(participant: ConversationParticipant, since: int, limit: int) -> list[Shape]:
    """So many messages at most that the participant may see and that changed after that version, by version."""
    rows = _changes(limit)(conversation=participant.conversation_id, begin=participant.visible_after_seq, since=since)
    return [shape_of_message(row) for row in rows]


# Conversations ------------------------------------------------------------------------------------

COLUMNS = (*CONVERSATION, "participant_count", "mine__visible_after_seq", "mine__last_read_seq", *OF_LAST_MESSAGE)
PLAIN = len(CONVERSATION)

_conversation: Compiled[Row] = Compiled(
    lambda conversation, user: Conversation.objects.shown_to(user).filter(pk=conversation).values_list(*COLUMNS),
    *("conversation", "user"),
)
_first_participants: Compiled[Row] = Compiled(
    lambda ids: ConversationParticipant.objects.first_of(ids).values_list(*PARTICIPANT, "conversation_id"), "ids"
)


def conversation_for(conversation_id: int, user_id: int) -> Shape | None:
    """The conversation as the user sees it, None where they have no part in it."""
    return next(iter(shapes_of(_conversation(conversation=conversation_id, user=user_id), user_id)), None)


def shapes_of(rows: Sequence[Row], user_id: int) -> list[Shape]:
    """The shapes of rows of `COLUMNS`; one query for the participants of all of them."""
    people: dict[int, list[Shape]] = {row[0]: [] for row in rows}
    if people:
        for part in _first_participants(ids=list(people)):
            people[part[-1]].append(shape_of_participant(part[:-1]))
    return [_shape_of(row, people[row[0]], user_id) for row in rows]


def _shape_of(row: Row, people: list[Shape], user_id: int) -> Shape:
    last_seq = row[4]
    count, visible_after_seq, last_read_seq, message_id = row[PLAIN : PLAIN + 4]
    is_seen = message_id is not None and last_seq > visible_after_seq
    message = shape_of_message(row[PLAIN + 3 :]) if is_seen else None
    return conversation_shape(row[:PLAIN], count, people, user_id, message, max(0, last_seq - last_read_seq))


class ListedConversations:
    """A user's list, for `KeysetPage`: rows of `COLUMNS`."""

    order = ("-updated_at", "-id")

    def __init__(self, user: Any, kind: str | None, unread: bool, term: str) -> None:
        self.user, self.kind, self.unread, self.term = user, kind, unread, term

    def read(self, order: tuple[str, ...], key: Sequence[Any] | None, limit: int) -> list[Row]:
        if self.term:
            return list(_listed(order, key, limit, self.user, self.kind, self.unread, self.term))
        given = {} if key is None else {"updated_at": datetime.fromisoformat(key[0]), "id": key[1]}
        return _list_statement(order, key is not None, limit, self.kind, self.unread)(user=self.user.pk, **given)

    @staticmethod
    def key(row: Row) -> list[Any]:
        return [row[7], row[0]]


def _listed(
    order: tuple[str, ...], key: Sequence[Any] | None, limit: int, user: Any, kind: str | None, unread: bool, term: str
) -> Any:
    page = Conversation.objects.of(user, LISTED, *([UNREAD] if unread else ()))
    if kind:
        page = page.filter(type=kind)
    if term:
        page = page.search(term, user)
    if key is not None:
        page = page.filter(after(order, key))
    # First which ones: else the newest messages of all of them are looked for.
    ids = page.order_by(*order).values("pk")[:limit]
    return Conversation.objects.shown_to(user).filter(pk__in=ids).order_by(*order).values_list(*COLUMNS)


@lru_cache(VARIANTS)
def _list_statement(order: tuple[str, ...], has_key: bool, limit: int, kind: str | None, unread: bool) -> Compiled[Row]:
    names = ("updated_at", "id") if has_key else ()
    return Compiled(lambda user, *key: _listed(order, key or None, limit, user, kind, unread, ""), "user", *names)
