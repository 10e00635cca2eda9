"""How a JSON text that comes from outside is read, over REST and on the socket: strictly."""

from functools import cache
from typing import IO, TYPE_CHECKING, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import BaseParser

from .exceptions import BodyTooBig

if TYPE_CHECKING:  # REST framework loads this file before those are whole
    from rest_framework.request import Request
    from rest_framework.serializers import Serializer


def parse_json(text: bytes | str) -> Any:
    """Parse strict JSON: NaN, infinities, invalid UTF-8, lone surrogates and endless nesting are a `ValueError`."""
    return orjson.loads(text)


def checked(serializer_class: "type[Serializer[Any]]", request: "Request", *, partial: bool = False) -> dict[str, Any]:
    """What the request's body says, as the serializer lets it in; 400 where it will not do."""
    try:
        return _kept(serializer_class, partial).run_validation(request.data)
    except ValidationError:  # the words are those of one that was made for this request
        serializer = serializer_class(data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


@cache
def _kept(serializer_class: "type[Serializer[Any]]", partial: bool) -> "Serializer[Any]":
    """To make the fields of one costs more than to use them; nothing of a request is kept in it."""
    return serializer_class(partial=partial)


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
