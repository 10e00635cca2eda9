"""Input fields that take a JSON type and nothing that could be read as one."""

import unicodedata
from typing import Any

from rest_framework import serializers

MAX_INTEGER = 2**63 - 1  # that a database can hold
# Letters that Unicode calls visible and every font draws as nothing: Hangul fillers, the blank Braille pattern.
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# Not Cn: what this Python does not know yet may be a new emoji.
INVISIBLE = frozenset({"Cc", "Cf", "Mn", "Me", "Zl", "Zp", "Zs"})


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen: white space, zero-width and control characters, marks on nothing."""
    return all(letter in BLANK_LETTERS or unicodedata.category(letter) in INVISIBLE for letter in text)


class TextField(serializers.CharField):
    """A JSON string, trimmed; where it may not be blank, invisible characters alone are `blank` too."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and data and not self.allow_blank and is_blank(data):
            self.fail("blank")
        return super().run_validation(data)


class IdField(serializers.IntegerField):
    """A JSON integer from 1 to 2^63-1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_INTEGER, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class FlagField(serializers.BooleanField):
    """A JSON `true` or `false`."""

    default_empty_html = serializers.empty  # a form without it is no `false`

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data
