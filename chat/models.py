"""The rows: who sees what is a queryset, who may change what is a method, what must never happen is a constraint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, Value, Window
from django.db.models.functions import Concat, RowNumber

from chat_server.bidi import isolated
from chat_server.compiled import Among

if TYPE_CHECKING:
    from authentication.models import User

SHOWN_PARTICIPANTS = 50
MAX_PARTICIPANTS = 1000
# Of what `ConversationQuerySet.of` finds. The private ones that the user deleted are listed from the next message on.
LISTED = Q(mine__hidden_at_seq=None) | Q(mine__hidden_at_seq__lt=F("last_seq"))
UNREAD = Q(mine__last_read_seq__lt=F("last_seq"))


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def of(self, user: User, *conditions: Q) -> ConversationQuerySet:
        """Those the user takes part in, by a row which is `mine` in the conditions."""
        mine = FilteredRelation("participants", condition=Q(participants__user=user))
        return self.annotate(mine=mine).filter(*conditions, mine__isnull=False)

    def shown_to(self, user: User) -> ConversationQuerySet:
        """`of` the user, with `last_message` (the newest one, if any) and `participant_count`."""
        everyone = ConversationParticipant.objects.filter(conversation=OuterRef("pk")).order_by()
        count = everyone.values("conversation").annotate(count=models.Count("pk")).values("count")
        return self.of(user).annotate(
            last_message=FilteredRelation("messages", condition=Q(messages__seq=F("last_seq"))),
            participant_count=models.Subquery(count),
        )

    def search(self, term: str, user: User) -> ConversationQuerySet:
        """Groups by a part of their name, private ones by a part of the other's username or name."""
        full_name = Concat("user__first_name", Value(" "), "user__last_name")
        other = (
            ConversationParticipant.objects.filter(conversation=OuterRef("pk"))
            .exclude(user=user)
            .annotate(full_name=full_name)
            .filter(Q(user__username__icontains=term) | Q(full_name__icontains=term))
        )
        private = Q(type=Conversation.Type.PRIVATE) & Exists(other)
        return self.filter(Q(type=Conversation.Type.GROUP, name__icontains=term) | private)


class Conversation(models.Model):
    """A private conversation of two, or a group. Its row's lock orders everything that happens in it."""

    class Type(models.TextChoices):
        PRIVATE = "private"
        GROUP = "group"

    type = models.CharField(max_length=7, choices=Type.choices)
    name = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=1000, blank=True)
    private_key = models.CharField(max_length=41, null=True, editable=False)  # "<lower id>:<higher id>"
    last_seq = models.BigIntegerField(default=0, editable=False)
    version = models.BigIntegerField(default=0, editable=False)
    # Counts what changes and is no message: name, description, participants, admins.
    revision = models.BigIntegerField(default=0, db_default=0, editable=False)  # in SQL too: for the release before
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = ConversationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["private_key"], name="one_private_conversation_of_two"),
            models.CheckConstraint(
                condition=Q(type="private", private_key__isnull=False) | Q(type="group", private_key__isnull=True),
                name="private_conversations_have_a_key",
            ),
        ]
        indexes = [models.Index(fields=["-updated_at", "-id"], name="conversation_activity")]

    def __str__(self) -> str:
        """For the admin, which puts it into titles and sentences."""
        return isolated(self.name) or f"{self.type} {self.pk}"

    @property
    def is_group(self) -> bool:
        return self.type == self.Type.GROUP

    @staticmethod
    def private_key_of(user_id: int, other_id: int) -> str:
        """The key that a private conversation of these two has, whoever begins it."""
        return f"{min(user_id, other_id)}:{max(user_id, other_id)}"


class ParticipantQuerySet(models.QuerySet["ConversationParticipant"]):
    def first_of(self, conversation_ids: Any) -> ParticipantQuerySet:
        """Of each of the conversations the first `SHOWN_PARTICIPANTS` by `joined_at`, in that order."""
        order = ("joined_at", "id")
        place = Window(RowNumber(), partition_by="conversation_id", order_by=order)
        ranked = self.filter(Among("conversation_id", conversation_ids)).annotate(place=place)
        return ranked.filter(place__lte=SHOWN_PARTICIPANTS).order_by(*order)

    def unread_by(self, user: User) -> dict[int, int]:
        """By conversation, how many messages lie above the user's read marker; only those where there are any."""
        mine = self.filter(user=user, last_read_seq__lt=F("conversation__last_seq")).order_by("conversation")
        return dict(mine.values_list("conversation", F("conversation__last_seq") - F("last_read_seq")))


class ConversationParticipant(models.Model):
    """Somebody in a conversation. Messages up to `visible_after_seq` are not for them."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="participations")
    is_admin = models.BooleanField(default=False)
    joined_at = models.DateTimeField()
    visible_after_seq = models.BigIntegerField(default=0, editable=False)
    hidden_at_seq = models.BigIntegerField(null=True, editable=False)  # a private one: hidden until a message above it
    last_read_seq = models.BigIntegerField(default=0, editable=False)  # never below visible_after_seq
    last_read_at = models.DateTimeField(null=True, editable=False)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "user"], name="participant_once"),
            models.CheckConstraint(
                condition=Q(last_read_seq__gte=F("visible_after_seq")), name="what_is_not_visible_is_not_unread"
            ),
        ]
        indexes = [models.Index(fields=["conversation", "joined_at", "id"], name="participant_order")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.conversation_id}"

    def sees(self, message: Message) -> bool:
        """Whether the message is of this conversation and not older than what this participant may see."""
        return message.conversation_id == self.conversation_id and message.seq > self.visible_after_seq

    def unread_in(self, conversation: Conversation) -> int:
        """How many messages lie above the read marker: `seq` has no gaps, so no row is counted."""
        return max(0, conversation.last_seq - self.last_read_seq)


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User) -> MessageQuerySet:
        """The messages of the user's conversations, from where their history begins."""
        return self.filter(
            conversation__participants__user=user,
            seq__gt=F("conversation__participants__visible_after_seq"),
        )

    def seen_by(self, participant: ConversationParticipant) -> MessageQuerySet:
        """The messages of one conversation that one participant may see."""
        return self.filter(conversation=participant.conversation_id, seq__gt=participant.visible_after_seq)

    def with_people(self) -> MessageQuerySet:
        """With sender, and the message replied to with its sender: all that a message's shape needs, in one query."""
        return self.select_related("sender", "reply_to__sender")


class Message(models.Model):
    """Something said. Never deleted as a row: a deleted message is a tombstone, and its `seq` stays."""

    class Type(models.TextChoices):
        TEXT = "text"
        SYSTEM = "system"

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", db_index=False)
    seq = models.BigIntegerField()
    version = models.BigIntegerField()
    type = models.CharField(max_length=6, choices=Type.choices, default=Type.TEXT)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="messages")
    content = models.TextField(blank=True)
    # Goes only together with the whole conversation: nothing to cascade to, so that goes in one statement.
    reply_to = models.ForeignKey("self", models.DO_NOTHING, null=True, related_name="replies", db_index=False)
    client_id = models.CharField(max_length=64, null=True)
    client_digest = models.CharField(max_length=64, blank=True, editable=False)  # what was first said with client_id
    event = models.JSONField(null=True)
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_once"),
            models.UniqueConstraint(fields=["conversation", "version"], name="message_version_once"),
            models.UniqueConstraint(
                fields=["conversation", "sender", "client_id"],
                condition=Q(client_id__isnull=False),
                name="message_client_id_once",
            ),
            models.CheckConstraint(condition=Q(deleted_at__isnull=True) | Q(content=""), name="tombstones_are_empty"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="message_time"),  # the admin's date hierarchy
            # Whoever deletes a message asks who replies to it.
            models.Index(fields=["reply_to"], condition=Q(reply_to__isnull=False), name="message_replies"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation_id}#{self.seq}"

    @property
    def is_edited(self) -> bool:
        return self.edited_at is not None

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    def editable_by(self, user: User) -> bool:
        return self.sender_id == user.pk

    def deletable_by(self, participant: ConversationParticipant) -> bool:
        """Its sender may delete a message, in groups every admin too (in private conversations nobody is admin)."""
        return self.sender_id == participant.user_id or participant.is_admin

    @property
    def is_fixed(self) -> bool:
        """System messages and tombstones stay as they are."""
        return self.type == self.Type.SYSTEM or self.is_deleted


class PresenceLease(models.Model):
    """One server process says: this user has a socket open here, at least until `expires_at` unless I say so again."""

    process = models.CharField(max_length=32)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="presence_leases")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["process", "user"], name="one_lease_a_process_and_user")]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.process}"
