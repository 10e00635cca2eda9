"""Shapes in and out, for REST and the socket alike. Nothing here writes: `save()` is never called."""

import unicodedata
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from authentication.serializers import AuthorSerializer, UserSerializer
from chat_server.fields import FlagField, IdField, TextField

from .models import Conversation, ConversationParticipant, Message
from .shapes import EXCERPT

MAX_CONTENT = 4000
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
ACTIONS = (
    "conversation_created",
    "conversation_renamed",
    "participant_added",
    "participant_removed",
    "participant_left",
    "admin_granted",
    "admin_revoked",
)


# Out: what the OpenAPI document says. `shapes` makes the answers, and a test holds the two equal. -------------


class ReplySerializer(serializers.ModelSerializer[Message]):
    """The message replied to, as it is now."""

    sender = AuthorSerializer(allow_null=True)
    content = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = ("id", "seq", "sender", "content")
        read_only_fields = fields

    def get_content(self, message: Message) -> str:
        return message.content[:EXCERPT]


@extend_schema_field(
    {
        "type": "object",
        "nullable": True,
        "description": "Of a system message: what its sender did.",
        "properties": {
            "action": {"type": "string", "enum": ACTIONS},
            "user_id": {"type": "integer", "description": "Whom it is about."},
            "name": {"type": "string", "description": "The group's name from then on."},
        },
        "required": ["action"],
    }
)
class HappeningField(serializers.JSONField):
    """What a system message says, for clients to word themselves."""


class MessageSerializer(serializers.ModelSerializer[Message]):
    """A message, the same over REST and on the socket. Wants `MessageQuerySet.with_people()`."""

    conversation = serializers.IntegerField(source="conversation_id")
    sender = AuthorSerializer(allow_null=True)
    reply_to = ReplySerializer(allow_null=True)
    event = HappeningField(allow_null=True)
    is_edited = serializers.BooleanField()
    is_deleted = serializers.BooleanField()

    class Meta:
        model = Message
        fields = (
            "id",
            "conversation",
            "seq",
            "version",
            "type",
            "sender",
            "content",
            "reply_to",
            "client_id",
            "event",
            "is_edited",
            "edited_at",
            "is_deleted",
            "deleted_at",
            "created_at",
        )
        read_only_fields = fields


class ParticipantSerializer(serializers.ModelSerializer[ConversationParticipant]):
    user = UserSerializer()

    class Meta:
        model = ConversationParticipant
        fields = ("user", "is_admin", "joined_at", "last_read_seq", "last_read_at")
        read_only_fields = fields


class ConversationSerializer(serializers.ModelSerializer[Conversation]):
    """A conversation as one of its participants sees it."""

    participants = ParticipantSerializer(many=True)
    participant_count = serializers.IntegerField()
    last_message = MessageSerializer(allow_null=True)
    unread_count = serializers.IntegerField()

    class Meta:
        model = Conversation
        fields = (
            "id",
            "type",
            "name",
            "description",
            "participants",
            "participant_count",
            "last_message",
            "unread_count",
            "last_seq",
            "version",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ReceiptSerializer(serializers.ModelSerializer[ConversationParticipant]):
    read_at = serializers.DateTimeField(source="last_read_at")
    user = UserSerializer()

    class Meta:
        model = ConversationParticipant
        fields = ("user", "read_at")
        read_only_fields = fields


class ChangesSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    has_more = serializers.BooleanField()
    results = MessageSerializer(many=True)


class MarkedReadSerializer(serializers.Serializer[Any]):
    last_read_seq = serializers.IntegerField()
    unread_count = serializers.IntegerField()


class UnreadSerializer(serializers.Serializer[Any]):
    total_unread = serializers.IntegerField()
    conversations = serializers.DictField(child=serializers.IntegerField())


class AddedSerializer(serializers.Serializer[Any]):
    results = ParticipantSerializer(many=True)


# In -----------------------------------------------------------------------------------------------


class ClientIdField(serializers.CharField):
    """1 to 64 printable characters, taken as they are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or any(unicodedata.category(letter) in UNPRINTABLE for letter in data):
            self.fail("invalid")
        return super().to_internal_value(data)


class SaidSerializer(serializers.Serializer[Any]):
    """What is said, over whichever door."""

    content = TextField(max_length=MAX_CONTENT)
    client_id = ClientIdField(required=False, allow_null=True)
    reply_to = IdField(required=False, allow_null=True)


class SendMessageSerializer(SaidSerializer):
    conversation = IdField()


class EditMessageSerializer(serializers.Serializer[Any]):
    content = TextField(max_length=MAX_CONTENT)


class CreateConversationSerializer(serializers.Serializer[Any]):
    """What begins a conversation; `name` and `description` are for groups."""

    type = serializers.ChoiceField(choices=Conversation.Type.choices)
    participant_ids = serializers.ListField(child=IdField())
    name = TextField(max_length=100, required=False)
    description = TextField(max_length=1000, required=False, allow_blank=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if isinstance(data, Mapping) and data.get("type") == Conversation.Type.PRIVATE:
            data = {name: value for name, value in data.items() if name not in ("name", "description")}
        return super().to_internal_value(data)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["type"] == Conversation.Type.GROUP and "name" not in attrs:
            raise serializers.ValidationError({"name": ["A group has a name."]}, code="required")
        return attrs


class UpdateConversationSerializer(serializers.Serializer[Any]):
    name = TextField(max_length=100, required=False)
    description = TextField(max_length=1000, required=False, allow_blank=True)


class MarkReadSerializer(serializers.Serializer[Any]):
    message_id = IdField(required=False, allow_null=True)


class AddParticipantsSerializer(serializers.Serializer[Any]):
    # `min_length` is for the OpenAPI document: it does not know of `allow_empty`.
    user_ids = serializers.ListField(child=IdField(), allow_empty=False, min_length=1)


class SetAdminSerializer(serializers.Serializer[Any]):
    is_admin = FlagField()


# Frames in ----------------------------------------------------------------------------------------


class AddressedSerializer(serializers.Serializer[Any]):
    """A frame about a conversation; on the socket of one, `conversation_id` is filled in."""

    conversation_id = IdField()


class SendMessageFrameSerializer(AddressedSerializer, SaidSerializer):
    pass


class TypingFrameSerializer(AddressedSerializer):
    is_typing = FlagField()


class ReadReceiptFrameSerializer(AddressedSerializer):
    message_id = IdField()


class AuthenticateFrameSerializer(serializers.Serializer[Any]):
    conversation_id = IdField(required=False)
    token = serializers.CharField(max_length=8192)


class PingFrameSerializer(serializers.Serializer[Any]):
    conversation_id = IdField(required=False)


class VersionsField(serializers.Field[dict[int, int], Any, Any, Any]):
    """By conversation, as text, a version."""

    default_error_messages = {"invalid": "This is an object from ids of conversations to versions."}

    def to_internal_value(self, data: Any) -> dict[int, int]:
        if not isinstance(data, dict):
            self.fail("invalid")
        for key, version in data.items():
            is_id = key.isascii() and key.isdigit() and len(key) <= 18
            if not is_id or type(version) is not int or version < 0:
                self.fail("invalid")
        return {int(key): version for key, version in data.items()}


class ResumeFrameSerializer(serializers.Serializer[Any]):
    versions = VersionsField()
