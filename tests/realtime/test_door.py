"""Who is let in, how the others are told, and what is said first."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tests.realtime.frames import Visit, pong, the_rest, until_pong
from tests.services.client import Refused

# The token ------------------------------------------------------------------------------------------


async def test_a_token_in_the_header_lets_in_and_no_subprotocol_is_picked(
    connect: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    socket = await connect(alice, conversation)
    assert socket.subprotocol is None
    assert (await socket.receive("connected"))["user_id"] == alice.pk


async def test_a_token_as_a_subprotocol_lets_in_and_bearer_is_picked(
    connect: Callable[..., Any], visit: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    token = (await visit(alice)).access
    socket = await connect(None, conversation, subprotocols=["bearer", token])
    assert socket.subprotocol == "bearer"
    assert (await socket.receive("connected"))["user_id"] == alice.pk


async def test_a_token_in_the_query_lets_in_and_no_subprotocol_is_picked(
    connect: Callable[..., Any], visit: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    token = (await visit(alice)).access
    socket = await connect(None, path=f"/ws/chat/{conversation.pk}/?token={token}")
    assert socket.subprotocol is None
    assert (await socket.receive("connected"))["user_id"] == alice.pk


async def test_a_subprotocol_that_is_not_ours_is_not_picked(
    connect: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    assert (await connect(alice, conversation, subprotocols=["graphql-ws"])).subprotocol is None


def _no_token(visit: Visit) -> str | None:
    return None


def _nonsense(visit: Visit) -> str:
    return "nonsense"


def _empty(visit: Visit) -> str:
    return ""


def _tampered(visit: Visit) -> str:
    head, payload, signature = visit.access.split(".")
    return f"{head}.{payload}.{signature[::-1]}"


def _refresh_token(visit: Visit) -> str:
    return visit.refresh


def _of_an_ended_session(visit: Visit) -> str:
    from authentication.models import Session

    Session.objects.filter(pk=visit.session_id).end()
    return visit.access


def _of_a_session_that_ran_out(visit: Visit) -> str:
    from authentication.models import Session

    Session.objects.filter(pk=visit.session_id).update(expires_at=timezone.now())
    return visit.access


def _of_a_deactivated_user(visit: Visit) -> str:
    from authentication.models import User

    User.objects.update(is_active=False)
    return visit.access


BAD_TOKENS = [
    *(_no_token, _empty, _nonsense, _tampered, _refresh_token),
    *(_of_an_ended_session, _of_a_session_that_ran_out, _of_a_deactivated_user),
]


@pytest.mark.parametrize("spoil", BAD_TOKENS, ids=lambda spoil: spoil.__name__.strip("_"))
async def test_without_a_good_token_the_socket_is_told_and_closed(
    connect: Callable[..., Any], visit: Callable[..., Any], alice: Any, conversation: Any, spoil: Any
) -> None:
    token = await sync_to_async(spoil)(await visit(alice))
    socket = await connect(None, conversation, token=token)
    [frame], code = await the_rest(socket)
    assert (frame["type"], frame["code"], frame["client_id"], code) == ("error", "not_authenticated", None, 4401)
    assert frame.keys() == {"type", "code", "detail", "client_id"}


async def test_an_expired_token_is_told_and_closed(
    connect: Callable[..., Any], visit: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    socket = await connect(None, conversation, token=(await visit(alice, seconds=-1)).access)
    [frame], code = await the_rest(socket)
    assert (frame["code"], code) == ("not_authenticated", 4401)


@pytest.mark.parametrize("spoil", [_nonsense, _of_an_ended_session], ids=["nonsense", "ended"])
async def test_a_bad_token_as_a_subprotocol_is_told_over_bearer(
    connect: Callable[..., Any], visit: Callable[..., Any], alice: Any, conversation: Any, spoil: Any
) -> None:
    token = await sync_to_async(spoil)(await visit(alice))
    socket = await connect(None, conversation, subprotocols=["bearer", token])
    assert socket.subprotocol == "bearer"
    [frame], code = await the_rest(socket)
    assert (frame["code"], code) == ("not_authenticated", 4401)


# The conversation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 10**9, 2**63 - 1, 2**63, 2**64, 2**70])
async def test_a_conversation_that_is_not_there_looks_like_one_that_is_not_yours(
    connect: Callable[..., Any], eve: Any, conversation: Any, number: int
) -> None:
    foreign = await the_rest(await connect(eve, conversation))
    missing = await the_rest(await connect(eve, number))
    assert foreign == missing
    [frame], code = missing
    assert (frame["type"], frame["code"], frame["client_id"], code) == ("error", "not_found", None, 4404)


async def test_who_was_removed_is_not_let_in_again(
    connect: Callable[..., Any], remove: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    await remove(group, alice, bob)
    assert await (await connect(bob, group)).closed() == 4404


async def test_what_is_sent_after_a_refusal_counts_for_nothing(
    connect: Callable[..., Any], alice: Any, eve: Any, conversation: Any, call: Callable[..., Any]
) -> None:
    socket = await connect(eve, conversation)
    await socket.send({"type": "chat_message", "content": "Hello", "client_id": "1"})
    frames, _ = await the_rest(socket)
    assert [frame["type"] for frame in frames] == ["error"]
    assert (await call(alice, "get", f"conversations/{conversation.pk}/"))["last_seq"] == 0


@pytest.mark.parametrize(
    "path",
    ["/", "/ws/", "/ws/chat/", "/ws/chat/x/", "/ws/chat/-1/", "/ws/chat/1/x/", "/ws/chat/1", f"/ws/chat/{'9' * 5000}/"],
    ids=lambda path: path[:20],
)
async def test_an_unknown_path_is_refused(connect: Callable[..., Any], alice: Any, path: str) -> None:
    with pytest.raises(Refused):
        await connect(alice, path=path)


# The page it comes from -----------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [None, "http://localhost", "http://localhost:80", "https://elsewhere.example"])
async def test_own_pages_and_those_of_the_setting_are_let_in(
    connect: Callable[..., Any], settings: Any, alice: Any, conversation: Any, origin: str | None
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://elsewhere.example"]
    await (await connect(alice, conversation, origin=origin)).receive("connected")


FOREIGN = [
    *("", "null", "http://evil.example", "http://localhost:8001", "http://localhost.evil.example", "file://"),
    *("http://elsewhere.example", "https://elsewhere.example:8443", "https://sub.elsewhere.example", "localhost"),
    *("http://127.0.0.1", "ws://localhost", "http://[", "http://localhost:99999", "http://evil.example/localhost"),
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_foreign_pages_are_refused_before_anything_is_accepted(
    connect: Callable[..., Any], settings: Any, alice: Any, conversation: Any, origin: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://elsewhere.example"]
    with pytest.raises(Refused):
        await connect(alice, conversation, origin=origin)


async def test_under_https_the_own_page_is_the_https_one(
    connect: Callable[..., Any], settings: Any, alice: Any, conversation: Any
) -> None:
    settings.HTTPS = True
    await (await connect(alice, conversation, origin="https://localhost")).receive("connected")
    with pytest.raises(Refused):
        await connect(alice, conversation, origin="http://localhost")


# Too many -------------------------------------------------------------------------------------------


@pytest.fixture
def two_sockets_each(settings: Any) -> None:
    settings.MAX_SOCKETS_PER_USER = 2


@pytest.mark.usefixtures("two_sockets_each")
async def test_one_socket_too_many_is_told_and_closed_and_the_others_stay(
    connect: Callable[..., Any], enter: Callable[..., Any], alice: Any, conversation: Any, group: Any
) -> None:
    open_ones = [await enter(alice, conversation), await enter(alice, group)]
    [frame], code = await the_rest(await connect(alice, conversation))
    assert (frame["type"], frame["code"], code) == ("error", "too_many_sockets", 4409)
    assert [await until_pong(socket) for socket in open_ones] == [[], []]


@pytest.mark.usefixtures("two_sockets_each")
async def test_each_user_has_their_own_number_of_sockets(
    enter: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    for user in (alice, alice, bob, bob):
        await enter(user, conversation)


@pytest.mark.usefixtures("two_sockets_each")
async def test_a_closed_socket_makes_room_for_another(enter: Callable[..., Any], alice: Any, conversation: Any) -> None:
    for _ in range(5):
        await (await enter(alice, conversation)).close()
    await enter(alice, conversation)


@pytest.mark.usefixtures("two_sockets_each")
async def test_refused_sockets_do_not_count(
    connect: Callable[..., Any], enter: Callable[..., Any], eve: Any, alice: Any, conversation: Any
) -> None:
    for _ in range(3):
        assert await (await connect(alice, 10**9)).closed() == 4404
    await enter(alice, conversation)


# The first frame ------------------------------------------------------------------------------------


async def test_connected_says_who_where_how_far_and_until_when(
    connect: Callable[..., Any], visit: Callable[..., Any], post: Callable[..., Any], call: Callable[..., Any],
    alice: Any, group: Any,
) -> None:  # fmt: skip
    message = await post(alice, group)
    await call(alice, "patch", f"messages/{message['id']}/", {"content": "Hello again"})
    mine = await visit(alice)
    connected = await (await connect(None, group, token=mine.access)).receive()
    expires_at = connected.pop("expires_at")
    assert connected == {
        "type": "connected",
        "conversation_id": group.pk,
        "user_id": alice.pk,
        "version": 3,  # the group's own message, "Hello", its edit
        "last_seq": 2,
        "recovered": False,
        "online": [alice.pk],
    }
    checked = (await mine.call("get", "/api/auth/check-session/")).json()
    assert parse_datetime(expires_at) == parse_datetime(checked["expires_at"])
    assert expires_at.endswith("Z")


async def test_connected_names_everyone_of_the_conversation_who_is_online(
    connect: Callable[..., Any], enter: Callable[..., Any], add: Callable[..., Any],
    alice: Any, bob: Any, carol: Any, conversation: Any, group: Any,
) -> None:  # fmt: skip
    await add(group, alice, carol)
    await enter(bob, conversation)  # online there is online everywhere
    connected = await (await connect(alice, group)).receive("connected")
    assert sorted(connected["online"]) == sorted([alice.pk, bob.pk])


async def test_connected_names_nobody_of_elsewhere(
    connect: Callable[..., Any], enter: Callable[..., Any], add: Callable[..., Any],
    alice: Any, carol: Any, conversation: Any, group: Any,
) -> None:  # fmt: skip
    await add(group, alice, carol)
    await enter(carol, group)
    assert (await (await connect(alice, conversation)).receive("connected"))["online"] == [alice.pk]


async def test_a_frame_sent_at_once_is_answered_after_connected(
    connect: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    socket = await connect(alice, conversation)
    await socket.send({"type": "ping"})
    await socket.receive("connected")
    assert (await pong(socket))["version"] == 0
