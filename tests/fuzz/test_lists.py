"""Absurd query parameters on every list: 400 where they are none, a page where they are only strange."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.docs.openapi import OPERATIONS, parameters

from .conftest import World

HUGE = ["9" * 5000, "0" * 5000 + "1", str(2**63), str(2**64), "1" + "0" * 18]
NO_NUMBERS = ["", "0.5", "1.0", "1e3", "0x10", "+1", "-1", "-" + "9" * 5000, " 1", "1 ", "1_0", "NaN", "null", "[1]"]
NO_NUMBERS += ["²", "١", "一", "1\x00", "\ud800", "\u200b1", "x" * 5000]
NO_CURSORS = ["", ":", "::", "a:b", "\x00", "\ud83d", "W10", "W10:", "x" * 5000, ":" * 5000, "9" * 5000, "None", "[]"]
SEARCHES = ["%", "_", "\\", "'", '"', "\ud800", "\u202e", "ﷺ" * 100, "(", "[", "x" * 100, " " * 5000]
NO_SEARCHES = ["\x00", "a\x00b", "x" * 101, "ﷺ" * 101]
NO_CHOICES = ["", " ", "\x00", "True", "GROUP", "group ", "1", "x" * 5000]


def _queries() -> list[Any]:
    found = []
    for operation_id, operation in OPERATIONS.items():
        for parameter in parameters(operation, "query") if operation["method"] == "get" else ():
            name, schema = parameter["name"], parameter["schema"]
            if schema["type"] == "integer":
                strange, wrong = HUGE, NO_NUMBERS
            elif "enum" in schema:
                strange, wrong = [], NO_CHOICES
            else:
                strange, wrong = {"search": (SEARCHES, NO_SEARCHES), "cursor": ([], NO_CURSORS)}[name]
            found.append(pytest.param(operation, name, strange, wrong, id=f"{operation_id}-{name}"))
    return found


def _path(operation: dict[str, Any], world: World) -> str:
    return str(operation["path"]).format(**{name: values[0] for name, values in world.there.items()})


def _query(name: str, value: str) -> str:
    return f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}"


@pytest.mark.parametrize(("operation", "name", "strange", "wrong"), _queries())
def test_a_parameter_that_is_none_is_400_and_one_that_is_only_strange_a_page(
    api: Any, alice: Any, world: World, operation: dict[str, Any], name: str, strange: list[str], wrong: list[str]
) -> None:
    client = api(alice)
    path = _path(operation, world)
    for value in strange:
        response = client.get(f"{path}?{_query(name, value)}")
        assert response.status_code == 200, value
        assert isinstance(response.json()["results"], list)
    for value in wrong:
        response = client.get(f"{path}?{_query(name, value)}")
        assert response.status_code == 400, value
        assert [each["attr"] for each in response.json()["errors"]] == [name]


def test_a_cursor_of_another_list_or_one_that_was_changed_is_400(api: Any, alice: Any, world: World) -> None:
    client = api(alice)
    first = client.get("/api/chat/conversations/?limit=1").json()["next"]
    assert client.get(first).status_code == 200
    cursor = first.partition("cursor=")[2]
    assert client.get(f"/api/auth/users/?cursor={cursor}").status_code == 400
    for changed in (cursor[1:], cursor[:-1], cursor + "x", cursor.upper(), cursor * 2, cursor + "%00"):
        assert client.get(f"/api/chat/conversations/?{urlencode({'limit': 1})}&cursor={changed}").status_code == 400
