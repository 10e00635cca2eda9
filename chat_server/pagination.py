"""Lists that are read page by page: `{"next", "previous", "results"}`.

By key and not by offset, so that rows may come and go meanwhile.
"""

from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .fields import MAX_INTEGER, is_blank

DEFAULT_LIMIT, MAX_LIMIT = 50, 100
Row = TypeVar("Row", bound=Model)


def integer_parameter(request: Request, name: str, *, minimum: int) -> int | None:
    """The query parameter as a whole number, None where it is left out, 400 where it is anything else."""
    text = request.query_params.get(name)
    if text is None:
        return None
    digits = text.lstrip("0") or text[:1]
    if not (digits.isascii() and digits.isdigit()) or (value := int(digits[:20])) < minimum:
        raise ValidationError({name: [f"A whole number from {minimum} on is expected."]}, code="invalid")
    return min(value, MAX_INTEGER)  # what is longer still is more than there is, too


def choice_parameter(request: Request, name: str, choices: tuple[str, ...]) -> str | None:
    """The query parameter as one of `choices`, None where it is left out, 400 where it is anything else."""
    text = request.query_params.get(name)
    if text is not None and text not in choices:
        raise ValidationError({name: [f"One of {', '.join(choices)} is expected."]}, code="invalid_choice")
    return text


def text_parameter(request: Request, name: str, *, max_length: int = 100) -> str:
    """The query parameter, trimmed; "" where it is left out or nobody can see it; 400 with NUL or too long."""
    text = request.query_params.get(name, "").strip()
    if "\x00" in text or len(text) > max_length:
        raise ValidationError({name: [f"At most {max_length} characters, without NUL, are expected."]}, code="invalid")
    return "" if is_blank(text) else text


def limit_parameter(request: Request) -> int:
    """`?limit=`: 1 to 100, 50 where it is left out, 100 where it is more."""
    return min(integer_parameter(request, "limit", minimum=1) or DEFAULT_LIMIT, MAX_LIMIT)


def page_url(request: Request, **changes: Any) -> str:
    """This request's URL with some query parameters changed; None takes one out."""
    parameters = {**request.query_params.dict(), **changes}
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return request.build_absolute_uri(f"{request.path}?{query}")


class KeysetPage:
    """One page of a queryset ordered by `order` (field names or annotations, `-` for descending, the last one unique).

    The cursor holds the key of the row where the page before ended, signed: a broken one is 400.
    """

    def __init__(self, request: Request, queryset: QuerySet[Row], order: tuple[str, ...]) -> None:
        self.request, self.order = request, order
        limit = limit_parameter(request)
        backwards, key = self._read_cursor()
        directed = [self._flip(name) for name in order] if backwards else list(order)
        if key is not None:
            queryset = queryset.filter(self._after(directed, key))
        rows = list(queryset.order_by(*directed)[: limit + 1])
        more = len(rows) > limit
        self.rows = rows[:limit][::-1] if backwards else rows[:limit]
        self.has_next = bool(self.rows) if backwards else more
        self.has_previous = more if backwards else (key is not None and bool(self.rows))

    def response(self, results: list[Any]) -> Response:
        """The answer, with `results` made from `rows`."""
        following = self._url("n", self.rows[-1]) if self.has_next else None
        previous = self._url("p", self.rows[0]) if self.has_previous else None
        return Response({"next": following, "previous": previous, "results": results})

    @staticmethod
    def _flip(name: str) -> str:
        return name[1:] if name.startswith("-") else f"-{name}"

    @staticmethod
    def _after(order: list[str], key: list[Any]) -> Q:
        condition, equal = Q(), Q()
        for name, value in zip(order, key, strict=True):
            field = name.lstrip("-")
            compare = "lt" if name.startswith("-") else "gt"
            condition |= equal & Q(**{f"{field}__{compare}": value})
            equal &= Q(**{field: value})
        return condition

    def _key(self, row: Any) -> list[Any]:
        key = []
        for name in self.order:
            value = getattr(row, name.lstrip("-"))
            key.append(value.isoformat() if hasattr(value, "isoformat") else value)
        return key

    def _url(self, direction: str, row: Any) -> str:
        return page_url(self.request, cursor=self._signer().sign_object([direction, *self._key(row)]))

    def _signer(self) -> signing.Signer:
        return signing.Signer(salt=f"cursor:{self.request.path}")  # a cursor of one list is none of another

    def _read_cursor(self) -> tuple[bool, list[Any] | None]:
        text = self.request.query_params.get("cursor")
        if text is None:
            return False, None
        try:
            direction, *key = self._signer().unsign_object(text)
        except signing.BadSignature:
            raise ValidationError({"cursor": ["This cursor is not one of ours."]}, code="invalid") from None
        return direction == "p", key
