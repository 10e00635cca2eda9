"""Lists that are read page by page: `{"next", "previous", "results"}`.

By key and not by offset, so that rows may come and go meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from .fields import MAX_INTEGER, is_blank
from .rendering import Answer

DEFAULT_LIMIT, MAX_LIMIT = 50, 100


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


def after(order: Sequence[str], key: Sequence[Any]) -> Q:
    """What comes after the row with this key, in that order."""
    condition, equal = Q(), Q()
    for name, value in zip(order, key, strict=True):
        field = name.lstrip("-")
        compare = "lt" if name.startswith("-") else "gt"
        condition |= equal & Q(**{f"{field}__{compare}": value})
        equal &= Q(**{field: value})
    return condition


class Listed(Protocol):
    """Rows by `order` (`-` for descending, the last one unique), so many from behind a key on."""

    order: tuple[str, ...]

    def read(self, order: tuple[str, ...], key: Sequence[Any] | None, limit: int) -> list[Any]: ...

    def key(self, row: Any) -> list[Any]: ...


class ListedRows:
    """A queryset, ordered by field names or annotations."""

    def __init__(self, queryset: QuerySet[Any], *order: str) -> None:
        self.queryset, self.order = queryset, order

    def read(self, order: tuple[str, ...], key: Sequence[Any] | None, limit: int) -> list[Any]:
        queryset = self.queryset if key is None else self.queryset.filter(after(order, key))
        return list(queryset.order_by(*order)[:limit])

    def key(self, row: Any) -> list[Any]:
        return [getattr(row, name.lstrip("-")) for name in self.order]


class KeysetPage:
    """One page of a list. The cursor holds the key where the page before ended, signed: a broken one is 400."""

    def __init__(self, request: Request, listed: Listed) -> None:
        self.request, self.listed = request, listed
        limit = limit_parameter(request)
        backwards, key = self._read_cursor()
        order = tuple(map(self._flip, listed.order)) if backwards else listed.order
        rows = listed.read(order, key, limit + 1)
        more = len(rows) > limit
        self.rows = rows[:limit][::-1] if backwards else rows[:limit]
        self.has_next = bool(self.rows) if backwards else more
        self.has_previous = more if backwards else (key is not None and bool(self.rows))

    def answer(self, results: list[Any]) -> Answer:
        """The answer, with `results` made from `rows`."""
        following = self._url("n", self.rows[-1]) if self.has_next else None
        previous = self._url("p", self.rows[0]) if self.has_previous else None
        return Answer({"next": following, "previous": previous, "results": results})

    @staticmethod
    def _flip(name: str) -> str:
        return name[1:] if name.startswith("-") else f"-{name}"

    def _url(self, direction: str, row: Any) -> str:
        key = [value.isoformat() if isinstance(value, datetime) else value for value in self.listed.key(row)]
        return page_url(self.request, cursor=self._signer().sign_object([direction, *key]))

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
