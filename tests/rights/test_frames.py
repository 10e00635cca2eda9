"""Every frame, sent by everybody, on the socket of a conversation and on an inbox."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chat.consumers import InboxConsumer
from tests.conftest import token_for
from tests.realtime.frames import INBOX, answer, the_rest, until_pong

from .table import ROLES, put_in

pytestmark = pytest.mark.django_db(transaction=True)

ABOUT_IT = {"conversation_id": "<group>"}
REFUSED = dict.fromkeys(("stranger", "removed", "left"), "not_found")
IN_IT = ("member", "admin")
# By what is tried: the frame, and how it is answered to who takes part. To everybody else it is `not_found`.
FRAMES: dict[str, tuple[dict[str, Any], str]] = {
    "say": ({"type": "chat_message", "content": "Hi"}, "ack"),
    "reply": ({"type": "chat_message", "content": "Hi", "reply_to": "<by_other>"}, "ack"),
    "reply to one of elsewhere": (
        {"type": "chat_message", "content": "Hi", "reply_to": "<elsewhere>"},
        "does_not_exist",
    ),
    "type": ({"type": "typing", "is_typing": True}, "ack"),
    "read": ({"type": "read_receipt", "message_id": "<by_other>"}, "ack"),
    "read one of elsewhere": ({"type": "read_receipt", "message_id": "<elsewhere>"}, "does_not_exist"),
    "prolong": ({"type": "authenticate", "token": "<own token>"}, "ack"),
    "prolong for another": ({"type": "authenticate", "token": "<token of other>"}, "permission_denied"),
    "ask how far it is": ({"type": "ping"}, "ack"),
}
OF_AN_INBOX = {"resume"}  # names its conversations in another way: below


@pytest.fixture
async def world(ids: Mapping[str, Any], people: Mapping[str, Any]) -> Mapping[str, Any]:
    """The ids, and a token of `other`."""
    return {**ids, "token of other": await sync_to_async(token_for)(people["other"])}


async def tried(socket: Any, what: str, world: Mapping[str, Any], user: Any, **about: Any) -> str:
    """How the frame is answered: `ack`, or the error's code."""
    mine = {**world, "own token": await sync_to_async(token_for)(user)}
    frame = put_in({**FRAMES[what][0], **about}, mine)
    got = await answer(socket, {**frame, "client_id": what})
    assert got["client_id"] == what
    return str(got.get("code", got["type"]))


def test_every_frame_is_tried() -> None:
    assert {frame["type"] for frame, _ in FRAMES.values()} | OF_AN_INBOX == InboxConsumer.commands.keys()


@pytest.mark.parametrize("what", FRAMES)
async def test_who_takes_no_part_is_told_that_nothing_is_there_and_nobody_notices(
    what: str, world: Mapping[str, Any], people: Mapping[str, Any], connect: Callable[..., Any]
) -> None:
    there = await connect(people["other"], path=INBOX)
    await until_pong(there)
    for role in REFUSED:
        socket = await connect(people[role], path=INBOX)
        assert await tried(socket, what, world, people[role], **ABOUT_IT) == "not_found", role
    assert await until_pong(there) == []


@pytest.mark.parametrize("role", IN_IT)
@pytest.mark.parametrize("what", FRAMES)
async def test_who_takes_part_is_answered_alike_on_both_sockets(
    what: str, role: str, world: Mapping[str, Any], people: Mapping[str, Any], connect: Callable[..., Any]
) -> None:
    user, expected = people[role], FRAMES[what][1]
    socket, inbox = await connect(user, world["group"]), await connect(user, path=INBOX)
    assert await tried(socket, what, world, user) == expected
    assert await tried(inbox, what, world, user, **ABOUT_IT) == expected


@pytest.mark.parametrize("role", [role for role in ROLES if role not in IN_IT])
async def test_the_socket_of_a_conversation_lets_in_who_takes_part_and_nobody_else(
    role: str, world: Mapping[str, Any], people: Mapping[str, Any], connect: Callable[..., Any]
) -> None:
    frames, code = await the_rest(await connect(people[role], world["group"]))
    expected = ("not_authenticated", 4401) if role == "nobody" else ("not_found", 4404)
    assert ([frame["code"] for frame in frames], code) == ([expected[0]], expected[1])


async def test_an_inbox_is_for_whoever_is_somebody(connect: Callable[..., Any], people: Mapping[str, Any]) -> None:
    frames, code = await the_rest(await connect(people["nobody"], path=INBOX))
    assert ([frame["code"] for frame in frames], code) == (["not_authenticated"], 4401)


@pytest.mark.parametrize("role", REFUSED)
async def test_who_takes_no_part_resumes_nothing(
    role: str, world: Mapping[str, Any], people: Mapping[str, Any], connect: Callable[..., Any]
) -> None:
    foreign = [world["group"], world["private"], 999_999_999]
    socket = await connect(people[role], path=INBOX)
    connected = await socket.receive("connected")
    assert (connected["conversations"], connected["total_unread"]) == ([], 0)
    await socket.send({"type": "resume", "versions": {str(conversation_id): 0 for conversation_id in foreign}})
    resumed = await socket.receive_until("resumed")
    assert (resumed["recovered"], sorted(resumed["reload"])) == ([], sorted(foreign))  # as if none were there
    assert await until_pong(socket) == []
