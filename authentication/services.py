"""Every write of accounts and sessions.

Passwords are hashed outside of transactions: Argon2 takes a tenth of a second, and SQLite has one write lock.
"""

import hashlib
import logging
import secrets
import threading
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.mail import send_mail
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.utils import timezone
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.fields import get_error_detail

from . import hooks, tokens
from .exceptions import InvalidCredentials, InvalidResetToken, Taken, TokenNotValid, WrongPassword
from .models import PasswordResetToken, Session, SessionQuerySet, User
from .throttling import login_attempt, take
from .tokens import Access, Pair

logger = logging.getLogger(__name__)
TOUCH_EVERY = timedelta(minutes=1)
# Each hash takes 100 MiB and a core. It also keeps right passwords that come at once from filling THROTTLE_LOGIN.
hashing = threading.BoundedSemaphore(4)


def register(
    *, email: str, username: str, password: str, ip: str, user_agent: str, first_name: str = "", last_name: str = ""
) -> tuple[User, Pair]:
    """A new user, logged in; `Taken` where the address or the name is, however many ask at once; `Throttled`."""
    take("THROTTLE_REGISTER", f"from:{ip}")
    user = User(email=email, username=username, first_name=first_name, last_name=last_name)
    if taken := _taken(user):
        raise Taken(*taken)
    _refuse_weak(password, user, attr="password")
    with hashing:
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            return user, _open_session(user, ip, user_agent)
    except IntegrityError:  # somebody was faster
        raise Taken(*_taken(user) or ["username"]) from None


def log_in(*, email: str, password: str, ip: str, user_agent: str) -> tuple[User, Pair]:
    """The user and the tokens of a new session; `InvalidCredentials` whatever is wrong, `Throttled` after too many."""
    with hashing, login_attempt(ip, email):
        user = _verified(email, password)
    with transaction.atomic():
        if not _still(user, user.password):
            raise InvalidCredentials
        return user, _open_session(user, ip, user_agent)


def log_out(*, access: Access, refresh: str | None = None, everywhere: bool = False) -> None:
    """End this session, or every one; a `refresh` that is not this session's is 400 and ends nothing."""
    if refresh is not None and not _belongs(refresh, access):
        raise ValidationError({"refresh": ["This is no refresh token of this session."]}, code="invalid")
    own = access.user.sessions.all()
    end_sessions(sessions=own if everywhere else own.filter(pk=access.session_id))


def end_session(*, user: User, session_id: str) -> None:
    """End one session of the user; `NotFound` where they have no such one."""
    if not end_sessions(sessions=user.sessions.live().filter(pk=session_id)):
        raise NotFound


def end_sessions(*, sessions: SessionQuerySet) -> list[str]:
    """End these sessions at once, with their tokens and sockets, and return their ids."""
    return sessions.end()


def touch_session(*, access: Access) -> None:
    """Remember that the session is in use, to the minute."""
    now = timezone.now()
    if access.last_used_at is not None and access.last_used_at < now - TOUCH_EVERY:
        Session.objects.filter(pk=access.session_id, last_used_at=access.last_used_at).update(last_used_at=now)


def request_password_reset(*, email: str, ip: str) -> None:
    """Mail a link to the address if an active user has it; the caller cannot tell by the time it takes. `Throttled`."""
    take("THROTTLE_PASSWORD_RESET", f"from:{ip}", f"to:{email}")
    user = User.objects.active().filter(email=email).first()
    threading.Thread(target=_send_reset_link, args=(user,), name="password-reset", daemon=True).start()


def reset_password(*, token: str, new_password: str) -> None:
    """Set the password and end every session; a token that will not do is `InvalidResetToken`, and one works once."""
    found = PasswordResetToken.objects.live().filter(token_hash=_hash(token)).select_related("user").first()
    if found is None:
        raise InvalidResetToken
    user = found.user
    _refuse_weak(new_password, user, attr="new_password")
    with hashing:
        user.set_password(new_password)
    with transaction.atomic():
        _lock(user)
        spent, _ = PasswordResetToken.objects.live().filter(pk=found.pk).delete()
        if not spent:
            raise InvalidResetToken
        user.save(update_fields=["password"])


def change_password(*, access: Access, old_password: str, new_password: str, ip: str, user_agent: str) -> Pair:
    """Set the password, end every session, and return the tokens of a fresh one; `WrongPassword` counts as a login."""
    user = access.user
    with hashing, login_attempt(ip, user.email):
        if not user.check_password(old_password):
            raise WrongPassword
    _refuse_weak(new_password, user, attr="new_password")
    verified = user.password
    with hashing:
        user.set_password(new_password)
    with transaction.atomic():
        if not _still(user, verified):
            raise WrongPassword  # it was changed meanwhile
        user.save(update_fields=["password"])
        return _open_session(user, ip, user_agent)


def update_profile(*, user: User, **changes: str) -> User:
    """The user with these fields changed; what is the same already writes nothing; `Taken` where the name is."""
    changed = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if not changed:
        return user
    for name, value in changed.items():
        setattr(user, name, value)
    if "username" in changed and "username" in _taken(user):
        raise Taken("username")
    try:
        with transaction.atomic():
            if _lock(user) is None:  # deleted at this moment
                raise TokenNotValid
            user.save(update_fields=list(changed))
    except IntegrityError:
        raise Taken("username") from None
    return user


def deactivate_user(*, user: User) -> None:
    """Shut the user out: at once no token of theirs works, and their sockets close."""
    user.is_active = False
    user.save(update_fields=["is_active"])  # ends the sessions


def activate_user(*, user: User) -> None:
    """Let the user log in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])


def delete_account(*, user: User) -> None:
    """Delete the user for good, after `hooks.account_closing` has let go of them; all of it or nothing."""
    with transaction.atomic():
        _lock(user)
        for listener in hooks.account_closing:
            listener(user)
        end_sessions(sessions=user.sessions.all())
        user.delete()


def _verified(email: str, password: str) -> User:
    user = User.objects.filter(email=email).first()
    if user is None:
        User().set_password(password)  # takes as long as a check
        raise InvalidCredentials
    if not user.check_password(password) or not user.is_active:
        raise InvalidCredentials
    return user


def _taken(user: User) -> list[str]:
    others = User.objects.exclude(pk=user.pk)
    lookups = {"email": {"email": user.email}, "username": {"username__iexact": user.username}}
    return [field for field, lookup in lookups.items() if others.filter(**lookup).exists()]


def _refuse_weak(password: str, user: User, *, attr: str) -> None:
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise ValidationError({attr: get_error_detail(error)}) from None


def _lock(user: User) -> User | None:
    # Without the key: who writes a row that refers to the user need not wait.
    return User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()


def _still(user: User, verified: str) -> bool:
    """Lock the user, whose password was right a moment ago: is it still, and may they come in?"""
    current = _lock(user)
    return current is not None and current.is_active and current.password == verified


def _open_session(user: User, ip: str, user_agent: str) -> Pair:
    user.sessions.filter(expires_at__lte=timezone.now()).delete()
    return tokens.issue_pair(Session(user=user, ip=ip, user_agent=user_agent))


def _belongs(refresh: str, access: Access) -> bool:
    try:
        return tokens.session_of_refresh(refresh) == access.session_id
    except TokenNotValid:
        return False


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _send_reset_link(user: User | None) -> None:
    """Runs in a thread of its own; what goes wrong is one line in the log, without the token."""
    try:
        token = secrets.token_urlsafe(32)
        with transaction.atomic():
            if user is None or (current := _lock(user)) is None or not current.is_active:
                return
            current.password_reset_tokens.all().delete()
            PasswordResetToken.objects.create(user=current, token_hash=_hash(token))
        link = f"{settings.FRONTEND_URL}/reset-password#token={token}"
        text = render_to_string("authentication/password_reset.txt", {"user": current, "link": link})
        send_mail("Reset your password", text, None, [current.email])
    except Exception as error:  # nobody is left to tell
        logger.error("a password reset mail could not be sent: %s", type(error).__name__)
    finally:
        connection.close()
