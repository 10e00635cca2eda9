"""Shapes in and out; nothing here writes."""

from typing import Any

from django.core.validators import EmailValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from chat_server.fields import FlagField, TextField

from .models import Session, User, username_letters
from .tokens import Access

# Out --------------------------------------------------------------------------------------------


class AuthorSerializer(serializers.ModelSerializer[User]):
    """A user inside a message: nothing that changes by itself."""

    avatar = serializers.URLField(read_only=True, allow_null=True)
    display_name = serializers.CharField(read_only=True)

    class Meta:
        model = User
        fields: tuple[str, ...] = ("id", "username", "display_name", "avatar")
        read_only_fields = fields


class UserSerializer(AuthorSerializer):
    """A user as others see it."""

    class Meta(AuthorSerializer.Meta):
        fields = (*AuthorSerializer.Meta.fields, "is_online", "last_seen")
        read_only_fields = fields


class ProfileSerializer(UserSerializer):
    """A user as its owner sees it."""

    class Meta(UserSerializer.Meta):
        fields = (*UserSerializer.Meta.fields, "email", "first_name", "last_name", "bio", "date_joined")
        read_only_fields = fields


class PairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField(
        read_only=True, help_text="Goes into `Authorization: Bearer …`; good for ten minutes by default."
    )
    refresh = serializers.CharField(read_only=True, help_text="Works once, at `token/refresh/`.")


class LoginResultSerializer(PairSerializer):
    user = ProfileSerializer(read_only=True)


class CheckSessionSerializer(serializers.Serializer[Access]):
    authenticated = serializers.BooleanField(read_only=True, default=True)
    user = ProfileSerializer(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True, help_text="When this access token runs out.")


class DetailSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(read_only=True)


class SessionSerializer(serializers.ModelSerializer[Session]):
    """One login; `context["access"]` tells which one is asking."""

    ip = serializers.SerializerMethodField()
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Session
        fields = ("id", "created_at", "last_used_at", "ip", "user_agent", "is_current")
        read_only_fields = fields

    @extend_schema_field(serializers.IPAddressField(allow_null=True))
    def get_ip(self, session: Session) -> str | None:
        return session.ip or None

    def get_is_current(self, session: Session) -> bool:
        return bool(session.pk == self.context["access"].session_id)


# In ---------------------------------------------------------------------------------------------


class EmailAddressField(TextField):
    """An e-mail address, in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=254, validators=[EmailValidator()], **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()  # before the length is checked: it may grow


class UsernameField(TextField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=3, max_length=30, validators=[username_letters], **kwargs)


class NameField(TextField):
    """A part of somebody's name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=150, allow_blank=True, required=False, **kwargs)


class PasswordField(TextField):
    """A password, taken as it is; a new one has at least 8 characters."""

    def __init__(self, *, new: bool = False, **kwargs: Any) -> None:
        super().__init__(
            min_length=8 if new else None,
            max_length=128,
            trim_whitespace=False,
            style={"input_type": "password"},
            **kwargs,
        )


class RegisterInput(serializers.Serializer[Any]):
    email = EmailAddressField()
    username = UsernameField()
    password = PasswordField(new=True)
    password_confirm = PasswordField(required=False)
    first_name = NameField()
    last_name = NameField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.pop("password_confirm", attrs["password"]) != attrs["password"]:
            raise ValidationError({"password_confirm": ["The two passwords differ."]}, code="password_mismatch")
        return attrs


class LoginInput(serializers.Serializer[Any]):
    email = EmailAddressField()
    password = PasswordField()


class LogoutInput(serializers.Serializer[Any]):
    refresh = TextField(required=False, help_text="Must be of this session; it ends with it in any case.")
    all = FlagField(default=False, help_text="Every session of yours, not only this one.")


class RefreshInput(serializers.Serializer[Any]):
    refresh = TextField()


class PasswordResetInput(serializers.Serializer[Any]):
    email = EmailAddressField()


class PasswordResetConfirmInput(serializers.Serializer[Any]):
    token = TextField()
    new_password = PasswordField(new=True)


class PasswordChangeInput(serializers.Serializer[Any]):
    old_password = PasswordField()
    new_password = PasswordField(new=True)


class ProfileInput(serializers.Serializer[Any]):
    username = UsernameField()
    first_name = NameField()
    last_name = NameField()
    bio = TextField(max_length=500, allow_blank=True, required=False)
