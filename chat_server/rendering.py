"""How what goes out is written: moments, and JSON."""

from datetime import UTC, datetime
from typing import Any

from django.http import HttpResponse
from orjson import OPT_PASSTHROUGH_DATETIME, OPT_UTC_Z, dumps
from rest_framework.renderers import JSONRenderer

LENGTH = len("2026-01-01T00:00:00.000000Z")
SEPARATORS = {"\u2028".encode(): rb"\u2028", "\u2029".encode(): rb"\u2029"}  # JSON that is JavaScript, too


def timestamp(moment: datetime) -> str:
    """A moment as every frame and every answer writes it: RFC 3339 in UTC, microseconds, `Z`."""
    text = dumps(moment, option=OPT_UTC_Z)[1:-1].decode()  # half as dear as isoformat()
    if len(text) == LENGTH:
        return text
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"  # not in UTC, or no microsecond over


def timestamp_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)


def rendered(data: Any) -> bytes:
    """The JSON of an answer; `TypeError` for what orjson does not know."""
    text = dumps(data, option=OPT_PASSTHROUGH_DATETIME)
    for letter, escaped in SEPARATORS.items():
        if letter in text:
            text = text.replace(letter, escaped)
    return text


class FastJSONRenderer(JSONRenderer):
    """REST framework's, to the byte; what orjson does not know, that one writes."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        try:
            return rendered(data)
        except TypeError:
            return super().render(data, accepted_media_type, renderer_context)


class Answer(HttpResponse):
    """A JSON answer that is written at once: REST framework's own chooses its form at the end."""

    def __init__(self, data: Any, status: int = 200) -> None:
        super().__init__(rendered(data), status=status, content_type="application/json")
