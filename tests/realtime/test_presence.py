"""Who is online."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.realtime.frames import eventually, until_pong

Enter = Callable[..., Any]
GONE = 10  # seconds after which a closed last socket shows, at most
UNSEEN = 4.5  # more than the grace that a page has to load again


@pytest.fixture
def seen(rest: Callable[..., Any], alice: Any) -> Callable[..., Any]:
    """`await seen(user)`: (is_online, last_seen) as REST shows Alice."""

    async def seen(user: Any) -> tuple[bool, str | None]:
        shown = (await rest(alice, "get", f"/api/auth/users/{user.pk}/")).json()
        return shown["is_online"], shown["last_seen"]

    return seen


@pytest.fixture
async def watcher(enter: Enter, alice: Any, conversation: Any) -> Any:
    """Alice's socket."""
    return await enter(alice, conversation)


@pytest.fixture
async def socket(watcher: Any, enter: Enter, bob: Any, conversation: Any) -> Any:
    """Bob's; Alice has seen him come."""
    socket = await enter(bob, conversation)
    assert (await watcher.receive_until("user_status"))["status"] == "online"
    return socket


def _lease(user: Any, seconds: float) -> None:
    """Another process holds a lease for the user, for so long from now on."""
    from authentication.models import User
    from chat.models import PresenceLease

    PresenceLease.objects.create(process="another", user=user, expires_at=timezone.now() + timedelta(seconds=seconds))
    User.objects.filter(pk=user.pk).update(is_online=True)


async def test_who_comes_is_shown_to_the_others(
    watcher: Any, enter: Enter, seen: Any, bob: Any, conversation: Any
) -> None:
    await enter(bob, conversation)
    assert await watcher.receive_until("user_status") == {
        "type": "user_status",
        "conversation_id": conversation.pk,
        "user_id": bob.pk,
        "username": "bob",
        "status": "online",
        "last_seen": None,
    }
    assert await seen(bob) == (True, None)


async def test_who_comes_is_shown_in_every_conversation_that_is_shared(
    watcher: Any, enter: Enter, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    also_watcher = await enter(alice, group)
    await enter(bob, conversation)
    statuses = [await each.receive_until("user_status") for each in (watcher, also_watcher)]
    assert [each["conversation_id"] for each in statuses] == [conversation.pk, group.pk]
    assert statuses[1] == {**statuses[0], "conversation_id": group.pk}


async def test_one_s_own_coming_is_never_shown(socket: Any, enter: Enter, bob: Any, group: Any) -> None:
    elsewhere = await enter(bob, group)
    for each in (socket, elsewhere):
        await each.nothing()


async def test_who_comes_is_not_shown_to_strangers(
    enter: Enter, watcher: Any, add: Callable[..., Any], remove: Callable[..., Any],
    alice: Any, bob: Any, carol: Any, conversation: Any, group: Any,
) -> None:  # fmt: skip
    await add(group, alice, carol)
    await remove(group, alice, bob)
    stranger = await enter(carol, group)
    await enter(bob, conversation)
    while (await watcher.receive_until("user_status"))["user_id"] != bob.pk:
        pass
    assert [each for each in await until_pong(stranger, "user_status") if each["user_id"] == bob.pk] == []


async def test_the_last_socket_that_closes_is_shown_with_the_time(
    watcher: Any, socket: Any, seen: Any, bob: Any, conversation: Any
) -> None:
    await socket.close()
    status = await watcher.receive_until("user_status", timeout=GONE)
    is_online, last_seen = await seen(bob)
    assert (is_online, last_seen is not None) == (False, True)
    assert status == {
        "type": "user_status",
        "conversation_id": conversation.pk,
        "user_id": bob.pk,
        "username": "bob",
        "status": "offline",
        "last_seen": last_seen,
    }


async def test_a_second_socket_a_page_loaded_again_and_a_socket_elsewhere_are_not_shown(
    enter: Enter, add: Callable[..., Any], make_user: Callable[..., Any], seen: Any, alice: Any, bob: Any, group: Any
) -> None:
    carol, dave = [await sync_to_async(make_user)(name) for name in ("carol", "dave")]
    sockets = {}
    for user in (bob, carol, dave):
        if user != bob:
            await add(group, alice, user)
        sockets[user.pk] = await enter(user, group)
    watcher = await enter(alice, group)
    await until_pong(watcher)
    second = await enter(bob, group)
    await second.close()
    await sockets[carol.pk].close()
    await enter(carol, group)
    await sync_to_async(_lease)(dave, seconds=60)
    await sockets[dave.pk].close()
    await watcher.nothing(UNSEEN)
    assert [(await seen(user))[0] for user in (bob, carol, dave)] == [True, True, True]


async def test_who_was_online_in_a_process_that_died_is_offline_soon(
    enter: Enter, seen: Any, alice: Any, bob: Any, conversation: Any
) -> None:
    await sync_to_async(_lease)(bob, seconds=-1)
    await enter(alice, conversation)

    async def offline() -> bool:
        return not (await seen(bob))[0]

    await eventually(offline, timeout=12)


async def test_who_was_in_a_process_that_died_and_is_here_too_is_not_seen_to_go(
    watcher: Any, socket: Any, seen: Any, bob: Any
) -> None:
    from chat.models import PresenceLease

    await sync_to_async(_lease)(bob, seconds=-1)

    async def ended() -> bool:
        return not await PresenceLease.objects.filter(process="another").aexists()

    await eventually(ended, timeout=12)  # within one tick
    assert await until_pong(watcher, "user_status") == []
    assert (await seen(bob))[0] is True
    assert await PresenceLease.objects.filter(user=bob).acount() == 1


async def test_many_sockets_that_come_and_go_leave_the_truth(
    enter: Enter, seen: Any, watcher: Any, bob: Any, conversation: Any
) -> None:
    async def come_and_go() -> None:
        for _ in range(4):
            await (await enter(bob, conversation)).close()

    await asyncio.gather(*(come_and_go() for _ in range(4)))
    assert (await seen(bob))[0] is True

    async def offline() -> bool:
        return not (await seen(bob))[0]

    await eventually(offline, timeout=GONE)
    statuses = [each["status"] for each in await until_pong(watcher, "user_status")]
    assert statuses == ["online", "offline"]


async def test_each_time_that_somebody_goes_has_its_whole_grace(
    watcher: Any, enter: Enter, bob: Any, conversation: Any, monkeypatch: Any
) -> None:
    from chat import presence

    monkeypatch.setattr(presence, "GRACE_SECONDS", 1.0)
    socket = await enter(bob, conversation)
    await watcher.receive_until("user_status")
    await socket.close()
    socket = await enter(bob, conversation)
    await asyncio.sleep(0.8)
    await socket.close()
    await asyncio.sleep(0.5)  # past the first grace and not the second
    await enter(bob, conversation)
    assert await until_pong(watcher, "user_status") == []
