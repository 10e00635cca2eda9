"""What the server decides is decided by nobody else, whatever a body says beside what it may say."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from django.db import models, transaction
from django.urls import resolve

from authentication.models import Session, User
from chat.models import Conversation, ConversationParticipant, Message
from tests.docs.openapi import OPERATIONS, resolved
from tests.services.environment import PASSWORD

from .table import CALLS, Call

# By the order in which their rows are made.
MODELS: dict[type[models.Model], str] = {
    User: "pk",
    Session: "created_at",
    Conversation: "pk",
    ConversationParticipant: "pk",
    Message: "pk",
}
LONG_AGO = "2001-02-03T04:05:06Z"
WRITING = [call for call in CALLS if call.method in ("post", "put", "patch") and call.statuses["admin"] < 300]
PUBLIC = {
    "register": {"email": "new@example.com", "username": "new", "password": PASSWORD},
    "login": {"email": "admin@example.com", "password": PASSWORD},
}


def wanted(field: Any, stranger: int) -> Any:
    """What somebody would like to see in that column."""
    match field:
        case models.BooleanField():
            return not field.default
        case models.DateTimeField():
            return LONG_AGO
        case models.JSONField():
            return {"action": "admin_granted", "user_id": stranger}
        case models.ForeignKey() | models.BigAutoField() | models.IntegerField():
            return stranger
    return "system" if field.name == "type" else "wanted"


def everything(stranger: int) -> dict[str, Any]:
    """Every column of every table by both of its names, and what else such fields are called."""
    columns = [field for model in MODELS for field in model._meta.concrete_fields]
    by_name = {name: wanted(field, stranger) for field in columns for name in (field.name, field.attname)}
    return {**by_name, "pk": stranger, "owner": stranger, "role": "admin", "groups": [1], "user_permissions": [1]}


def may_say(method: str, path: str) -> set[str]:
    """The fields of the body of that call, as its documentation has them."""
    documented = re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{resolve(path).route}")
    [operation] = [each for each in OPERATIONS.values() if (each["method"], each["path"]) == (method, documented)]
    return set(_properties(operation))


def _properties(operation: dict[str, Any]) -> dict[str, Any]:
    body = resolved(operation["requestBody"]["content"]["application/json"]["schema"])
    properties: dict[str, Any] = body["properties"]
    return properties


def shown(row: Any, known: set[Any]) -> dict[str, Any]:
    """A row without what differs each time: the moment, random text, and the ids of what is new."""
    columns = {field.attname: _shown(field, field.value_from_object(row), known) for field in row._meta.concrete_fields}
    return {**columns, "password": row.check_password(PASSWORD)} if isinstance(row, User) else columns


def _shown(field: Any, value: Any, known: set[Any]) -> Any:
    if isinstance(value, datetime):
        return value.year
    if field.primary_key or field.is_relation:
        return value if value is None or (field.related_model or field.model, value) in known else "new"
    return bool(value) if field.name == "refresh_hash" else value


def effect(call: Callable[[], Any], known: set[Any]) -> tuple[int, list[list[dict[str, Any]]]]:
    """The status of the answer and all that is stored after it; then it is undone."""
    with transaction.atomic():
        status = call().status_code
        rows = [
            [shown(row, known) for row in model._default_manager.order_by(order)] for model, order in MODELS.items()
        ]
        transaction.set_rollback(True)
    return status, rows


def test_what_the_server_decides_is_in_no_body() -> None:
    """The one list of what bodies may say at all; `type` is a conversation's, `is_admin` a participant's."""
    bodies = {name: set(_properties(each)) for name, each in OPERATIONS.items() if "requestBody" in each}
    assert set().union(*bodies.values()) == set(
        "email username password password_confirm first_name last_name bio refresh all token new_password old_password"
        " type participant_ids name description message_id user_ids is_admin conversation content client_id reply_to"
        "".split()
    )
    assert [name for name, body in bodies.items() if body & {"type", "is_admin"}] == [
        "create_conversation",
        "set_admin",
    ]


@pytest.fixture
def same(ids: Mapping[str, Any], people: Mapping[str, Any]) -> Callable[..., None]:
    """`same(method, path, call)`: `call(more)` does the same whatever `more` its body says."""
    known = {(model, row.pk) for model in MODELS for row in model._default_manager.all()}

    def compare(method: str, path: str, call: Callable[[dict[str, Any]], Any]) -> None:
        more = {name: value for name, value in everything(ids["stranger"]).items() if name not in may_say(method, path)}
        status, rows = effect(lambda: call({}), known)
        assert status < 300
        assert effect(lambda: call(more), known) == (status, rows)

    return compare


@pytest.mark.parametrize("call", WRITING, ids=str)
def test_a_call_does_nothing_that_its_body_may_not_say(
    call: Call, ids: Mapping[str, Any], people: Mapping[str, Any], api: Callable[..., Any], same: Callable[..., None]
) -> None:
    client = api(people["admin"])
    same(call.method, call.path_in(ids, "admin"), lambda more: call.made_by(client, ids, "admin", more))


@pytest.mark.parametrize("name", PUBLIC)
def test_nor_does_one_that_needs_no_token(name: str, api: Callable[..., Any], same: Callable[..., None]) -> None:
    path = f"/api/auth/{name}/"
    same("post", path, lambda more: api().post(path, {**more, **PUBLIC[name]}))
