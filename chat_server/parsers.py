"""How a JSON text that comes from outside is read, over REST and on the socket: strictly."""

from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .exceptions import BodyTooBig


def parse_json(text: bytes | str) -> Any:
    """Parse strict JSON: NaN, infinities, invalid UTF-8, lone surrogates and endless nesting are a `ValueError`."""
    return orjson.loads(text)


class StrictJSONParser(BaseParser):
    """DRF's door for `application/json`; a body over 1 MiB is 413."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(settings.MAX_BODY_BYTES + 1)
        if len(body) > settings.MAX_BODY_BYTES:
            raise BodyTooBig
        if not body:  # a chunked body may turn out to be empty
            return {}
        try:
            return parse_json(body)
        except ValueError:
            raise ParseError("The body is not valid JSON.") from None
