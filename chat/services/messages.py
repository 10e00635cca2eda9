"""Changing and reading messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import NotFound, PermissionDenied

from chat import broadcast
from chat.events import ReadReceipt
from chat.exceptions import DoesNotExist, NotEditable
from chat.models import Conversation, ConversationParticipant, Message
from chat_server.rendering import timestamp

from . import log

if TYPE_CHECKING:
    from authentication.models import User


def _lock_message(user: User, message_id: int) -> tuple[Conversation, ConversationParticipant, Message]:
    """The message, its conversation locked; `NotFound` where the user does not see it."""
    conversation_id = Message.objects.filter(pk=message_id).values_list("conversation", flat=True).first()
    if conversation_id is None:
        raise NotFound
    conversation, participant = log.lock_for(user, conversation_id=conversation_id)
    message = Message.objects.with_people().seen_by(participant).filter(pk=message_id).first()
    if message is None:
        raise NotFound
    return conversation, participant, message


@transaction.atomic
def edit_message(*, editor: User, message_id: int, content: str | None) -> Message:
    """Change what a message says; nothing happens if it says so already, or where there is no new content.

    `NotFound`, `PermissionDenied`, `NotEditable`.
    """
    conversation, _, message = _lock_message(editor, message_id)
    if not message.editable_by(editor):
        raise PermissionDenied
    if message.is_fixed:
        raise NotEditable
    if content is not None and message.content != content:
        message.content, message.edited_at = content, timezone.now()
        log.change(conversation, message, fields=["content", "edited_at"])
    return message


@transaction.atomic
def delete_message(*, deleter: User, message_id: int) -> None:
    """Make a message a tombstone; deleting one again does nothing. `NotFound`, `PermissionDenied`, `NotEditable`."""
    conversation, participant, message = _lock_message(deleter, message_id)
    if not message.deletable_by(participant):
        raise PermissionDenied
    _bury(conversation, message)


@transaction.atomic
def delete_message_as_operator(*, message_id: int) -> None:
    """Make anybody's message a tombstone; deleting one again does nothing. `NotFound`, `NotEditable`."""
    conversation_id = Message.objects.filter(pk=message_id).values_list("conversation", flat=True).first()
    if conversation_id is None:
        raise NotFound
    conversation = log.lock(conversation_id=conversation_id)
    _bury(conversation, conversation.messages.with_people().get(pk=message_id))


def _bury(conversation: Conversation, message: Message) -> None:
    """Make a message of the locked conversation a tombstone, unless it is one."""
    if message.type == Message.Type.SYSTEM:
        raise NotEditable
    if not message.is_deleted:
        message.content, message.deleted_at = "", timezone.now()
        log.change(conversation, message, fields=["content", "deleted_at"])


@transaction.atomic
def mark_read(*, reader: User, conversation_id: int, message_id: int | None = None) -> ConversationParticipant:
    """Move the reader's marker up to a message, or to the newest one; it never moves back.

    Returns the participant as it is now, with the conversation. Publishes a receipt only where the marker moved.
    Without the conversation's lock: what many read at once does not hold up what is said. `NotFound`, `DoesNotExist`.
    """
    mine = ConversationParticipant.objects.filter(conversation=conversation_id, user=reader.pk)
    participant = mine.select_related("conversation").first()
    if participant is None:
        raise NotFound
    seen = Message.objects.seen_by(participant)
    wanted = {"pk": message_id} if message_id is not None else {"seq": participant.conversation.last_seq}
    found = seen.filter(**wanted).values_list("pk", "seq").first()
    if found is None and message_id is not None:
        raise DoesNotExist("message_id", "There is no such message in this conversation.")
    if found is not None and found[1] > participant.last_read_seq:
        now = timezone.now()
        if mine.filter(last_read_seq__lt=found[1]).update(last_read_seq=found[1], last_read_at=now):
            receipt = ReadReceipt(
                conversation_id=conversation_id,
                user_id=reader.pk,
                username=reader.username,
                message_id=found[0],
                last_read_seq=found[1],
                read_at=timestamp(now),
            )
            message = broadcast.receipt(
                conversation_id=conversation_id,
                user_id=reader.pk,
                last_read_seq=found[1],
                frame=broadcast.encode(receipt),
            )
            broadcast.publish_on_commit((broadcast.conversation_group(conversation_id), message))
        participant = mine.select_related("conversation").first()
        if participant is None:  # removed at this moment
            raise NotFound
    return participant
