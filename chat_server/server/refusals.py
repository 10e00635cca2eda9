"""What the launcher itself answers: drf-standardized-errors' body under /api/, one plain line elsewhere."""

import json
from http import HTTPStatus

REFUSALS = {
    HTTPStatus.BAD_REQUEST: ("client_error", "invalid", "The request is not valid."),
    HTTPStatus.REQUEST_TIMEOUT: ("client_error", "timeout", "The request took too long to come in."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("client_error", "too_big", "The body is over 1 MiB."),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("server_error", "error", "Something went wrong here."),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "server_error",
        "unavailable",
        "The server restarts, or is busy: come back.",
    ),
}


def refusal(status: HTTPStatus, uri: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of an answer to a request for `uri`."""
    kind, code, detail = REFUSALS.get(status, REFUSALS[HTTPStatus.INTERNAL_SERVER_ERROR])
    if not uri.startswith(b"/api/"):
        content_type, body = b"text/plain; charset=utf-8", detail
    else:
        errors = [{"code": code, "detail": detail, "attr": None}]
        content_type, body = b"application/json", json.dumps({"type": kind, "errors": errors})
    content = body.encode()
    headers = [
        (b"Content-Type", content_type),
        (b"Content-Length", b"%d" % len(content)),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Cache-Control", b"no-store"),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"Retry-After", b"1"))
    return headers, content
