"""What an input serializer reads is refused by `ValidationError`, or is what the serializer says that it takes."""

import inspect
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

import authentication.serializers
import chat.serializers
from chat_server.fields import TextField, is_blank
from chat_server.parsers import parse_json

from .strategies import ANYTHING, BIG, bodies

# Read by nobody: they make answers. What is new and not named here is tried as an input.
OUT = {
    *("ChangesSerializer", "MarkedReadSerializer", "UnreadSerializer", "AddedSerializer"),
    *("PairSerializer", "LoginResultSerializer", "CheckSessionSerializer", "DetailSerializer"),
}
IN = [
    each
    for module in (authentication.serializers, chat.serializers)
    for name, each in inspect.getmembers(module, inspect.isclass)
    if each.__module__ == module.__name__ and issubclass(each, serializers.Serializer)
    if not issubclass(each, serializers.ModelSerializer) and name not in OUT
]
PARTLY = {"ProfileInput", "EditMessageSerializer"}  # a PATCH reads them so


def check(field: Any, value: Any) -> None:
    """Fail where the value is none that the field may let in."""
    if value is None:
        assert field.allow_null
        return
    match field:
        case serializers.ListField():
            assert type(value) is list
            assert value or field.allow_empty
            for each in value:
                check(field.child, each)
        case serializers.ChoiceField():
            assert value in field.choices
        case serializers.BooleanField():
            assert type(value) is bool
        case serializers.IntegerField():
            assert type(value) is int
            assert 1 <= value < BIG
        case serializers.CharField():
            assert type(value) is str
            assert (field.min_length or 0) <= len(value) <= (field.max_length or 2**20)
            assert "\x00" not in value.encode().decode()
            assert value or field.allow_blank
            assert field.allow_blank or not isinstance(field, TextField) or not is_blank(value)
            if isinstance(field, chat.serializers.ClientIdField):
                assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp") for letter in value)
        case chat.serializers.VersionsField():
            assert all(type(each) is int and each >= 0 for pair in value.items() for each in pair)
        case _:
            raise AssertionError(f"these tests do not know a {type(field).__name__}")


def test_every_input_of_both_doors_is_tried() -> None:
    from chat.consumers import ConversationConsumer, InboxConsumer

    names = {each.__name__ for each in IN}
    assert {"RegisterInput", "SendMessageSerializer", "ResumeFrameSerializer"} <= names
    for consumer in (ConversationConsumer(), InboxConsumer()):
        assert {serializer for serializer, _ in consumer.commands.values()} <= set(IN)


@pytest.mark.parametrize("serializer_class", IN)
@settings(max_examples=35, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), partial=st.booleans())
def test_an_input_is_refused_or_is_within_its_bounds(serializer_class: Any, data: Any, partial: bool) -> None:
    text = json.dumps(data.draw(bodies(serializer_class) | ANYTHING))
    try:
        serializer = serializer_class(data=parse_json(text), partial=partial and serializer_class.__name__ in PARTLY)
    except ValueError:
        return
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError:
        return
    for name, value in serializer.validated_data.items():
        check(serializer.fields[name], value)
