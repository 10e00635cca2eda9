"""REST's door."""

from collections.abc import Mapping, Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from chat_server.throttling import take_each

from . import services
from .models import User
from .tokens import Access, TokenNotValid, verify_each

Verdict = Access | Exception


def admit(tokens: Sequence[str]) -> list[Verdict]:
    """Whom each of these access tokens lets in, or why it does not; one query and one question to Redis for all.

    Each is counted for its user's limit, here, so that what is refused further on counts too.
    """
    verdicts: list[Verdict] = list(verify_each(tokens))
    let_in = [(at, verdict) for at, verdict in enumerate(verdicts) if isinstance(verdict, Access)]
    refusals = take_each("THROTTLE_USER", [f"user:{access.user.pk}" for _, access in let_in])
    for (at, _), refusal in zip(let_in, refusals, strict=True):
        if refusal is not None:
            verdicts[at] = refusal
    return verdicts


def header_token(scope: Mapping[str, Any]) -> str:
    """The access token that an ASGI scope's one `Authorization` header brings; "" where there is none, or several."""
    headers = [value for name, value in scope["headers"] if name == b"authorization"]
    return _bearer(headers[0].decode("latin-1")) or "" if len(headers) == 1 else ""


def _bearer(header: str) -> str | None:
    scheme, _, raw = header.partition(" ")
    return raw.strip() if scheme.lower() == "bearer" else None


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; `request.user` is then the user, `request.auth` the `Access`."""

    def authenticate(self, request: Request) -> tuple[User, Access] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        raw = _bearer(header)
        if raw is None:
            raise TokenNotValid
        # The handler asks ahead, for many at once; who is called otherwise (a test, say) asks here.
        token, verdict = getattr(request._request, "scope", {}).get("admitted", ("", None))
        if verdict is None or token != raw:
            [verdict] = admit([raw])
        if isinstance(verdict, Exception):
            raise verdict
        services.touch_session(access=verdict)
        return verdict.user, verdict

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its hook for subclasses is not typed
    target_class = AccessTokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
