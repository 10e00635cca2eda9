"""The socket's door."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from chat_server.errors import as_api_exception

from .tokens import TokenNotValid, averify_access

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]


class AccessTokenMiddleware:
    """Put who is there into the scope; it refuses nobody, the consumer does.

    `access`: the `Access` or None. `accepted_subprotocol`: "bearer" where the client offers it, else None.
    `access_error`: "unavailable" where the database did not answer, else None.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        offered = scope.get("subprotocols", [])
        scope = {
            **scope,
            "access": None,
            "access_error": None,
            "accepted_subprotocol": "bearer" if "bearer" in offered else None,
        }
        if token := presented_token(scope):
            try:
                scope["access"] = await averify_access(token)
            except TokenNotValid:
                pass
            except Exception as error:
                if as_api_exception(error) is None:
                    raise
                scope["access_error"] = "unavailable"
        await self.app(scope, receive, send)


def presented_token(scope: Scope) -> str | None:
    """The token as the client sent it: by header, else as the subprotocol after `bearer`, else as `?token=`."""
    for name, value in scope["headers"]:
        scheme, _, raw = value.decode("latin-1").partition(" ")
        if name == b"authorization" and scheme.lower() == "bearer":
            return raw.strip()
    offered = scope.get("subprotocols", [])
    if "bearer" in offered[:-1]:
        return str(offered[offered.index("bearer") + 1])
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return query.get("token", [None])[0]
