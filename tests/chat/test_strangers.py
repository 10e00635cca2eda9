"""What is not yours does not exist: every endpoint of chat, as the table of URLs has them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from tests.services.errors import refused

from .calls import MISSING, URLS, say

METHODS = ("get", "post", "put", "patch", "delete")
# What an endpoint without an id in its path is about: a conversation in its body, or only what the caller has.
ADDRESSED_BY_BODY = {"message-create": lambda ids: {"conversation": ids["conversation_id"], "content": "Hello"}}
ADDRESSED_BY_NOTHING = {"conversations", "conversation-create", "unread"}


def endpoints() -> list[tuple[str, str, set[str]]]:
    """Every (URL name, method, ids in its path) of chat."""
    return [
        (pattern.name, method, set(pattern.pattern.converters))
        for pattern in URLS
        for method in METHODS
        if hasattr(pattern.callback.cls, method)
    ]


EVERYTHING = [(name, method) for name, method, _ in endpoints()]
SOMEBODYS = [(name, method) for name, method, ids in endpoints() if ids or name in ADDRESSED_BY_BODY]
WITH_IDS = [(name, method, each) for name, method, ids in endpoints() for each in sorted(ids)]
BODIES = {
    ("participants", "post"): {"user_ids": [1]},
    ("participant", "patch"): {"is_admin": True},
    ("message", "put"): {"content": "Hello"},
}


def call(client: Any, name: str, method: str, ids: dict[str, Any]) -> Any:
    converters = next(pattern.pattern.converters for pattern in URLS if pattern.name == name)
    # Put in afterwards: `reverse` takes no number of more than 4300 digits.
    path = reverse(f"chat:{name}", kwargs={each: 10**9 + index for index, each in enumerate(converters)})
    for index, each in enumerate(converters):
        path = path.replace(str(10**9 + index), str(ids[each]))
    body = ADDRESSED_BY_BODY[name](ids) if name in ADDRESSED_BY_BODY else BODIES.get((name, method), {})
    return getattr(client, method)(path, body if method != "get" else None)


@pytest.fixture
def ids_of(alice: Any, bob: Any) -> Callable[[Any], dict[str, int]]:
    def ids(conversation: Any) -> dict[str, int]:
        message = say(alice, conversation)
        return {"conversation_id": conversation.pk, "message_id": message.pk, "user_id": bob.pk}

    return ids


def test_every_endpoint_is_known_to_these_tests():
    without_ids = {name for name, _, ids in endpoints() if not ids}
    assert without_ids == ADDRESSED_BY_NOTHING | set(ADDRESSED_BY_BODY)
    assert {pattern.name for pattern in URLS} == {name for name, _ in EVERYTHING}
    known = {"conversation_id", "message_id", "user_id"}
    assert set().union(*(ids for _, _, ids in endpoints())) == known


@pytest.mark.parametrize(("name", "method"), SOMEBODYS)
def test_what_is_foreign_looks_like_what_is_not_there(name, method, eve, group, api, ids_of):
    foreign = call(api(eve), name, method, ids_of(group))
    missing = call(api(eve), name, method, dict.fromkeys(("conversation_id", "message_id", "user_id"), MISSING))
    assert foreign.json() == missing.json()


@pytest.mark.parametrize(("name", "method"), EVERYTHING)
def test_with_a_bad_token_everything_is_401(name, method, group, api, ids_of):
    client = api()
    client.credentials(HTTP_AUTHORIZATION="Bearer no-such-token")
    assert refused(call(client, name, method, ids_of(group))) == (401, "token_not_valid")


@pytest.mark.parametrize(("name", "method", "which"), WITH_IDS)
def test_an_id_that_nothing_has_is_404_however_long_it_is(name, method, which, alice, group, api, ids_of):
    client, ids = api(alice), ids_of(group)
    for number in (0, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, "9" * 5000):
        assert refused(call(client, name, method, {**ids, which: number})) == (404, "not_found"), str(number)[:40]
