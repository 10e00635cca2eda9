"""Which browser pages may open a socket: those of this server and of `CORS_ALLOWED_ORIGINS`."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_allowed(origin: str, host: str) -> bool:
    """Whether a page of `origin` may speak to this server, which it knows as `host` (the Host header)."""
    try:
        page, own = urlsplit(origin), urlsplit(f"//{host}")
        page_port, own_port = page.port, own.port
    except ValueError:
        return False
    if origin.lower() in (allowed.lower() for allowed in settings.CORS_ALLOWED_ORIGINS):
        return True
    schemes = ("https",) if settings.HTTPS else ("http", "https")
    if page.scheme not in schemes or not page.hostname:
        return False
    default = DEFAULT_PORTS[page.scheme]
    domain, _ = split_domain_port(host)
    same = page.hostname == own.hostname and (page_port or default) == (own_port or default)
    return same and bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


class OriginGuard:
    """ASGI middleware: a socket from a foreign page is refused with HTTP 403. Who is no browser sends no Origin."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        host = headers.get(b"host", b"").decode("latin-1")
        if origin is not None and not origin_allowed(origin.decode("latin-1"), host):
            await receive()
            await send({"type": "websocket.close"})
            return
        await self.application(scope, receive, send)
