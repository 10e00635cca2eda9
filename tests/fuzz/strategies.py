"""What may come in: values that a field takes, values just beside those, and any JSON at all."""

from typing import Any

from hypothesis import strategies as st
from rest_framework import serializers

from authentication.serializers import EmailAddressField, UsernameField
from chat.serializers import VersionsField

BIG = 2**63
LETTERS = ["\x00", "\n", "\x1f", "\x7f", "\u00ad", "\u200b", "\u200d", "\u202e", "\u2028", "\u2066", "\u3164", "\ufeff"]
LETTERS += ["\ud800", "\udfff", "\u0301", "\uffff", "\U0001f600", "\U0010ffff", "ẞ", "İ", "ﷺ", " ", "x", "1"]
LENGTHS = [1, 2, 3, 7, 8, 30, 31, 64, 65, 100, 101, 128, 129, 254, 255, 1000, 1001, 4000, 4001]
TRICKY = st.lists(st.sampled_from(LETTERS), max_size=8).map("".join)
TEXTS = st.text(max_size=70) | TRICKY | st.builds(str.__mul__, st.sampled_from(LETTERS), st.sampled_from(LENGTHS))
NUMBERS = (
    st.integers() | st.floats() | st.sampled_from([0, 1, -1, BIG - 1, BIG, -BIG, 2 * BIG, 10**400, 1.0, -0.0, 1e308])
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def good(field: serializers.Field[Any, Any, Any, Any]) -> st.SearchStrategy[Any]:
    """Values that the field takes, or nearly."""
    match field:
        case serializers.ListField():
            return st.lists(values(field.child), max_size=4)
        case serializers.ChoiceField():
            return st.sampled_from(list(field.choices))
        case serializers.BooleanField():
            return st.booleans()
        case serializers.IntegerField():
            return st.integers(1, 20) | st.integers(1, BIG - 1)
        case EmailAddressField():
            return st.emails() | st.just("ada@example.com")
        case UsernameField():
            return st.from_regex(r"[A-Za-z0-9_.-]{2,31}", fullmatch=True)
        case serializers.CharField():
            return TEXTS | st.just("correct horse 42")
        case VersionsField():
            return st.dictionaries((st.integers(0, 20) | NUMBERS).map(str) | TEXTS, NUMBERS, max_size=4)
    raise AssertionError(f"these tests do not know a {type(field).__name__}")


def values(field: serializers.Field[Any, Any, Any, Any]) -> st.SearchStrategy[Any]:
    """Mostly what is good for the field."""
    return st.one_of(good(field), good(field), ANYTHING)


def bodies(serializer_class: type[serializers.Serializer[Any]]) -> st.SearchStrategy[Any]:
    """Objects for the serializer: with what is needed, with anything beside that, and without."""
    fields = serializer_class().fields.items()
    whole = st.fixed_dictionaries(
        {name: values(field) for name, field in fields if field.required},
        optional={name: values(field) for name, field in fields if not field.required},
    )
    parts = st.fixed_dictionaries({}, optional={name: values(field) for name, field in fields})
    return whole | st.builds(dict.__or__, whole, st.dictionaries(TEXTS, ANYTHING, max_size=2)) | parts
