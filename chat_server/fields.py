"""Input fields that take a JSON type and nothing that could be read as one."""

import unicodedata
from typing import Any

from rest_framework import serializers

MAX_INTEGER = 2**63 - 1  # that a database can hold
# What Unicode calls visible and every font draws as nothing: Hangul fillers, the blanks of Braille, hieroglyphs and
# notes; and what it keeps free for more that is invisible.
BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\U00013441\U00013442\U0001d159\u2065").union(
    map(chr, range(0xFFF0, 0xFFF9)), map(chr, range(0xE0000, 0xE1000))
)
# Not Cn: what this Python does not know yet may be a new emoji.
INVISIBLE = frozenset({"Cc", "Cf", "Mn", "Me", "Zl", "Zp", "Zs"})


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen: white space, zero-width and control characters, marks on nothing."""
    return all(letter in BLANK_LETTERS or unicodedata.category(letter) in INVISIBLE for letter in text)


class TextField(serializers.CharField):
    """A JSON string, trimmed; invisible characters alone are blank: "", or refused where it may not be blank."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and data and not self.allow_blank and is_blank(data):
            self.fail("blank")
        value = super().run_validation(data)
        return "" if self.allow_blank and value and is_blank(value) else value


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
