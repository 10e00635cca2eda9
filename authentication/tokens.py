"""The only code that knows JWTs: issue, verify, rotate.

Both tokens of a pair carry the session's id; the session's row has the last word on both.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypedDict

from django.conf import settings
from django.utils import timezone
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from chat_server.batching import Batch, Ticket, fail
from chat_server.compiled import Among, Compiled

from .exceptions import TokenNotValid as TokenNotValid  # whoever verifies a token catches it
from .models import Session, User, session_end

MAX_LENGTH = 4096  # ours have about 300 characters
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Pair(TypedDict):
    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class Access:
    """What a valid access token grants: to be this user, in this session, until then."""

    user: User
    session_id: str
    expires_at: datetime
    last_used_at: datetime | None = None  # the session's, when the token was verified


@dataclass(frozen=True, slots=True)
class Claims:
    user_id: str
    session_id: str
    token_id: str
    expires_at: datetime


def issue_pair(session: Session) -> Pair:
    """Store the session with a fresh refresh token, the only one that is then not spent, and return both tokens."""
    pair, session.refresh_hash = _new_pair(session)
    session.expires_at = session_end()
    session.save()
    return pair


def verify_each(raws: Sequence[str]) -> list[Access | TokenNotValid]:
    """Whom each of them lets in, for one query; a refusal for anything but a live session's access token."""
    read: list[Claims | TokenNotValid] = []
    for raw in raws:
        try:
            read.append(_read_access(raw))
        except TokenNotValid as refusal:
            read.append(refusal)
    sessions = _live_sessions([claims for claims in read if isinstance(claims, Claims)])
    return [_admitted(claims, sessions) if isinstance(claims, Claims) else claims for claims in read]


async def averify_access(raw: str) -> Access:
    """Whom the token lets in, for the event loop: one query for all that ask meanwhile; `TokenNotValid`."""
    return await _verifications.arun(_read_access(raw))


def rotate(raw: str) -> Pair:
    """Spend a refresh token for a new pair; one that was spent before ends its session and is `TokenNotValid`."""
    claims = _read(RefreshToken, raw)
    session = _live_session(claims)
    pair, fresh_hash = _new_pair(session)
    # One conditional UPDATE: of several that come at once with the same token, one wins.
    won = Session.objects.filter(pk=session.pk, refresh_hash=_hash(claims.token_id)).update(
        refresh_hash=fresh_hash, last_used_at=timezone.now(), expires_at=session_end()
    )
    if not won:
        Session.objects.filter(pk=session.pk).end()
        raise TokenNotValid
    return pair


def session_of_refresh(raw: str) -> str:
    """The id of the session that a refresh token, spent or not, was issued to; no query."""
    return _read(RefreshToken, raw).session_id


def session_of_access(raw: str) -> str:
    """The id of the session that an access token was issued to, whether or not it still lives; no query."""
    return _read_access(raw).session_id


def _new_pair(session: Session) -> tuple[Pair, str]:
    access, refresh = AccessToken(), RefreshToken()
    for token, lifetime in (access, settings.ACCESS_TOKEN_LIFETIME), (refresh, settings.REFRESH_TOKEN_LIFETIME):
        token.set_exp(lifetime=lifetime)
        token["sid"], token["user_id"] = session.pk, str(session.user_id)
    return Pair(access=str(access), refresh=str(refresh)), _hash(refresh["jti"])


def _hash(token_id: str) -> str:
    return hashlib.sha256(token_id.encode()).hexdigest()


@lru_cache(4096)
def _signed_access(raw: str) -> Claims:
    """What a token of ours claims; to check its signature again each time costs more than the query."""
    return _read(AccessToken, raw)


def _read_access(raw: str) -> Claims:
    claims = _signed_access(raw)
    if claims.expires_at <= timezone.now():
        raise TokenNotValid
    return claims


def _read(kind: type[Token], raw: str) -> Claims:
    if len(raw) > MAX_LENGTH:
        raise TokenNotValid
    try:
        payload: dict[str, Any] = kind(raw).payload  # type: ignore[arg-type]  # simplejwt means the encoded text
        expires_at = datetime.fromtimestamp(payload["exp"], UTC)
    # Beyond its own errors PyJWT lets out what a header or a claim of the wrong shape makes of its parsing.
    except (TokenError, ValueError, TypeError, LookupError, AttributeError, OverflowError, OSError, RecursionError):
        raise TokenNotValid from None
    user_id, session_id, token_id = (payload.get(name) for name in ("user_id", "sid", "jti"))
    if not all(isinstance(value, str) and ID.fullmatch(value) for value in (user_id, session_id, token_id)):
        raise TokenNotValid
    return Claims(str(user_id), str(session_id), str(token_id), expires_at)


def _live_session(claims: Claims) -> Session:
    return _checked(claims, _session.first(pk=claims.session_id, now=timezone.now()))


_session: Compiled[Session] = Compiled(
    lambda pk, now: Session.objects.live(now).select_related("user").filter(pk=pk), "pk", "now"
)


_sessions: Compiled[Session] = Compiled(
    lambda ids, now: Session.objects.live(now).select_related("user").filter(Among("pk", ids)), "ids", "now"
)


def _checked(claims: Claims, session: Session | None) -> Session:
    if session is None or str(session.user_id) != claims.user_id or not session.user.is_active:
        raise TokenNotValid
    return session


def _access(claims: Claims, session: Session) -> Access:
    return Access(session.user, session.pk, min(claims.expires_at, session.expires_at), session.last_used_at)


def _live_sessions(asked: Sequence[Claims]) -> dict[str, Session]:
    """Those of their sessions that still live, by id."""
    ids = {claims.session_id for claims in asked}
    if not ids:
        return {}
    return {session.pk: session for session in _sessions(ids=list(ids), now=timezone.now())}


def _admitted(claims: Claims, sessions: dict[str, Session]) -> Access | TokenNotValid:
    try:
        return _access(claims, _checked(claims, sessions.get(claims.session_id)))
    except TokenNotValid as refusal:
        return refusal


def _verify_together(tickets: Sequence[Ticket[Claims, Access]]) -> None:
    sessions = _live_sessions([ticket.item for ticket in tickets])
    for ticket in tickets:
        verdict = _admitted(ticket.item, sessions)
        if isinstance(verdict, Access):
            ticket.answer.set_result(verdict)
        else:
            fail([ticket], verdict)


_verifications: Batch[Claims, Access] = Batch(_verify_together)


def live_session_ids(session_ids: Iterable[str]) -> set[str]:
    """Those of these sessions that are still good, in one query."""
    return {pk for (pk,) in _live(ids=list(session_ids), now=timezone.now())}


_live: Compiled[tuple[str]] = Compiled(
    lambda ids, now: Session.objects.live(now).filter(Among("pk", ids), user__is_active=True).values_list("pk"),
    *("ids", "now"),
)
