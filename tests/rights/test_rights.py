"""Every endpoint and every frame, tried by everybody: the table of rights holds, and nothing is missing from it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import transaction
from django.forms.models import model_to_dict
from django.urls import get_resolver

from authentication.models import Session, User
from chat.models import Conversation, ConversationParticipant, Message
from tests.services.errors import refused

from .table import BODIES, CALLS, ROLES, Call

METHODS = ("get", "post", "put", "patch", "delete")
CODES = {
    400: {"does_not_exist"},
    401: {"not_authenticated"},
    403: {"permission_denied", "not_editable"},
    404: {"not_found"},
    409: {"last_admin"},
}
# For who is nobody yet; tests/authentication has them.
PUBLIC = {"register", "login", "token-refresh", "password-reset", "password-reset-confirm"}


def route(path: str) -> str:
    """The route that a path of the table takes: its names and numbers left out."""
    return "/".join("" if part.startswith("<") else part for part in path.split("?")[0].split("/"))


def stored() -> list[Any]:
    """All that a refused call must leave as it was."""
    return [
        [model_to_dict(row) for row in model.objects.order_by("pk")]
        for model in (User, Session, Conversation, ConversationParticipant, Message)
    ]


def test_every_endpoint_is_in_the_table() -> None:
    there = {
        (method, route(f"{app}/{pattern.pattern}"))
        for app, namespace in (("auth", "authentication"), ("chat", "chat"))
        for pattern in get_resolver().namespace_dict[namespace][1].url_patterns
        for method in METHODS
        if hasattr(pattern.callback.cls, method) and pattern.name not in PUBLIC
    }
    assert there == {(call.method, route(call.path)) for call in CALLS}
    assert BODIES.keys() <= {call.what for call in CALLS}


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_is_answered_to_each_as_the_table_says_and_who_is_refused_changes_nothing(
    call: Call, people: Mapping[str, Any], ids: Mapping[str, Any], api: Callable[..., Any]
) -> None:
    clients = {role: api(people[role]) for role in ROLES}
    before = stored()
    for role, status in call.statuses.items():
        with transaction.atomic():  # each finds the world as it was
            response = call.made_by(clients[role], ids, role)
            assert response.status_code == status, (role, response.content)
            if status >= 400:
                assert refused(response)[1] in CODES[status], role
                assert stored() == before, role
            assert response.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
            transaction.set_rollback(True)
