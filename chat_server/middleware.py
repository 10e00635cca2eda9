"""What Django's own middleware leaves out."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse

from .errors import error_response
from .exceptions import BodyTooBig

Answer = Callable[[HttpRequest], HttpResponse]

# Page, admin and API page are made of our own files alone. `data:`: pictures in Swagger UI's style sheet.
POLICY = "; ".join(
    (
        *("default-src 'self'", "img-src 'self' data:", "object-src 'none'", "base-uri 'none'"),
        *("form-action 'self'", "frame-ancestors 'none'"),
    )
)
PERMISSIONS = ", ".join(f"{name}=()" for name in ("camera", "geolocation", "microphone", "payment", "usb"))


class BrowserPolicies:
    """What a browser may do with an answer of ours: run no foreign code, show it in no frame, ask for no device, and
    keep nothing of the API.

    The first of all middleware: what others answer by themselves has the same headers (static files, redirects, a
    preflight, a Host that is refused), though Django's own set some of them only on what comes past them.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = settings.X_FRAME_OPTIONS
        response.headers["Referrer-Policy"] = settings.SECURE_REFERRER_POLICY
        response.headers["Cross-Origin-Opener-Policy"] = settings.SECURE_CROSS_ORIGIN_OPENER_POLICY
        if request.path.startswith("/api/"):
            # Tokens (RFC 6749, 5.1), and what is for one person's eyes: on a shared machine nobody finds it later.
            response.headers["Cache-Control"] = "no-store"
        return response


class ChunkedBodies:
    """A body that came in chunks has a length like any other: REST framework takes one without for none."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            try:
                request.META["CONTENT_LENGTH"] = str(len(request.body))
            except RequestDataTooBig:
                return error_response(413, BodyTooBig.default_code, BodyTooBig.default_detail)
        return self.get_response(request)


class ForPages:
    """What the page and the admin need and the API does not, which reads no cookie."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class PageSessions(ForPages, SessionMiddleware):
    pass


class PageUsers(ForPages, AuthenticationMiddleware):
    pass


class PageMessages(ForPages, MessageMiddleware):
    pass
