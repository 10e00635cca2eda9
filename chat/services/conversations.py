"""Conversations and who takes part in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import NotFound, PermissionDenied

from chat import broadcast
from chat.exceptions import DoesNotExist, GroupFull, LastAdmin
from chat.models import MAX_PARTICIPANTS, Conversation, ConversationParticipant

from . import log

if TYPE_CHECKING:
    from authentication.models import User


@transaction.atomic
def open_private_conversation(*, user: User, participant_ids: Iterable[int]) -> tuple[Conversation, bool]:
    """The one private conversation with the one other user, and whether it is new; it is in the user's list again.

    `DoesNotExist` (participant_ids) where it is not exactly one other, active, user.
    """
    others = set(participant_ids) - {user.pk}
    if len(others) != 1:
        raise DoesNotExist("participant_ids", "A private conversation needs exactly one other user.")
    [other] = _active_users(others, attr="participant_ids")
    now = timezone.now()
    # Where both sides begin at the same moment, the row's constraint lets one of them be first.
    conversation, created = Conversation.objects.get_or_create(
        private_key=Conversation.private_key_of(user.pk, other.pk),
        defaults={"type": Conversation.Type.PRIVATE, "created_at": now, "updated_at": now},
    )
    if created:
        _join(conversation, [user, other], now=now)
    elif conversation.participants.filter(user=user.pk, hidden_at_seq__gte=conversation.last_seq).exists():
        conversation, participant = log.lock_for(user, conversation_id=conversation.pk)
        participant.hidden_at_seq = None
        participant.save(update_fields=["hidden_at_seq"])
        _publish_part(participant)
    return conversation, created


@transaction.atomic
def create_group(*, creator: User, name: str, participant_ids: Iterable[int], description: str = "") -> Conversation:
    """A new group with the creator as its admin. `DoesNotExist` (participant_ids), `GroupFull`."""
    others = [each for each in dict.fromkeys(participant_ids) if each != creator.pk]  # in the order given
    if len(others) >= MAX_PARTICIPANTS:
        raise GroupFull("participant_ids", MAX_PARTICIPANTS)
    users = _active_users(others, attr="participant_ids")
    now = timezone.now()
    conversation = Conversation.objects.create(
        type=Conversation.Type.GROUP, name=name, description=description, created_at=now, updated_at=now
    )
    _join(conversation, [creator, *users], now=now, admin=creator)
    log.append_system(conversation, {"action": "conversation_created", "name": name}, actor=creator)
    return conversation


@transaction.atomic
def update_group(
    *, editor: User, conversation_id: int, name: str | None = None, description: str | None = None
) -> None:
    """Change a group's name or description; a new name makes a system message. `NotFound`, `PermissionDenied`."""
    conversation, _ = _lock_as_admin(editor, conversation_id)
    changed = {
        field: value
        for field, value in (("name", name), ("description", description))
        if value is not None and value != getattr(conversation, field)
    }
    if not changed:
        return
    for field, value in changed.items():
        setattr(conversation, field, value)
    conversation.updated_at = timezone.now()
    conversation.save(update_fields=[*changed, "updated_at"])
    log.note_change(conversation)
    if "name" in changed:
        log.append_system(conversation, {"action": "conversation_renamed", "name": conversation.name}, actor=editor)


@transaction.atomic
def add_participants(*, adder: User, conversation_id: int, user_ids: Iterable[int]) -> list[ConversationParticipant]:
    """Add users to a group; those in it already are left as they are. Returns those really added, in the order given.

    What each newcomer sees begins with the message of their own coming. `DoesNotExist` (user_ids), `GroupFull`.
    """
    conversation, _ = _lock_as_admin(adder, conversation_id)
    wanted = list(dict.fromkeys(user_ids))
    if len(wanted) > MAX_PARTICIPANTS:
        raise GroupFull("user_ids", MAX_PARTICIPANTS)
    inside = set(conversation.participants.filter(user__in=wanted).values_list("user", flat=True))
    users = _active_users([each for each in wanted if each not in inside], attr="user_ids")
    if not users:
        return []
    if conversation.participants.count() + len(users) > MAX_PARTICIPANTS:
        raise GroupFull("user_ids", MAX_PARTICIPANTS)
    joined = _join(conversation, users, now=timezone.now(), one_by_one=True)
    events = [{"action": "participant_added", "user_id": user.pk} for user in users]
    log.append_system(conversation, *events, actor=adder)
    log.note_change(conversation)
    return joined


@transaction.atomic
def set_admin(*, setter: User, conversation_id: int, user_id: int, is_admin: bool) -> ConversationParticipant:
    """Give or take a participant's admin right. `NotFound`, `PermissionDenied`, `LastAdmin`."""
    conversation, _ = _lock_as_admin(setter, conversation_id)
    participant = log.participant_of(conversation, user_id=user_id)
    if participant.is_admin == is_admin:
        return participant
    if not is_admin and not conversation.participants.filter(is_admin=True).exclude(pk=participant.pk).exists():
        raise LastAdmin
    _set_admin(conversation, participant, is_admin, actor=setter)
    return log.participant_of(conversation, user_id=user_id)


@transaction.atomic
def remove_participant(*, remover: User, conversation_id: int, user_id: int) -> None:
    """Take somebody out of a group, as its admin, or leave it. `NotFound`, `PermissionDenied`."""
    conversation, own = log.lock_for(remover, conversation_id=conversation_id)
    if not conversation.is_group or (user_id != remover.pk and not own.is_admin):
        raise PermissionDenied
    _take_out(conversation, log.participant_of(conversation, user_id=user_id), actor=remover)


@transaction.atomic
def delete_conversation(*, user: User, conversation_id: int) -> None:
    """Private: hide it from the user's list and end their history here. Group: leave it. `NotFound`."""
    conversation, participant = log.lock_for(user, conversation_id=conversation_id)
    if conversation.is_group:
        _take_out(conversation, participant, actor=user)
        return
    end = conversation.last_seq
    participant.hidden_at_seq = participant.visible_after_seq = participant.last_read_seq = end
    participant.save(update_fields=["hidden_at_seq", "visible_after_seq", "last_read_seq"])
    _publish_part(participant)


@transaction.atomic
def delete_group_for_everyone(*, user: User, conversation_id: int) -> None:
    """Delete a group with all that was said in it. `NotFound`, `PermissionDenied`."""
    conversation, _ = _lock_as_admin(user, conversation_id)
    _delete(conversation)


@transaction.atomic
def delete_any_conversation(*, conversation_id: int) -> None:
    """Delete a conversation of whatever kind for all, as the operator. `NotFound`."""
    _delete(log.lock(conversation_id=conversation_id))


@transaction.atomic
def leave_everything(user: User) -> None:
    """What happens in chat before an account is deleted: its groups go on as if it had left.

    A private conversation stays for the other one, and goes with the second of them.
    """
    mine = ConversationParticipant.objects.filter(user=user.pk)
    for conversation_id in list(mine.order_by("conversation").values_list("conversation", flat=True)):
        try:
            conversation, participant = log.lock_for(user, conversation_id=conversation_id)
        except NotFound:  # left or deleted since
            continue
        if conversation.is_group:
            _take_out(conversation, participant, actor=None)
        elif conversation.participants.exclude(pk=participant.pk).exists():
            log.note_change(conversation)
        else:
            _delete(conversation)


def _lock_as_admin(user: User, conversation_id: int) -> tuple[Conversation, ConversationParticipant]:
    """The locked group that the user is an admin of; `NotFound`, `PermissionDenied`."""
    conversation, participant = log.lock_for(user, conversation_id=conversation_id)
    if not participant.is_admin:  # in private conversations nobody is
        raise PermissionDenied
    return conversation, participant


def _active_users(user_ids: Iterable[int], *, attr: str) -> list[Any]:
    """The users in the order given; `DoesNotExist` where one is not there or not active."""
    wanted = list(user_ids)
    found = get_user_model().objects.filter(is_active=True).in_bulk(wanted)
    if len(found) != len(wanted):
        missing = next(each for each in wanted if each not in found)
        raise DoesNotExist(attr, f"There is no active user {missing}.")
    return [found[each] for each in wanted]


def _join(
    conversation: Conversation, users: Iterable[Any], *, now: Any, admin: Any = None, one_by_one: bool = False
) -> list[ConversationParticipant]:
    """Store participants who see what comes from now on; one by one: each from the message of their own coming."""
    participants = []
    for index, user in enumerate(users):
        begin = conversation.last_seq + (index if one_by_one else 0)
        participants.append(
            ConversationParticipant(
                conversation=conversation,
                user=user,
                is_admin=user is admin,
                joined_at=now,
                visible_after_seq=begin,
                last_read_seq=begin,
            )
        )
    joined = broadcast.joined(conversation_id=conversation.pk, user_ids=[each.user_id for each in participants])
    broadcast.publish_on_commit((broadcast.EVERYWHERE, joined))
    return ConversationParticipant.objects.bulk_create(participants)


def _set_admin(
    conversation: Conversation, participant: ConversationParticipant, is_admin: bool, *, actor: User | None
) -> None:
    participant.is_admin = is_admin
    participant.save(update_fields=["is_admin"])
    action = "admin_granted" if is_admin else "admin_revoked"
    log.append_system(conversation, {"action": action, "user_id": participant.user_id}, actor=actor)
    log.note_change(conversation)


def _take_out(conversation: Conversation, participant: ConversationParticipant, *, actor: User | None) -> None:
    """Remove a participant; the longest-standing one inherits from the last admin, and nobody left is no group.

    `actor` None: they leave because their account goes.
    """
    user_id = participant.user_id
    participant.delete()
    heir = conversation.participants.order_by("joined_at", "id").first()
    if heir is None:
        _delete(conversation)
        return
    action = "participant_left" if actor is None or user_id == actor.pk else "participant_removed"
    log.append_system(conversation, {"action": action, "user_id": user_id}, actor=actor)
    log.note_change(conversation)
    if not conversation.participants.filter(is_admin=True).exists():
        _set_admin(conversation, heir, True, actor=actor)


def _publish_part(participant: ConversationParticipant) -> None:
    """Tell the processes that have the conversation open; its other participant is shown nothing of it."""
    changed = broadcast.part_changed(
        conversation_id=participant.conversation_id,
        user_id=participant.user_id,
        visible_after_seq=participant.visible_after_seq,
    )
    broadcast.publish_on_commit((broadcast.conversation_group(participant.conversation_id), changed))


def _delete(conversation: Conversation) -> None:
    deleted = broadcast.conversation_deleted(conversation_id=conversation.pk)
    broadcast.publish_on_commit((broadcast.conversation_group(conversation.pk), deleted))
    conversation.messages.all().delete()  # first: it takes long, and would lock the participants meanwhile
    conversation.delete()
