"""Random frames on both sockets: each is answered exactly once, and none closes the socket or is stored unfit."""

import asyncio
import json
import unicodedata
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from chat.consumers import ConversationConsumer, InboxConsumer
from chat.models import Message
from chat.routing import websocket_urlpatterns
from chat_server.fields import is_blank
from tests.conftest import token_for
from tests.realtime.frames import ERROR_CODES, INBOX

from .strategies import ANYTHING, BIG, TEXTS, bodies

COMMANDS = ConversationConsumer.commands | InboxConsumer.commands
KINDS = [*COMMANDS, "durable", "websocket.disconnect", "connected", ""]
GOOD_CLIENT_IDS = st.uuids().map(str) | st.sampled_from(["1", "2", "😀" * 64, "a b"])
CLIENT_IDS = st.one_of(GOOD_CLIENT_IDS, GOOD_CLIENT_IDS, GOOD_CLIENT_IDS, TEXTS | ANYTHING)
REAL = "<a real one>"


def _command(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Frames of that type, most of them nearly good ones."""
    serializer_class, _ = COMMANDS[kind]
    beside = st.fixed_dictionaries({}, optional={"client_id": CLIENT_IDS, "conversation_id": st.just(REAL)})
    token = {"token": REAL} if kind == "authenticate" else {}
    return st.builds(
        lambda said, beside, is_real: {**said, **beside, **(token if is_real else {}), "type": kind},
        bodies(serializer_class),
        beside,
        st.booleans(),
    )


STRANGE = st.builds(
    lambda fields, kind: {**fields, "type": kind},
    st.dictionaries(TEXTS, ANYTHING, max_size=3),
    st.sampled_from(KINDS) | ANYTHING,
)
FRAMES = st.one_of(*map(_command, COMMANDS), STRANGE, ANYTHING)


@pytest.fixture(params=["conversation", "inbox"])
async def socket(request: pytest.FixtureRequest, connect: Callable[..., Any], alice: Any, conversation: Any) -> Any:
    """Alice's, let in."""
    where = {"path": INBOX} if request.param == "inbox" else {"conversation": conversation}
    socket = await connect(alice, **where)
    await socket.receive("connected")
    return socket


@pytest.fixture
async def real(alice: Any, bob: Any, conversation: Any, rest: Callable[..., Any]) -> dict[str, Any]:
    """What there is, by the name of the field that speaks of it."""
    said = await rest(bob, "post", "/api/chat/messages/create/", {"conversation": conversation.pk, "content": "Hello"})
    message_id = said.json()["id"]
    token = await sync_to_async(token_for)(alice)
    return {"conversation_id": conversation.pk, "message_id": message_id, "reply_to": message_id, "token": token}


def _meant(frame: Any, real: dict[str, Any]) -> Any:
    """The frame, its small numbers made what there is."""
    if not isinstance(frame, dict):
        return frame
    return {
        name: real[name] if name in real and (value == REAL or (type(value) is int and 0 < value <= 20)) else value
        for name, value in frame.items()
    }


def _client_id(text: str) -> tuple[str | None, bool]:
    """What its answer must name, and whether it must have one."""
    try:
        frame = orjson.loads(text)
    except ValueError:
        return None, True
    if not isinstance(frame, dict):
        return None, True
    client_id = frame.get("client_id")
    is_one = isinstance(client_id, str) and 1 <= len(client_id) <= 64
    if is_one and not any(unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") for each in client_id):
        return client_id, True
    return None, "client_id" in frame


def test_every_socket_and_every_command_is_tried() -> None:
    """Those of a new consumer are not: this test then says so."""
    assert [getattr(each.callback, "consumer_class", None) for each in websocket_urlpatterns] == [
        ConversationConsumer,
        InboxConsumer,
        None,
    ]
    assert set(COMMANDS) == {"chat_message", "typing", "read_receipt", "authenticate", "ping", "resume"}


async def _answers(socket: Any, text: str, end: dict[str, Any]) -> list[dict[str, Any]]:
    """The acks and errors that come before that of a ping behind it."""
    await socket.send(text)
    await socket.send(end)
    answers: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while (got := await socket.receive(timeout=10)).get("client_id") != end["client_id"]:
            if got["type"] in ("ack", "error"):
                answers.append(got)
            elif got["type"] == "chat_message":
                assert len(got["message"]["content"]) <= 4000
                assert not is_blank(got["message"]["content"])
    return answers


@settings(max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(frame=FRAMES)
async def test_every_frame_is_answered_once_and_what_is_refused_is_not_stored(
    socket: Any, real: dict[str, Any], frame: Any
) -> None:
    frame = _meant(frame, real)
    text = json.dumps(frame)
    assume(len(text) <= 64 * 1024)
    before = await Message.objects.acount()
    # On an inbox those of one conversation wait for each other, but nobody for those of another one.
    place = frame.get("conversation_id") if isinstance(frame, dict) else None
    where = place if isinstance(place, int) and abs(place) < BIG else real["conversation_id"]
    answers = await _answers(socket, text, {"type": "ping", "client_id": "the end", "conversation_id": where})
    named, must = _client_id(text)
    assert len(answers) == 1 if must else len(answers) <= 1
    for answer in answers:
        assert answer["client_id"] == named
        assert answer["type"] == "ack" if "code" not in answer else answer["code"] in ERROR_CODES
        assert named is not None or answer["type"] == "error"
    refused = any(each["type"] == "error" for each in answers)
    stored = await Message.objects.acount() - before
    assert stored == int(
        not refused
        and isinstance(frame, dict)
        and frame.get("type") == "chat_message"
        and not any(each.get("duplicate") for each in answers)
    )
