"""How a conversation's log grows. Everything here runs inside a transaction that holds the conversation's row lock.

`seq` and `version` are given out under that lock, so their order is the order of the commits. Frames are encoded before
the commit (one that cannot be encoded fails the write) and published after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from rest_framework.exceptions import NotFound

from chat import broadcast
from chat.models import Conversation, ConversationParticipant, Message

from . import rows

if TYPE_CHECKING:
    from authentication.models import User


def lock(*, conversation_id: int) -> Conversation:
    """The conversation, its row locked until the end of the transaction; `NotFound` where it is not there."""
    conversation = Conversation.objects.select_for_update().filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound
    return conversation


def lock_for(user: User, *, conversation_id: int) -> tuple[Conversation, ConversationParticipant]:
    """The locked conversation and the user's part in it; `NotFound` where they have none.

    The part is read after the lock was had: a removal that we waited for is seen.
    """
    conversation = lock(conversation_id=conversation_id)
    return conversation, participant_of(conversation, user_id=user.pk)


def participant_of(conversation: Conversation, *, user_id: int) -> ConversationParticipant:
    """The user's part in the conversation, with the user as stored now; `NotFound` where they have none."""
    participant = conversation.participants.select_related("user").filter(user=user_id).first()
    if participant is None:
        raise NotFound
    return participant


def append(conversation: Conversation, messages: Sequence[Message], *, sender: User | None) -> None:
    """Number, store and publish new messages of one sender; None for an account that is about to go."""
    for message in messages:
        message.sender = sender
    store([(conversation, messages)])


def store(said: Sequence[tuple[Conversation, Sequence[Message]]]) -> None:
    """Number, store and publish new messages, in that order, of conversations that are locked.

    Each sender's read marker moves to the last thing that they said.
    """
    now = timezone.now()
    for conversation, messages in said:
        conversation.updated_at = now
        for message in messages:
            conversation.last_seq += 1
            conversation.version += 1
            message.conversation, message.created_at = conversation, now
            message.seq, message.version = conversation.last_seq, conversation.version
    rows.store([message for _, messages in said for message in messages])
    publish(said)


def append_system(conversation: Conversation, *events: dict[str, Any], actor: User | None) -> None:
    """Store what the actor did as system messages `{"action", "user_id"?, "name"?}`."""
    append(conversation, [Message(type=Message.Type.SYSTEM, event=event) for event in events], sender=actor)


def change(conversation: Conversation, message: Message, *, fields: list[str]) -> None:
    """Store and publish a new version of a message of which `fields` were changed."""
    conversation.version += 1
    message.version = conversation.version
    message.save(update_fields=[*fields, "version"])
    conversation.save(update_fields=["version"])
    publish([(conversation, [message])])


def note_change(conversation: Conversation) -> None:
    """Count and publish that something changed which is no message: see `Conversation.revision`."""
    conversation.revision += 1
    conversation.save(update_fields=["revision"])
    changed = broadcast.conversation_changed(conversation_id=conversation.pk)
    broadcast.publish_on_commit((broadcast.conversation_group(conversation.pk), changed))


def publish(said: Sequence[tuple[Conversation, Sequence[Message]]]) -> None:
    """Encode now, publish after the commit."""
    told = []
    for conversation, messages in said:
        events = [broadcast.durable_event(message) for message in messages]
        told.append((broadcast.conversation_group(conversation.pk), broadcast.durable(conversation.pk, events)))
    broadcast.publish_on_commit(*told)
