"""REST's door."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from chat_server.throttling import take

from . import services
from .models import User
from .tokens import Access, TokenNotValid, verify_access


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; `request.user` is then the user, `request.auth` the `Access`."""

    def authenticate(self, request: Request) -> tuple[User, Access] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _, raw = header.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenNotValid
        access = verify_access(raw.strip())
        take("THROTTLE_USER", f"user:{access.user.pk}")  # here, so that what is refused further on counts too
        services.touch_session(access=access)
        return access.user, access

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its hook for subclasses is not typed
    target_class = AccessTokenAuthentication
    name = "accessToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
