"""What messages, participants and conversations look like, over REST and in frames alike.

Made of columns, as the serializers of the same name say, at a fraction of their cost. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from authentication.shapes import AUTHOR, USER, author_shape, columns, user_shape
from chat_server.rendering import timestamp, timestamp_or_none

from .models import SHOWN_PARTICIPANTS, Conversation, ConversationParticipant, Message

if TYPE_CHECKING:
    from authentication.models import User

Shape = dict[str, Any]
EXCERPT = 140
DELETED_USER = "Deleted user"


def _of(relation: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns as they are named beyond a relation."""
    return tuple(f"{relation}__{name}" for name in names)


# Messages -----------------------------------------------------------------------------------------

_PLAIN = ("id", "conversation_id", "seq", "version", "type", "content", "client_id", "event")
_TIMES = ("created_at", "edited_at", "deleted_at")
_REPLY = ("id", "seq", "content", *_of("sender", AUTHOR))
MESSAGE = (*_PLAIN, *_TIMES, *_of("sender", AUTHOR), *_of("reply_to", _REPLY))
OF_LAST_MESSAGE = _of("last_message", MESSAGE)


def shape_of_message(row: Sequence[Any]) -> Shape:
    """Of the columns `MESSAGE`."""
    pk, conversation_id, seq, version, kind, content, client_id, event, created_at, edited_at, deleted_at = row[:11]
    reply_id = row[15]
    return {
        "id": pk,
        "conversation": conversation_id,
        "seq": seq,
        "version": version,
        "type": kind,
        "sender": None if row[11] is None else author_shape(*row[11:15]),
        "content": content,
        "reply_to": None if reply_id is None else _shape_of_reply(*row[15:]),
        "client_id": client_id,
        "event": event,
        "is_edited": edited_at is not None,
        "edited_at": timestamp_or_none(edited_at),
        "is_deleted": deleted_at is not None,
        "deleted_at": timestamp_or_none(deleted_at),
        "created_at": timestamp(created_at),
    }


def _shape_of_reply(pk: int, seq: int, content: str, *sender: Any) -> Shape:
    author = None if sender[0] is None else author_shape(*sender)
    return {"id": pk, "seq": seq, "sender": author, "content": content[:EXCERPT]}


def message_shape(message: Message) -> Shape:
    """Of a message that was read whole, `with_people`."""
    reply = message.reply_to
    return shape_of_message(
        (
            *[getattr(message, name) for name in _PLAIN],
            *(message.created_at, message.edited_at, message.deleted_at),
            *_author_columns(message.sender),
            *((None,) if reply is None else (reply.pk, reply.seq, reply.content, *_author_columns(reply.sender))),
        )
    )


def _author_columns(user: User | None) -> tuple[Any, ...]:
    return (None,) * len(AUTHOR) if user is None else columns(user, AUTHOR)


# Participants -------------------------------------------------------------------------------------

PARTICIPANT = ("is_admin", "joined_at", "last_read_seq", "last_read_at", *_of("user", USER))


def shape_of_participant(row: Sequence[Any]) -> Shape:
    """Of the columns `PARTICIPANT`."""
    is_admin, joined_at, last_read_seq, last_read_at = row[:4]
    return {
        "user": user_shape(*row[4:]),
        "is_admin": is_admin,
        "joined_at": timestamp(joined_at),
        "last_read_seq": last_read_seq,
        "last_read_at": timestamp_or_none(last_read_at),
    }


def participant_shape(part: ConversationParticipant) -> Shape:
    """Of a participant that was read whole, with the user."""
    row = (part.is_admin, part.joined_at, part.last_read_seq, part.last_read_at)
    return shape_of_participant((*row, *columns(part.user, USER)))


def receipt_shape(part: ConversationParticipant) -> Shape:
    """Who has read, and when, of a participant that was read whole, with the user."""
    return {"user": user_shape(*columns(part.user, USER)), "read_at": timestamp_or_none(part.last_read_at)}


# Conversations ------------------------------------------------------------------------------------

CONVERSATION = ("id", "type", "name", "description", "last_seq", "version", "created_at", "updated_at")


def conversation_shape(
    row: Sequence[Any], count: int, participants: list[Shape], user_id: int, last_message: Shape | None, unread: int
) -> Shape:
    """Of the columns `CONVERSATION`, the shapes of its first participants, and what is for this user's eyes."""
    pk, kind, name, description, last_seq, version, created_at, updated_at = row
    return {
        "id": pk,
        "type": kind,
        "name": name if kind == Conversation.Type.GROUP else _name_of_other(participants, user_id),
        "description": description,
        "participants": participants,
        "participant_count": count,
        "last_message": last_message,
        "unread_count": unread,
        "last_seq": last_seq,
        "version": version,
        "created_at": timestamp(created_at),
        "updated_at": timestamp(updated_at),
    }


def _name_of_other(participants: list[Shape], user_id: int) -> str:
    others = (each["user"]["display_name"] for each in participants if each["user"]["id"] != user_id)
    return next(others, DELETED_USER)


def shown_to_each(conversation: Conversation, parts: list[ConversationParticipant]) -> dict[int, Shape]:
    """The shape of one conversation as each of these participants sees it, by user; three queries for all of them.

    What is the same for all is made once: this is what a change of the name of a large group costs.
    """
    everyone = conversation.participants.order_by("joined_at", "id")
    first = [shape_of_participant(row) for row in everyone.values_list(*PARTICIPANT)[:SHOWN_PARTICIPANTS]]
    count = everyone.count()
    newest = conversation.messages.with_people().filter(seq=conversation.last_seq).first()
    message = message_shape(newest) if newest is not None else None
    row = [getattr(conversation, name) for name in CONVERSATION]
    shown = {}
    same: Shape = {}
    for part in parts:
        same = same or conversation_shape(row, count, first, part.user_id, None, 0)
        shown[part.user_id] = {
            **same,
            "name": same["name"] if conversation.is_group else _name_of_other(first, part.user_id),
            "last_message": message if newest is not None and part.sees(newest) else None,
            "unread_count": part.unread_in(conversation),
        }
    return shown
