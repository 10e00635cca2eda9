"""Text that nobody can see is blank, whichever field and door it comes through."""

from collections.abc import Callable
from typing import Any

import pytest

from chat import services
from chat_server.fields import is_blank
from tests.services.errors import errors

INVISIBLE = {
    "zero width": "\u200b\u200c\u200d\u2060\ufeff",
    "directions": "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    "marks on nothing": "\u0301\u034f\ufe0f\u20e3",
    "tags": "\U000e0041\U000e007f",
    "fillers": "\u115f\u1160\u3164\uffa0\u2800\u180e",
    "blank hieroglyphs and notes": "\U00013441\U0001d159",
    "kept free for more": "\u2065\ufff0\U000e0fff",
    "spaces between": "\u200b \u00a0\n\u3000\u200b",
}
SEND, CREATE, PROFILE = "/api/chat/messages/create/", "/api/chat/conversations/create/", "/api/auth/profile/"


@pytest.fixture(params=INVISIBLE.values(), ids=INVISIBLE)
def nothing(request: pytest.FixtureRequest) -> str:
    """A text that nobody can see."""
    return str(request.param)


@pytest.mark.parametrize("text", ["a", "\u05d0", "👩\u200d👧", "\u200b.", "e\u0301", "\ufffd"])
def test_what_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)


def test_a_message_of_nothing_is_blank(api: Callable[..., Any], alice: Any, conversation: Any, nothing: str) -> None:
    answer = api(alice).post(SEND, {"conversation": conversation.pk, "content": nothing})
    assert errors(answer, 400) == [("blank", "content")]


async def test_a_message_of_nothing_is_blank_on_the_socket(
    connect: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    socket = await connect(alice, conversation)
    await socket.receive("connected")
    for nothing in INVISIBLE.values():
        await socket.send({"type": "chat_message", "content": nothing})
        assert (await socket.receive("error"))["code"] == "blank"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_message_is_not_changed_into_nothing(
    api: Callable[..., Any], alice: Any, conversation: Any, method: str, nothing: str
) -> None:
    message, _ = services.send_message(sender=alice, conversation_id=conversation.pk, content="Hello")
    answer = getattr(api(alice), method)(f"/api/chat/messages/{message.pk}/", {"content": nothing})
    assert errors(answer, 400) == [("blank", "content")]


def test_a_group_has_a_name(api: Callable[..., Any], alice: Any, group: Any, nothing: str) -> None:
    made = api(alice).post(CREATE, {"type": "group", "name": nothing, "participant_ids": []})
    renamed = api(alice).patch(f"/api/chat/conversations/{group.pk}/", {"name": nothing})
    assert errors(made, 400) == errors(renamed, 400) == [("blank", "name")]


def test_a_description_of_nothing_is_none(api: Callable[..., Any], alice: Any, group: Any, nothing: str) -> None:
    body = {"type": "group", "name": "New", "description": nothing, "participant_ids": []}
    assert api(alice).post(CREATE, body).json()["description"] == ""
    answer = api(alice).patch(f"/api/chat/conversations/{group.pk}/", {"description": nothing})
    assert answer.json()["description"] == ""


def test_names_and_a_bio_of_nothing_are_none(api: Callable[..., Any], alice: Any, nothing: str) -> None:
    names = {"first_name": nothing, "last_name": nothing, "bio": nothing}
    shown = api(alice).patch(PROFILE, names).json()
    assert {name: shown[name] for name in names} == dict.fromkeys(names, "")
    assert shown["display_name"] == "alice"


@pytest.mark.parametrize("name", ["first_name", "last_name", "bio"])
def test_nul_alone_is_refused_and_not_taken_for_nothing(api: Callable[..., Any], alice: Any, name: str) -> None:
    assert {attr for _, attr in errors(api(alice).patch(PROFILE, {name: "\x00"}), 400)} == {name}


@pytest.mark.parametrize("path", ["/api/auth/users/", "/api/chat/conversations/"])
def test_a_search_for_nothing_is_none(
    api: Callable[..., Any], alice: Any, conversation: Any, path: str, nothing: str
) -> None:
    assert api(alice).get(path, {"search": nothing}).json() == api(alice).get(path).json()
