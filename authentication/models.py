"""Who there is, and where they are logged in."""

import re
import secrets
import time
from collections.abc import Collection
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower
from django.utils import timezone

from chat_server.environment import Rate
from chat_server.throttling import charge

from . import hooks
from .shapes import display_name

TOKEN_LENGTH = 43  # secrets.token_urlsafe(32)
username_letters = RegexValidator(
    r"\A[A-Za-z0-9_.-]*\Z", "A username is made of the letters A to Z, digits, and _ . - only."
)


def new_session_id() -> str:
    """An id that cannot be guessed."""
    return secrets.token_urlsafe(32)


def session_end() -> datetime:
    """When a session that is used now, and then no more, is over."""
    return timezone.now() + settings.REFRESH_TOKEN_LIFETIME


def reset_end() -> datetime:
    """When a password reset that is asked for now no longer works."""
    return timezone.now() + settings.PASSWORD_RESET_LIFETIME


class UserQuerySet(models.QuerySet["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def search(self, term: str) -> Self:
        """Those whose username or full name has the term at the start of a word, without case."""
        words = r"\s+".join(map(re.escape, term.split()))
        names = self.alias(names=Concat("username", Value("/"), "first_name", Value(" "), "last_name"))
        return names.filter(names__iregex=rf"(^|\W|_){words}")

    def by_username(self) -> Self:
        """With the key that they are ordered by, `username_key`."""
        return self.annotate(username_key=Lower("username")).order_by("username_key")


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # made while it runs
    def create_user(self, email: str, username: str, password: str | None = None, **fields: Any) -> "User":
        """A stored user; without a password it cannot log in until it is given one."""
        user: User = self.model(email=email.strip().lower(), username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, username: str, password: str | None = None, **fields: Any) -> "User":
        """A stored user with every right; `ValidationError` where the address or the name will not do."""
        fields = {**fields, "is_staff": True, "is_superuser": True}
        # `createsuperuser --noinput` checks nothing by itself.
        self.model(email=email or "", username=username or "", **fields).full_clean(exclude=["password"])
        return self.create_user(email, username, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user of that e-mail address, written in any case."""
        user: User = self.get(email=(username or "").strip().lower())
        return user


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField("e-mail address", max_length=254, unique=True)
    username = models.CharField(max_length=30, validators=[MinLengthValidator(3), username_letters])
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    bio = models.TextField(max_length=500, blank=True)
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May log in to this admin site.")
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    is_online = models.BooleanField("online", default=False, editable=False)
    last_seen = models.DateTimeField(null=True, editable=False)

    avatar: str | None = None  # until pictures can be uploaded

    objects = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique_without_case",
                violation_error_code="unique",
                violation_error_message="A user with that username already exists.",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        return display_name(self.username, self.first_name, self.last_name)

    def clean(self) -> None:
        self.email = (self.email or "").strip().lower()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row; with a new password, or no longer active, every session is over, whoever saved it.

        Here and not in a service because the admin's forms and `manage.py changepassword` come this way only.
        """
        shut_out = self._password is not None or not self.has_usable_password() or not self.is_active
        if self._state.adding or not shut_out:
            return super().save(*args, **kwargs)
        with transaction.atomic():
            super().save(*args, **kwargs)
            self.sessions.all().end()
            self.password_reset_tokens.all().delete()


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self, now: Any = None) -> Self:
        return self.filter(expires_at__gt=now or timezone.now())

    def end(self) -> list[str]:
        """End these sessions and return their ids; after the commit `hooks.sessions_ended` hears of them."""
        with transaction.atomic():
            ended = list(self.values_list("pk", flat=True))
            self.model.objects.filter(pk__in=ended).delete()

            def announce() -> None:
                hooks.announce_sessions_ended(ended)

            if ended:
                transaction.on_commit(announce)
        return ended


class Session(models.Model):
    """One login on one device; its access and refresh tokens work as long as the row is there and not expired."""

    id = models.CharField(primary_key=True, max_length=TOKEN_LENGTH, default=new_session_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=session_end, editable=False)
    ip = models.CharField("IP address", max_length=64, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    refresh_hash = models.CharField(
        max_length=64, editable=False
    )  # of the id of the one refresh token that is not spent

    objects = SessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "-created_at"], name="session_of_user")]

    def __str__(self) -> str:
        return f"{self.user}, {self.created_at:%Y-%m-%d %H:%M}"


class PasswordResetTokenQuerySet(models.QuerySet["PasswordResetToken"]):
    def live(self) -> Self:
        return self.filter(expires_at__gt=timezone.now(), user__is_active=True)


class PasswordResetToken(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_reset_tokens")
    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=reset_end)

    objects = PasswordResetTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user}, until {self.expires_at:%Y-%m-%d %H:%M}"


class AttemptsQuerySet(models.QuerySet["Attempts"]):
    def take(self, keys: Collection[str], rate: Rate) -> float:
        """Count one for each key and return 0; or, where one of them is over the rate, none, and how long to wait."""
        now = time.time()
        known = dict(self.filter(key__in=keys).values_list("key", "full_at"))
        if longest := max(charge(known.get(key, 0.0), now, rate)[1] for key in keys):
            return longest  # a flood that is refused takes no lock
        with transaction.atomic():
            # In one order, so that two who share several keys do not wait for each other.
            self.bulk_create([self.model(key=key, full_at=now) for key in sorted(keys)], ignore_conflicts=True)
            rows = list(self.filter(key__in=keys).order_by("key").select_for_update())
            for row in rows:  # again: others may have been faster
                row.full_at, wait = charge(row.full_at, now, rate)
                longest = max(longest, wait)
            if longest:
                transaction.set_rollback(True)
            else:
                self.bulk_update(rows, ["full_at"])
        return longest

    def give_back(self, keys: Collection[str], rate: Rate) -> None:
        """Undo one `take`: what it was taken for does not count."""
        for key in keys:  # each by itself: no two locks are held
            self.filter(key=key).update(full_at=F("full_at") - rate.seconds / rate.count)

    def forget_old(self) -> None:
        """Delete what has not counted for a minute."""
        self.filter(full_at__lt=time.time() - 60).delete()


class Attempts(models.Model):
    """How often something was tried, by a key that tells nobody who it was. Over all processes, and outliving them."""

    key = models.CharField(max_length=64, primary_key=True)
    full_at = models.FloatField(db_index=True)  # Unix time when the bucket is full again: see `chat_server.throttling`

    objects = AttemptsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "attempts"

    def __str__(self) -> str:
        return self.key
