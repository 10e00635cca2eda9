"""A right that ends closes the socket within two seconds, with the right code, and nothing reaches it later."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tests.realtime.frames import DURABLE, Visit, answer, contents, durable, the_rest, until_pong
from tests.services.environment import PASSWORD

Enter = Callable[..., Any]
CLOSES = 2.0  # seconds


# The session ----------------------------------------------------------------------------------------


async def _logout(visit: Visit) -> None:
    await visit.call("post", "/api/auth/logout/")


async def _logout_everywhere(visit: Visit) -> None:
    await visit.call("post", "/api/auth/logout/", {"all": True})


async def _end_that_session(visit: Visit) -> None:
    await visit.call("delete", f"/api/auth/sessions/{visit.session_id}/")


async def _change_the_password(visit: Visit) -> None:
    await visit.call("post", "/api/auth/password-change/", {"old_password": PASSWORD, "new_password": "another one 43"})


async def _spend_a_refresh_token_twice(visit: Visit) -> None:
    await visit.call("post", "/api/auth/token/refresh/", {"refresh": visit.refresh})
    with pytest.raises(AssertionError, match="token_not_valid"):
        await visit.call("post", "/api/auth/token/refresh/", {"refresh": visit.refresh})


async def _deactivate(visit: Visit) -> None:
    from authentication import services
    from authentication.models import User

    await sync_to_async(lambda: services.deactivate_user(user=User.objects.get(username="bob")))()


async def _deactivate_in_the_database(visit: Visit) -> None:
    from authentication.models import User

    await User.objects.filter(username="bob").aupdate(is_active=False)


async def _end_the_session_in_the_database(visit: Visit) -> None:
    from authentication.models import Session

    await Session.objects.filter(pk=visit.session_id).adelete()


async def _let_the_session_run_out(visit: Visit) -> None:
    from authentication.models import Session

    await Session.objects.filter(pk=visit.session_id).aupdate(expires_at=timezone.now())


ONE_SESSION = [_logout, _end_that_session, _spend_a_refresh_token_twice]
ONE_SESSION += [_end_the_session_in_the_database, _let_the_session_run_out]
EVERY_SESSION = [_logout_everywhere, _change_the_password, _deactivate, _deactivate_in_the_database]


def _name(change: Any) -> str:
    return change.__name__.strip("_")


@pytest.mark.parametrize("change", ONE_SESSION + EVERY_SESSION, ids=_name)
async def test_what_ends_a_session_closes_its_sockets_with_4401(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any, group: Any, change: Any
) -> None:
    his = await visit(bob)
    sockets = [await enter(None, place, token=his.access) for place in (conversation, group)]
    await change(his)
    assert [await socket.closed(CLOSES) for socket in sockets] == [4401, 4401]


@pytest.mark.parametrize("change", EVERY_SESSION, ids=_name)
async def test_what_ends_every_session_closes_all_sockets_of_the_user(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any, change: Any
) -> None:
    his = await visit(bob)
    socket = await enter(bob, conversation)
    await change(his)
    assert await socket.closed(CLOSES) == 4401


@pytest.mark.parametrize("change", ONE_SESSION, ids=_name)
async def test_what_ends_one_session_closes_no_socket_of_another(
    enter: Enter, visit: Callable[..., Any], alice: Any, bob: Any, conversation: Any, change: Any
) -> None:
    his = await visit(bob)
    ended, *others = [
        await enter(None, conversation, token=his.access),
        await enter(bob, conversation),
        await enter(alice, conversation),
    ]
    await change(his)
    assert await ended.closed(CLOSES) == 4401
    assert [await until_pong(socket) for socket in others] == [[], []]


@pytest.mark.parametrize("change", [_logout, _deactivate], ids=_name)
async def test_nothing_said_after_the_end_of_a_session_reaches_its_socket(
    enter: Enter,
    visit: Callable[..., Any],
    post: Callable[..., Any],
    alice: Any,
    bob: Any,
    conversation: Any,
    change: Any,
) -> None:
    his = await visit(bob)
    socket = await enter(None, conversation, token=his.access)
    await post(alice, conversation, "before")
    await change(his)
    await asyncio.sleep(CLOSES)
    await post(alice, conversation, "after")
    frames, _ = await the_rest(socket)
    assert contents([frame for frame in frames if frame["type"] in DURABLE]) == ["before"]


async def test_a_refreshed_session_keeps_its_sockets(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    his = await visit(bob)
    socket = await enter(None, conversation, token=his.access)
    await his.call("post", "/api/auth/token/refresh/", {"refresh": his.refresh})
    await asyncio.sleep(1.5)
    assert await until_pong(socket) == []


# The token ------------------------------------------------------------------------------------------


async def test_a_token_that_runs_out_closes_the_socket_with_4401(
    connect: Callable[..., Any], visit: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    socket = await connect(None, conversation, token=(await visit(bob, seconds=2)).access)
    expires_at = parse_datetime((await socket.receive("connected"))["expires_at"])
    assert expires_at is not None
    assert await socket.closed(CLOSES + 2) == 4401
    assert timedelta(0) <= timezone.now() - expires_at < timedelta(seconds=CLOSES)


async def test_a_fresh_token_prolongs_the_socket(
    connect: Callable[..., Any], visit: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    socket = await connect(None, conversation, token=(await visit(bob, seconds=2)).access)
    old = (await socket.receive("connected"))["expires_at"]
    ack = await answer(
        socket, {"type": "authenticate", "token": (await visit(bob, seconds=60)).access, "client_id": "1"}
    )
    assert ack.keys() == {"type", "client_id", "expires_at"}
    assert (ack["type"], ack["client_id"], ack["expires_at"] > old) == ("ack", "1", True)
    await asyncio.sleep(3.5)
    assert await until_pong(socket) == []


async def test_a_prolonged_socket_ends_with_its_new_token(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    socket = await enter(bob, conversation)
    begin = time.monotonic()
    await answer(socket, {"type": "authenticate", "token": (await visit(bob, seconds=1)).access, "client_id": "1"})
    assert await socket.closed(CLOSES + 1) == 4401
    assert time.monotonic() - begin < 1 + CLOSES


async def test_a_socket_belongs_to_the_session_of_its_last_token(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    old, new = await visit(bob), await visit(bob)
    socket = await enter(None, conversation, token=old.access)
    await answer(socket, {"type": "authenticate", "token": new.access, "client_id": "1"})
    await _logout(old)
    await asyncio.sleep(1.5)
    assert await until_pong(socket) == []
    await _logout(new)
    assert await socket.closed(CLOSES) == 4401


async def test_another_user_s_token_is_an_error_and_changes_nothing(
    enter: Enter, visit: Callable[..., Any], post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    socket = await enter(bob, conversation)
    hers = (await visit(alice)).access
    error = await answer(socket, {"type": "authenticate", "token": hers, "client_id": "1"})
    assert (error["type"], error["code"], error["client_id"]) == ("error", "permission_denied", "1")
    await socket.send({"type": "chat_message", "content": "Hello"})
    assert (await durable(socket, 1))[0]["message"]["sender"]["id"] == bob.pk


@pytest.mark.parametrize("kind", ["nonsense", "refresh", "expired", "ended", "huge"])
async def test_a_bad_token_is_an_error_and_the_socket_stays(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any, kind: str
) -> None:
    socket = await enter(bob, conversation)
    other = await visit(bob, seconds=-1 if kind == "expired" else 60)
    if kind == "ended":
        await _logout(other)
    token = {"nonsense": "nonsense", "refresh": other.refresh, "huge": "x" * 8000}.get(kind, other.access)
    error = await answer(socket, {"type": "authenticate", "token": token, "client_id": "1"})
    assert (error["type"], error["code"], error["client_id"]) == ("error", "not_authenticated", "1")
    assert await until_pong(socket) == []


async def test_a_bad_token_does_not_prolong(
    enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    socket = await enter(None, conversation, token=(await visit(bob, seconds=1)).access)
    await answer(socket, {"type": "authenticate", "token": "nonsense", "client_id": "1"})
    assert await socket.closed(CLOSES + 1) == 4401


# The conversation -----------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_who_is_removed_or_leaves_is_closed_with_4403(
    enter: Enter, remove: Callable[..., Any], alice: Any, bob: Any, group: Any, who: str
) -> None:
    sockets = [await enter(bob, group), await enter(bob, group)]
    await remove(group, alice if who == "alice" else bob, bob)
    assert [await socket.closed(CLOSES) for socket in sockets] == [4403, 4403]


async def test_who_deletes_a_group_for_themselves_leaves_it(
    enter: Enter, call: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    socket, other = await enter(bob, group), await enter(alice, group)
    await call(bob, "delete", f"conversations/{group.pk}/delete/")
    assert await socket.closed(CLOSES) == 4403
    assert contents(await durable(other, 1)) == [""]


async def test_who_is_taken_out_in_the_database_is_closed_with_4403(
    enter: Enter, alice: Any, bob: Any, group: Any
) -> None:
    socket, other = await enter(bob, group), await enter(alice, group)
    await group.participants.filter(user=bob).adelete()
    assert await socket.closed(CLOSES) == 4403
    assert await until_pong(other) == []


async def test_who_takes_no_part_any_more_cannot_say_a_last_word(
    enter: Enter, call: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    socket = await enter(bob, group)
    await group.participants.filter(user=bob).adelete()
    error = await answer(socket, {"type": "chat_message", "content": "Hello", "client_id": "1"})
    assert (error["type"], error["client_id"]) == ("error", "1")
    assert error["code"] in ("not_found", "permission_denied")
    assert (await call(alice, "get", f"conversations/{group.pk}/"))["last_seq"] == 1


async def test_nothing_after_their_removal_reaches_who_was_removed(
    enter: Enter, post: Callable[..., Any], call: Callable[..., Any], remove: Callable[..., Any],
    alice: Any, bob: Any, group: Any,
) -> None:  # fmt: skip
    socket = await enter(bob, group)
    old = await post(alice, group, "before")
    await remove(group, alice, bob)
    await post(alice, group, "after")
    await call(alice, "patch", f"messages/{old['id']}/", {"content": "changed"})
    frames, code = await the_rest(socket)
    last = [frame for frame in frames if frame["type"] in DURABLE][-1]
    assert (last["message"]["event"], last["version"]) == ({"action": "participant_removed", "user_id": bob.pk}, 3)
    assert code == 4403


async def test_the_removal_of_somebody_else_closes_nothing(
    enter: Enter, add: Callable[..., Any], remove: Callable[..., Any], alice: Any, bob: Any, carol: Any, group: Any
) -> None:
    await add(group, alice, carol)
    socket = await enter(bob, group)
    await remove(group, alice, carol)
    await durable(socket, 1)
    assert await until_pong(socket) == []


async def test_who_is_removed_from_one_group_keeps_the_sockets_of_another(
    enter: Enter, remove: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    socket, stays = await enter(bob, group), await enter(bob, conversation)
    await remove(group, alice, bob)
    assert await socket.closed(CLOSES) == 4403
    assert await until_pong(stays) == []


async def test_a_group_deleted_for_everyone_closes_every_socket_with_4404(
    enter: Enter, call: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    sockets = [await enter(user, group) for user in (alice, bob)]
    await call(alice, "delete", f"conversations/{group.pk}/delete/?for_everyone=true")
    assert [await socket.closed(CLOSES) for socket in sockets] == [4404, 4404]


async def test_a_conversation_deleted_in_the_database_closes_every_socket_with_4404(
    enter: Enter, alice: Any, bob: Any, conversation: Any
) -> None:
    sockets = [await enter(user, conversation) for user in (alice, bob)]
    await conversation.adelete()
    assert [await socket.closed(CLOSES) for socket in sockets] == [4404, 4404]


async def test_an_account_that_is_deleted_closes_its_sockets(
    enter: Enter, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    from authentication import services

    sockets = [await enter(bob, place) for place in (conversation, group)]
    other = await enter(alice, conversation)
    await sync_to_async(services.delete_account)(user=bob)
    assert {await socket.closed(CLOSES) for socket in sockets} <= {4401, 4403}
    assert await until_pong(other) == []


async def test_a_deleted_private_conversation_closes_nothing(
    enter: Enter, call: Callable[..., Any], post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    socket = await enter(bob, conversation)
    await call(bob, "delete", f"conversations/{conversation.pk}/delete/")
    await post(alice, conversation, "again")
    assert contents(await durable(socket, 1)) == ["again"]


# Whatever the channel layer does --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SilentLayer", "DeadLayer", "FadingLayer"])
@pytest.mark.parametrize("change", [_logout, _deactivate_in_the_database], ids=_name)
async def test_a_session_that_ends_closes_its_sockets_though_nothing_is_carried(
    layer: Callable[..., None], enter: Enter, open_inbox: Enter, visit: Callable[..., Any],
    alice: Any, bob: Any, name: str, change: Any,
) -> None:  # fmt: skip
    from chat import services

    groups = [
        await sync_to_async(services.create_group)(creator=bob, name=str(number), participant_ids=[])
        for number in range(5)
    ]
    layer(name)
    his = await visit(bob)
    sockets = [await enter(None, group, token=his.access) for group in groups]
    sockets.append(await open_inbox(None, token=his.access))
    get_channel_layer().hangs = True
    await change(his)
    codes = await asyncio.gather(*(socket.closed(CLOSES) for socket in sockets))
    assert codes == [4401] * 6


@pytest.mark.parametrize("name", ["SilentLayer", "DeadLayer", "FadingLayer"])
async def test_a_token_that_runs_out_closes_its_sockets_though_nothing_is_carried(
    layer: Callable[..., None], enter: Enter, visit: Callable[..., Any], bob: Any, conversation: Any, name: str
) -> None:
    layer(name)
    socket = await enter(None, conversation, token=(await visit(bob, seconds=1)).access)
    await socket.send({"type": "typing", "is_typing": True})
    get_channel_layer().hangs = True
    assert await socket.closed(CLOSES + 1) == 4401


@pytest.mark.parametrize("name", ["SilentLayer", "DeadLayer", "FadingLayer"])
async def test_a_removal_or_a_deletion_closes_the_sockets_though_nothing_is_carried(
    layer: Callable[..., None], enter: Enter, open_inbox: Enter, remove: Callable[..., Any], call: Callable[..., Any],
    alice: Any, bob: Any, group: Any, name: str,
) -> None:  # fmt: skip
    layer(name)
    removed, other = await enter(bob, group), await enter(alice, group)
    inbox = await open_inbox(bob)
    get_channel_layer().hangs = True
    await remove(group, alice, bob)
    assert await removed.closed(CLOSES) == 4403
    await inbox.receive_until("conversation_removed", timeout=CLOSES)
    await call(alice, "delete", f"conversations/{group.pk}/delete/?for_everyone=true")
    assert await other.closed(CLOSES) == 4404
