"""The OpenAPI document says what the server does: every operation is called, and so is every refusal that it names."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from authentication.models import PasswordResetToken, Session, User
from chat import services
from chat_server.environment import Rate
from tests.services.environment import PASSWORD

from .openapi import (
    MISSING,
    OPERATIONS,
    PUBLIC,
    check,
    examples_of,
    filled,
    parameters,
)


@dataclass
class World:
    """Alice is the admin of a group with Bob, in which both have said something; Eve is a stranger."""

    api: Callable[..., Any]
    alice: Any
    bob: Any
    eve: Any
    group: Any
    private: Any
    by_alice: int
    by_bob: int

    def __call__(self, operation_id: str, body: Any = None, *, by: Any = None, query: str = "", **ids: Any) -> Any:
        """The answer to that operation; Alice asks where nobody else does, and about what is hers."""
        operation = OPERATIONS[operation_id]
        client = self.api(None if operation_id in PUBLIC else by or self.alice)
        usual = {"conversation_id": self.group.pk, "message_id": self.by_alice, "user_id": self.bob.pk}
        return getattr(client, operation["method"])(filled(operation, {**usual, **ids}) + query, body)

    def send(self, **fields: Any) -> Any:
        return self("send_message", {"conversation": self.group.pk, "content": "Hello", **fields})

    def create(self, type: str, *participants: int) -> Any:
        return self("create_conversation", {"type": type, "name": "Engines", "participant_ids": participants})

    def reset_token(self) -> str:
        """One that Alice was mailed."""
        PasswordResetToken.objects.create(user=self.alice, token_hash=hashlib.sha256(b"mailed").hexdigest())
        return "mailed"

    def system_message(self) -> int:
        """The group's first message, which Alice's creating it has made."""
        return int(self.group.messages.get(seq=1).pk)


@pytest.fixture
def world(
    transactional_db: None, api: Callable[..., Any], alice: Any, bob: Any, eve: Any, group: Any, conversation: Any
) -> Iterator[World]:
    by_alice, _ = services.send_message(sender=alice, conversation_id=group.pk, content="Hello", client_id="1")
    by_bob, _ = services.send_message(sender=bob, conversation_id=group.pk, content="Hi", reply_to=by_alice.pk)
    services.mark_read(reader=bob, conversation_id=group.pk)
    yield World(api, alice, bob, eve, group, conversation, by_alice.pk, by_bob.pk)
    for thread in threading.enumerate():
        if thread.name == "password-reset":
            thread.join(10)


REGISTRATION = {"email": "ada@example.com", "username": "ada", "password": PASSWORD}
CREDENTIALS = {"email": "alice@example.com", "password": PASSWORD}
NEW = "staple battery 7"
COMMON_PASSWORD = "password1"  # not like anybody's name
Call = Callable[[World], Any]

ANSWERS: dict[tuple[str, int], Call] = {
    ("register", 201): lambda world: world("register", REGISTRATION),
    ("log_in", 200): lambda world: world("log_in", CREDENTIALS),
    ("log_out", 204): lambda world: world("log_out"),
    ("get_profile", 200): lambda world: world("get_profile"),
    ("put_profile", 200): lambda world: world("put_profile", {"username": "alice", "first_name": "Alice"}),
    ("update_profile", 200): lambda world: world("update_profile", {"bio": "Hello"}),
    ("check_session", 200): lambda world: world("check_session"),
    ("refresh_tokens", 200): lambda world: world(
        "refresh_tokens", {"refresh": world("log_in", CREDENTIALS).json()["refresh"]}
    ),
    ("request_password_reset", 200): lambda world: world("request_password_reset", {"email": "alice@example.com"}),
    ("reset_password", 200): lambda world: world("reset_password", {"token": world.reset_token(), "new_password": NEW}),
    ("change_password", 200): lambda world: world("change_password", {"old_password": PASSWORD, "new_password": NEW}),
    ("list_users", 200): lambda world: world("list_users", query="?search=b&limit=1"),
    ("get_user", 200): lambda world: world("get_user"),
    ("list_sessions", 200): lambda world: world("list_sessions"),
    ("end_session", 204): lambda world: world("end_session", session_id=Session.objects.create(user=world.alice).pk),
    ("list_conversations", 200): lambda world: world("list_conversations", query="?type=group&unread=true&search=g"),
    ("create_conversation", 201): lambda world: world.create("group", world.bob.pk),
    ("create_conversation", 200): lambda world: world.create("private", world.bob.pk),
    ("get_conversation", 200): lambda world: world("get_conversation"),
    ("update_conversation", 200): lambda world: world("update_conversation", {"name": "Engines"}),
    ("delete_conversation", 204): lambda world: world("delete_conversation", query="?for_everyone=true"),
    ("list_messages", 200): lambda world: world("list_messages", query="?around=2&limit=2"),
    ("get_unread", 200): lambda world: world("get_unread"),
    ("list_changes", 200): lambda world: world("list_changes", query="?since=1"),
    ("mark_read", 200): lambda world: world("mark_read", {"message_id": world.by_bob}),
    ("list_participants", 200): lambda world: world("list_participants"),
    ("add_participants", 201): lambda world: world("add_participants", {"user_ids": [world.eve.pk]}),
    ("set_admin", 200): lambda world: world("set_admin", {"is_admin": True}),
    ("remove_participant", 204): lambda world: world("remove_participant"),
    ("send_message", 201): lambda world: world.send(client_id="2", reply_to=world.by_bob),
    ("send_message", 200): lambda world: world.send(client_id="1"),
    ("get_message", 200): lambda world: world("get_message", message_id=world.by_bob),
    ("put_message", 200): lambda world: world("put_message", {"content": "Hello!"}),
    ("edit_message", 200): lambda world: world("edit_message", {"content": "Hello!"}),
    ("delete_message", 204): lambda world: world("delete_message"),
    ("list_receipts", 200): lambda world: world("list_receipts"),
}


def test_every_answer_of_the_document_is_tried() -> None:
    assert ANSWERS.keys() == {
        (name, int(status))
        for name, operation in OPERATIONS.items()
        for status in operation["responses"]
        if int(status) < 400
    }


@pytest.mark.parametrize(
    ("operation_id", "status", "call"),
    [pytest.param(*key, call, id=f"{key[0]}-{key[1]}") for key, call in ANSWERS.items()],
)
def test_an_answer_is_as_the_document_says(world: World, operation_id: str, status: int, call: Call) -> None:
    answer = call(world)
    assert answer.status_code == status, answer.content
    if status != 204:
        check(answer.json(), OPERATIONS[operation_id]["responses"][str(status)]["content"])
        assert answer["Content-Type"] == "application/json"


def stranger_to_admins(operation_id: str, body: Any = None, **fields: Any) -> Call:
    """The call made by Bob, who is no admin and did not write Alice's message."""
    return lambda world: world(operation_id, body, by=world.bob, **fields)


REFUSALS: dict[tuple[str, int, str], Call] = {
    ("register", 400, "unique"): lambda world: world("register", {**REGISTRATION, "username": "alice"}),
    ("register", 400, "password_too_common"): lambda world: world(
        "register", {**REGISTRATION, "password": COMMON_PASSWORD}
    ),
    ("log_in", 401, "invalid_credentials"): lambda world: world("log_in", {**CREDENTIALS, "password": NEW}),
    ("log_out", 400, "invalid"): lambda world: world("log_out", {"refresh": "not ours"}),
    ("put_profile", 400, "unique"): lambda world: world("put_profile", {"username": "bob"}),
    ("update_profile", 400, "unique"): lambda world: world("update_profile", {"username": "bob"}),
    ("refresh_tokens", 401, "token_not_valid"): lambda world: world("refresh_tokens", {"refresh": "not ours"}),
    ("reset_password", 400, "invalid_token"): lambda world: world(
        "reset_password", {"token": "not ours", "new_password": NEW}
    ),
    ("reset_password", 400, "password_too_common"): lambda world: world(
        "reset_password", {"token": world.reset_token(), "new_password": COMMON_PASSWORD}
    ),
    ("change_password", 400, "invalid"): lambda world: world(
        "change_password", {"old_password": NEW, "new_password": NEW}
    ),
    ("create_conversation", 400, "does_not_exist"): lambda world: world.create("group", MISSING),
    ("create_conversation", 400, "group_full"): lambda world: world.create("group", *range(MISSING, MISSING + 1000)),
    ("update_conversation", 403, "permission_denied"): stranger_to_admins("update_conversation", {"name": "Engines"}),
    ("delete_conversation", 400, "invalid_choice"): lambda world: world(
        "delete_conversation", query="?for_everyone=perhaps"
    ),
    ("delete_conversation", 403, "permission_denied"): stranger_to_admins(
        "delete_conversation", query="?for_everyone=true"
    ),
    ("list_messages", 400, "invalid"): lambda world: world("list_messages", query="?before=1&after=1"),
    ("mark_read", 400, "does_not_exist"): lambda world: world("mark_read", {"message_id": MISSING}),
    ("add_participants", 400, "does_not_exist"): lambda world: world("add_participants", {"user_ids": [MISSING]}),
    ("add_participants", 400, "group_full"): lambda world: world("add_participants", {"user_ids": crowd(1000)}),
    ("add_participants", 403, "permission_denied"): stranger_to_admins("add_participants", {"user_ids": [1]}),
    ("set_admin", 400, "required"): lambda world: world("set_admin", {}),
    ("set_admin", 403, "permission_denied"): stranger_to_admins("set_admin", {"is_admin": True}),
    ("set_admin", 409, "last_admin"): lambda world: world("set_admin", {"is_admin": False}, user_id=world.alice.pk),
    ("remove_participant", 403, "permission_denied"): lambda world: world(
        "remove_participant", by=world.bob, user_id=world.alice.pk
    ),
    ("send_message", 400, "blank"): lambda world: world.send(content=" "),
    ("send_message", 400, "does_not_exist"): lambda world: world.send(reply_to=MISSING),
    ("send_message", 404, "not_found"): lambda world: world.send(conversation=MISSING),
    ("send_message", 409, "conflict"): lambda world: world.send(content="Goodbye", client_id="1"),
    ("put_message", 403, "permission_denied"): stranger_to_admins("put_message", {"content": "Hello!"}),
    ("put_message", 403, "not_editable"): lambda world: world(
        "put_message", {"content": "Hello!"}, message_id=world.system_message()
    ),
    ("edit_message", 403, "permission_denied"): stranger_to_admins("edit_message", {"content": "Hello!"}),
    ("edit_message", 403, "not_editable"): lambda world: world(
        "edit_message", {"content": "Hello!"}, message_id=world.system_message()
    ),
    ("delete_message", 403, "permission_denied"): stranger_to_admins("delete_message"),
    ("delete_message", 403, "not_editable"): lambda world: world("delete_message", message_id=world.system_message()),
}
BY_RULE = {"Usual", "not_authenticated"}


def crowd(size: int) -> list[int]:
    """The ids of that many new users."""
    people = [User(email=f"{number}@example.com", username=f"user{number}") for number in range(size)]
    return [user.pk for user in User.objects.bulk_create(people)]


def test_every_refusal_that_an_operation_names_is_tried() -> None:
    assert REFUSALS.keys() == {
        (name, int(status), example)
        for name, operation in OPERATIONS.items()
        for status, response in operation["responses"].items()
        if int(status) in (400, 401, 403, 404, 409) and "$ref" not in response
        for example in examples_of(operation, status).keys() - BY_RULE
        if (status, example) != ("404", "not_found") or not parameters(operation, "path")
    }


@pytest.mark.parametrize(
    ("operation_id", "status", "example", "call"),
    [pytest.param(*key, call, id="-".join(map(str, key))) for key, call in REFUSALS.items()],
)
def test_a_refusal_is_answered_with_the_example(
    world: World, operation_id: str, status: int, example: str, call: Call
) -> None:
    answer = call(world)
    assert answer.status_code == status, answer.content
    expected = examples_of(OPERATIONS[operation_id], str(status))[example]
    without_ids = re.sub(r"user \d+", "user 99", answer.content.decode())
    assert json.loads(without_ids) == expected


THROTTLED: dict[str, tuple[str, Call]] = {
    "register": ("THROTTLE_REGISTER", lambda world: world("register", {**REGISTRATION, "username": "alice"})),
    "log_in": ("THROTTLE_LOGIN", lambda world: world("log_in", {**CREDENTIALS, "password": NEW})),
    "request_password_reset": (
        "THROTTLE_PASSWORD_RESET",
        lambda world: world("request_password_reset", {"email": "nobody@example.com"}),
    ),
    "send_message": ("THROTTLE_MESSAGES", lambda world: world.send()),
    "get_profile": ("THROTTLE_USER", lambda world: world("get_profile")),
}


@pytest.mark.parametrize("operation_id", THROTTLED)
def test_who_asks_too_often_is_answered_with_the_example_and_when_to_come_back(
    world: World, settings: Any, operation_id: str
) -> None:
    setting, call = THROTTLED[operation_id]
    setattr(settings, setting, Rate(1, 7))
    call(world)
    answer = call(world)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 7
    without_seconds = re.sub(r"in \d seconds?", "in 7 seconds", answer.content.decode())
    assert json.loads(without_seconds) == examples_of(OPERATIONS[operation_id], "429")["throttled"]


def test_public_operations_without_a_limit_do_not_speak_of_one() -> None:
    limited = {name for name in PUBLIC if "429" in OPERATIONS[name]["responses"]}
    assert limited == PUBLIC & THROTTLED.keys()
