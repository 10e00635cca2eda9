"""The inbox's door: who is let in, what they are told first, and why it closes."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat_server.environment import Rate
from tests.realtime.frames import HELLO, INBOX
from tests.services.client import Refused

Open = Callable[..., Any]


async def test_connected_names_the_conversations_latest_activity_first(
    connect: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    await post(bob, conversation, "Hello")
    socket = await connect(alice, path=INBOX)
    connected = await socket.receive()
    expires_at = connected.pop("expires_at")
    assert connected == {
        "type": "connected",
        "user_id": alice.pk,
        "total_unread": 1,
        "conversations": [
            {"id": conversation.pk, "version": 1, "last_seq": 1, "unread_count": 1},
            {"id": group.pk, "version": 1, "last_seq": 1, "unread_count": 0},
        ],
    }
    assert expires_at.endswith("Z")


async def test_connected_names_the_200_latest_active_ones_and_counts_what_is_unread_in_all(
    connect: Open, alice: Any, bob: Any
) -> None:
    from chat.models import Conversation, ConversationParticipant

    def make() -> None:
        now = timezone.now()
        made = Conversation.objects.bulk_create(
            Conversation(
                type="group", name=str(n), last_seq=2, version=2, created_at=now, updated_at=now + timedelta(seconds=n)
            )
            for n in range(203)
        )
        ConversationParticipant.objects.bulk_create(
            ConversationParticipant(conversation=each, user=alice, joined_at=now) for each in made
        )

    await sync_to_async(make)()
    connected = await (await connect(alice, path=INBOX)).receive("connected")
    ids = [each["id"] for each in connected["conversations"]]
    assert (len(ids), ids, connected["total_unread"]) == (200, sorted(ids, reverse=True), 406)


async def test_who_has_no_conversation_gets_an_empty_inbox(connect: Open, eve: Any) -> None:
    connected = await (await connect(eve, path=INBOX)).receive("connected")
    assert (connected["conversations"], connected["total_unread"]) == ([], 0)


async def test_a_private_conversation_that_was_deleted_is_not_named(
    connect: Open, call: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    await call(alice, "delete", f"conversations/{conversation.pk}/delete/")
    connected = await (await connect(alice, path=INBOX)).receive("connected")
    assert connected["conversations"] == []


async def test_without_a_token_it_is_told_and_closed(connect: Open) -> None:
    socket = await connect(None, path=INBOX)
    assert (await socket.receive("error"))["code"] == "not_authenticated"
    assert await socket.closed() == 4401


async def test_an_origin_that_is_not_ours_is_refused(connect: Open, alice: Any) -> None:
    with pytest.raises(Refused):
        await connect(alice, path=INBOX, origin="https://evil.example")


async def test_one_socket_too_many_of_a_user_is_refused(connect: Open, settings: Any, alice: Any) -> None:
    settings.MAX_SOCKETS_PER_USER = 1
    await (await connect(alice, path=INBOX)).receive("connected")
    socket = await connect(alice, path=INBOX)
    assert (await socket.receive("error"))["code"] == "too_many_sockets"
    assert await socket.closed() == 4409


async def test_a_frame_that_is_too_big_closes_it(mine: Any) -> None:
    await mine.send({"type": "ping", "client_id": "1", "pad": "x" * 65_536})
    assert (await mine.receive_until("error"))["code"] == "too_big"
    assert await mine.closed() == 4413


async def test_a_flood_closes_it(open_inbox: Open, settings: Any, alice: Any, conversation: Any) -> None:
    settings.THROTTLE_FRAMES = Rate(10, 60)
    socket = await open_inbox(alice)
    for _ in range(60):
        await socket.send({"type": "ping"})
    assert await socket.closed(5) == 4429


async def test_a_server_that_stops_tells_it_to_come_back_and_finishes_what_it_was_told(
    mine: Any, slow_sends: None, conversation: Any
) -> None:
    await mine.send({**HELLO, "conversation_id": conversation.pk})
    await asyncio.sleep(0.1)
    await mine.communicator.send_input({"type": "websocket.shutdown"})
    assert (await mine.receive_until("ack"))["client_id"] == HELLO["client_id"]
    assert await mine.closed() == 4503


async def test_while_the_database_is_away_it_is_told_to_come_back(
    connect: Open, alice: Any, conversation: Any, monkeypatch: Any
) -> None:
    from django.db import OperationalError

    from chat.hub import get_hub

    def fail(tickets: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(get_hub().places, "_work", fail)
    socket = await connect(alice, path=INBOX)
    assert (await socket.receive("error"))["code"] == "unavailable"
    assert await socket.closed() == 4503
    assert (get_hub().inboxes, get_hub().rooms) == ({}, {})


async def test_a_session_that_ends_closes_it(
    open_inbox: Open, visit: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    hers = await visit(alice)
    socket = await open_inbox(None, token=hers.access)
    await hers.call("post", "/api/auth/logout/")
    assert await socket.closed() == 4401


async def test_a_token_that_runs_out_closes_it(open_inbox: Open, visit: Callable[..., Any], eve: Any) -> None:
    socket = await open_inbox(None, token=(await visit(eve, seconds=2)).access)
    assert await socket.closed(4) == 4401


async def test_whose_inbox_is_open_is_online(mine: Any, connect: Open, alice: Any, bob: Any, conversation: Any) -> None:
    connected = await (await connect(bob, conversation)).receive("connected")
    assert connected["online"] == sorted([alice.pk, bob.pk])
