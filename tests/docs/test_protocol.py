"""`docs/protocol.md` names every frame, field, error code and close code that there is, and no other."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from chat import events
from chat.consumers import ConversationConsumer
from chat.exceptions import ERROR_CODES
from chat.serializers import ACTIONS, MessageSerializer
from chat_server.close_codes import CloseCode

from . import markdown

TEXT = markdown.read("docs/protocol.md")
FROM_CLIENT = markdown.section(TEXT, "## Frames from the client")
FROM_SERVER = markdown.section(TEXT, "## Frames from the server")
EVENTS = {event.type: event for event in events.Event.__subclasses__() if "type" in vars(event)}
COMMANDS = ConversationConsumer.commands
MESSAGE = set(MessageSerializer.Meta.fields)


def headings(text: str) -> list[str]:
    return re.findall(r"^### `(\w+)`$", text, re.M)


def example(text: str, name: str) -> dict[str, Any]:
    """The example of a frame: the first block of its section."""
    frame: dict[str, Any] = json.loads(markdown.blocks(markdown.section(text, f"### `{name}`"), "json")[0])
    return frame


def shape(value: Any) -> Any:
    """The keys of a frame, with those of what is inside it."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return type(value).__name__


# Frames -----------------------------------------------------------------------------------------


def test_every_event_has_a_section_and_every_section_an_event() -> None:
    assert sorted(headings(FROM_SERVER)) == sorted(EVENTS)


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert sorted(headings(FROM_CLIENT)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(EVENTS.keys() - {"ack", "error"}))
def test_an_example_has_exactly_the_keys_of_its_event(name: str) -> None:
    expected = {"type", *(field.name for field in fields(EVENTS[name]))}
    frame = example(FROM_SERVER, name)
    assert frame.keys() == expected
    assert frame["type"] == name


def test_the_example_of_an_error_has_exactly_its_keys() -> None:
    example_ = example(FROM_SERVER, "error")
    assert example_.keys() == events.Error(code="", detail="", client_id=None, retry_after=1.0).frame().keys()


@pytest.mark.parametrize("name", ["chat_message", "message_updated", "message_deleted"])
def test_an_example_of_a_message_has_exactly_its_fields(name: str) -> None:
    frame = example(FROM_SERVER, name)
    assert frame["message"].keys() == MESSAGE
    assert frame["message"]["version"] == frame["version"]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_example_from_the_client_is_one_that_is_taken(name: str) -> None:
    frame = example(FROM_CLIENT, name)
    serializer_class, _ = COMMANDS[name]
    serializer = serializer_class(data={**frame, "conversation_id": 12})
    assert serializer.is_valid(), serializer.errors
    assert frame.keys() - {"type", "client_id"} <= serializer.fields.keys()
    assert {each for each, field in serializer.fields.items() if field.required} <= {*frame, "conversation_id"}
    assert frame["type"] == name


def test_every_action_of_a_system_message_is_in_the_table() -> None:
    section = markdown.section(FROM_SERVER, "### `chat_message`")
    assert markdown.first_column(section) == list(ACTIONS)


@pytest.fixture
async def arrived(
    connect: Callable[..., Any], rest: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> list[dict[str, Any]]:
    """One frame of each type, as it came to Alice's socket."""
    here = await connect(alice, conversation)
    frames: list[dict[str, Any]] = [await here.receive("connected")]
    there = await connect(bob, conversation)
    await there.receive("connected")
    frames.append(await here.receive_until("user_status"))
    body = {"conversation": conversation.pk, "content": "Hi"}
    first = (await rest(bob, "post", "/api/chat/messages/create/", body)).json()
    await here.receive_until("chat_message")
    await there.send({"type": "typing", "is_typing": True})
    frames.append(await here.receive_until("typing"))
    await here.send({**example(FROM_CLIENT, "chat_message"), "reply_to": first["id"]})
    answers = sorted([await here.receive(), await here.receive()], key=lambda frame: str(frame["type"]))
    frames += answers
    path = f"/api/chat/messages/{answers[0]['message_id']}/"
    await there.send({"type": "read_receipt", "message_id": answers[0]["message_id"]})
    frames.append(await here.receive_until("read_receipt"))
    await rest(alice, "patch", path, {"content": "Hello!"})
    frames.append(await here.receive_until("message_updated"))
    await rest(alice, "delete", f"{path}delete/")
    frames.append(await here.receive_until("message_deleted"))
    await here.send({"type": "ping"})
    frames.append(await here.receive_until("pong"))
    await here.send({"type": "nonsense"})
    frames.append({**await here.receive_until("error"), "client_id": "", "retry_after": 1.0})
    return frames


def without_what_varies(frame: dict[str, Any]) -> dict[str, Any]:
    """The frame, alike wherever an example may show another case than the one that came about."""
    if frame["type"] in ("message_updated", "message_deleted"):
        frame["message"]["reply_to"] = None
    if frame["type"] == "user_status":
        frame["last_seen"] = None
    if frame["type"] == "chat_message":
        frame["message"]["reply_to"]["sender"] = frame["message"]["sender"]
    return frame


def test_what_really_arrives_looks_like_the_examples(arrived: list[dict[str, Any]]) -> None:
    for frame in arrived:
        expected = example(FROM_SERVER, frame["type"])
        assert shape(without_what_varies(frame)) == shape(without_what_varies(expected)), frame["type"]
    assert {frame["type"] for frame in arrived} == EVENTS.keys()


# Tables -----------------------------------------------------------------------------------------


def test_every_error_code_is_in_the_table_and_no_other() -> None:
    listed = markdown.first_column(markdown.section(TEXT, "## Error codes"))
    assert sorted(listed) == sorted(ERROR_CODES)


def test_every_close_code_is_in_the_table_and_no_other() -> None:
    listed = markdown.first_column(markdown.section(TEXT, "## Close codes"))
    assert sorted(map(int, listed)) == sorted(CloseCode)


def test_every_link_within_leads_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors
