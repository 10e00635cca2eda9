"""`docs/inbox.md` names every frame and field that an inbox has beside those of every socket, and no other."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from chat import events
from chat.catchup import MAX_MISSED
from chat.consumers import InboxConsumer
from chat.inbox import LISTED
from chat.serializers import ConversationSerializer

from . import markdown

TEXT = markdown.read("docs/inbox.md")
FROM_CLIENT = markdown.section(TEXT, "## Frames from the client")
FROM_SERVER = markdown.section(TEXT, "## Frames from the server")
EVENTS = {event.type: event for event in events.InboxEvent.__subclasses__()}
SHARED = {event.type for event in events.Event.__subclasses__() if "type" in vars(event)} - EVENTS.keys()
COMMANDS = InboxConsumer.commands


def headings(text: str) -> list[str]:
    return re.findall(r"^### `(\w+)`$", text, re.M)


def example(text: str, name: str) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(markdown.blocks(markdown.section(text, f"### `{name}`"), "json")[0])
    return frame


def test_every_event_has_a_section_and_every_section_an_event() -> None:
    assert sorted(headings(FROM_SERVER)) == sorted(EVENTS)


def test_the_frames_of_every_socket_are_named() -> None:
    introduction = FROM_SERVER.partition("### ")[0]
    assert set(re.findall(r"`(\w+)`", introduction)) - {"user_status"} == SHARED - {"user_status"}


def test_every_command_has_a_section_and_every_section_a_command() -> None:
    assert sorted(headings(FROM_CLIENT)) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_example_has_exactly_the_keys_of_its_event(name: str) -> None:
    frame = example(FROM_SERVER, name)
    assert frame.keys() == {"type", *(field.name for field in fields(EVENTS[name]))}
    assert frame["type"] == name
    if "conversation" in frame:
        assert list(frame["conversation"]) == list(ConversationSerializer.Meta.fields)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_example_from_the_client_is_one_that_is_taken(name: str) -> None:
    frame = example(FROM_CLIENT, name)
    serializer_class, _ = COMMANDS[name]
    serializer = serializer_class(data=frame)
    assert serializer.is_valid(), serializer.errors
    assert frame.keys() - {"type", "client_id"} <= serializer.fields.keys()
    assert frame["type"] == name


def test_its_numbers_are_those_of_the_code() -> None:
    assert f"the {LISTED} latest active" in TEXT
    assert f"More than {MAX_MISSED} changes" in TEXT


def test_every_link_leads_somewhere() -> None:
    def anchors(text: str) -> set[str]:
        found = re.findall(r"^#+ (.*)$", text, re.M)
        return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in found}

    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors(TEXT)
    assert set(re.findall(r"\]\(protocol\.md#([^)]+)\)", TEXT)) <= anchors(markdown.read("docs/protocol.md"))


async def test_what_really_arrives_has_the_keys_of_the_examples(
    connect: Callable[..., Any], rest: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    body = {"conversation": conversation.pk, "content": "Hi"}
    assert (await rest(bob, "post", "/api/chat/messages/create/", body)).status_code == 201
    socket = await connect(alice, path="/ws/inbox/")
    frames: list[dict[str, Any]] = [await socket.receive("connected")]
    await socket.send({"type": "resume", "versions": {str(conversation.pk): 0}})
    frames.append(await socket.receive_until("resumed"))
    await socket.send({"type": "ping", "conversation_id": conversation.pk})
    frames.append(await socket.receive_until("pong"))
    group = (
        await rest(
            bob,
            "post",
            "/api/chat/conversations/create/",
            {"type": "group", "name": "G", "participant_ids": [alice.pk]},
        )
    ).json()["id"]
    frames.append(await socket.receive_until("conversation_added"))
    await rest(alice, "post", f"/api/chat/conversations/{conversation.pk}/mark-read/", {})
    frames.append(await socket.receive_until("unread"))
    await rest(bob, "patch", f"/api/chat/conversations/{group}/", {"name": "Another"})
    frames.append(await socket.receive_until("conversation_updated"))
    await rest(alice, "delete", f"/api/chat/conversations/{group}/delete/")
    frames.append(await socket.receive_until("conversation_removed"))
    assert {frame["type"] for frame in frames} == EVENTS.keys()
    for frame in frames:
        expected = example(FROM_SERVER, frame["type"])
        assert frame.keys() == expected.keys()
        for name, value in expected.items():
            if isinstance(value, dict) and frame[name] is not None:
                assert frame[name].keys() == value.keys()
            if isinstance(value, list) and value and isinstance(value[0], dict):
                assert frame[name][0].keys() == value[0].keys()
