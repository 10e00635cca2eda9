"""`resume`: an inbox says what its client holds, and gets the rest before anything new."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.realtime.frames import INBOX, answer, contents, durable, until_pong, versions

Open = Callable[..., Any]


def fill(conversation: Any, count: int, sender: Any) -> None:
    """As if so much had been said before."""
    from django.utils import timezone

    from chat.models import Message

    now, first = timezone.now(), conversation.last_seq + 1
    Message.objects.bulk_create(
        Message(conversation=conversation, sender=sender, seq=n, version=n, content=f"{n}", created_at=now)
        for n in range(first, first + count)
    )
    conversation.last_seq = conversation.version = first + count - 1
    conversation.save(update_fields=["last_seq", "version"])


async def resumed(socket: Any, timeout: float = 10) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The durable frames before `resumed`, and that."""
    frames = []
    while (frame := await socket.receive(timeout=timeout))["type"] != "resumed":
        frames.append(frame)
    return [each for each in frames if each["type"] != "user_status"], frame


async def test_what_was_missed_comes_in_order_then_resumed_then_what_is_new(
    open_inbox: Open, post: Callable[..., Any], call: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    said = [await post(bob, conversation, content) for content in "123"]
    await call(bob, "patch", f"messages/{said[1]['id']}/", {"content": "two"})
    socket = await open_inbox(alice, resume={conversation.pk: 1})
    frames, answer = await resumed(socket)
    assert (contents(frames), versions(frames)) == (["3", "two"], [3, 4])
    assert answer == {"type": "resumed", "recovered": [conversation.pk], "reload": []}
    await post(bob, conversation, "4")
    assert versions(await durable(socket, 1)) == [5]


async def test_of_twenty_conversations_those_too_far_behind_are_to_be_reloaded(
    open_inbox: Open, alice: Any, bob: Any
) -> None:
    from chat import services

    def make() -> list[Any]:
        groups = [services.create_group(creator=bob, name=str(n), participant_ids=[alice.pk]) for n in range(20)]
        for number, each in enumerate(groups):
            each.refresh_from_db()
            fill(each, 1001 if number in (3, 8, 15) else 5 * number, bob)
        return groups

    groups = await sync_to_async(make)()
    socket = await open_inbox(alice, resume={each.pk: 1 for each in groups})
    frames, answer = await resumed(socket)
    far = [groups[number].pk for number in (3, 8, 15)]
    near = [each.pk for each in groups if each.pk not in far]
    assert (answer["recovered"], answer["reload"]) == (near, far)
    for number, each in enumerate(groups):
        got = [frame["version"] for frame in frames if frame["message"]["conversation"] == each.pk]
        assert got == ([] if each.pk in far else [*range(2, 5 * number + 2)])


@pytest.mark.parametrize(("held", "what"), [(0, "recovered"), (3, "recovered"), (4, "reload"), (2**62, "reload")])
async def test_a_version_up_to_the_head_is_recovered_and_one_from_the_future_is_not(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, held: int, what: str
) -> None:
    for content in "123":
        await post(bob, conversation, content)
    frames, answer = await resumed(await open_inbox(alice, resume={conversation.pk: held}))
    assert answer[what] == [conversation.pk]
    assert versions(frames) == ([*range(held + 1, 4)] if what == "recovered" else [])


async def test_a_thousand_changes_are_sent_and_one_more_is_not(
    open_inbox: Open, alice: Any, bob: Any, conversation: Any
) -> None:
    await sync_to_async(fill)(conversation, 1001, bob)
    frames, answer = await resumed(await open_inbox(alice, resume={conversation.pk: 1}))
    assert (len(frames), answer["recovered"]) == (1000, [conversation.pk])
    frames, answer = await resumed(await open_inbox(alice, resume={conversation.pk: 0}))
    assert (len(frames), answer["reload"]) == (0, [conversation.pk])


async def test_what_comes_before_the_client_resumes_waits_for_it(
    connect: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await post(bob, conversation, "1")
    socket = await connect(alice, path=INBOX)
    await socket.receive("connected")
    await post(bob, conversation, "2")
    await socket.nothing(0.3)
    await socket.send({"type": "resume", "versions": {str(conversation.pk): 0}})
    frames, _ = await resumed(socket)
    assert versions(frames + await until_pong(socket, "chat_message")) == [1, 2]


async def test_a_client_that_says_nothing_gets_what_is_new_within_two_seconds(
    connect: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    socket = await connect(alice, path=INBOX)
    await socket.receive("connected")
    await post(bob, conversation)
    assert versions(await durable(socket, 1, timeout=2)) == [1]


async def test_a_version_older_than_what_was_sent_is_to_be_reloaded(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await post(bob, conversation, "1")
    socket = await open_inbox(alice)
    await post(bob, conversation, "2")
    await durable(socket, 1)
    await socket.send({"type": "resume", "versions": {str(conversation.pk): 0}})
    frames, answer = await resumed(socket)
    assert (frames, answer["reload"]) == ([], [conversation.pk])


async def test_a_second_resume_brings_nothing_twice(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await post(bob, conversation)
    socket = await open_inbox(alice, resume={conversation.pk: 0})
    assert versions((await resumed(socket))[0]) == [1]
    await socket.send({"type": "resume", "versions": {str(conversation.pk): 1}})
    frames, answer = await resumed(socket)
    assert (frames, answer["recovered"]) == ([], [conversation.pk])


async def test_what_was_resumed_once_is_not_sent_again(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    await post(bob, conversation)
    socket = await open_inbox(alice, resume={conversation.pk: 0})
    assert versions((await resumed(socket))[0]) == [1]
    await socket.send({"type": "resume", "versions": {str(conversation.pk): 0}})
    frames, answer = await resumed(socket)
    assert (frames, answer["reload"]) == ([], [conversation.pk])


async def test_a_resume_with_a_client_id_is_acknowledged_after_resumed(
    open_inbox: Open, alice: Any, conversation: Any
) -> None:
    socket = await open_inbox(alice)
    await socket.send({"type": "resume", "versions": {}, "client_id": "1"})
    assert (await resumed(socket))[1] == {"type": "resumed", "recovered": [], "reload": []}
    assert await socket.receive_until("ack") == {"type": "ack", "client_id": "1"}


async def test_what_is_older_than_one_s_part_does_not_come(
    open_inbox: Open, post: Callable[..., Any], add: Callable[..., Any], alice: Any, carol: Any, group: Any
) -> None:
    await post(alice, group, "before")
    await add(group, alice, carol)
    await post(alice, group, "after")
    frames, _ = await resumed(await open_inbox(carol, resume={group.pk: 0}))
    assert versions(frames) == [3, 4]


async def test_who_was_removed_and_added_again_meanwhile_keeps_the_conversation(
    open_inbox: Open, post: Callable[..., Any], add: Callable[..., Any], remove: Callable[..., Any],
    alice: Any, bob: Any, group: Any,
) -> None:  # fmt: skip
    await remove(group, alice, bob)
    await post(alice, group, "not for him")
    await add(group, alice, bob)
    socket = await open_inbox(bob, resume={group.pk: 1})
    frames, answer = await resumed(socket)
    assert (answer["recovered"], versions(frames)) == ([group.pk], [4])
    await post(alice, group, "for him")
    assert contents(await durable(socket, 1)) == ["for him"]


async def test_messages_that_are_sent_while_many_resume_come_once_and_in_order(
    open_inbox: Open, enter: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    for number in range(10):
        await post(bob, conversation, str(number))
    his = await enter(bob, conversation)
    going = asyncio.gather(*(open_inbox(alice, resume={conversation.pk: 3}) for _ in range(8)))
    for number in range(10, 25):
        await his.send({"type": "chat_message", "content": str(number)})
    for socket in await going:
        assert versions(await durable(socket, 22)) == [*range(4, 26)]


async def test_inboxes_that_come_back_together_share_their_reads(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, monkeypatch: Any
) -> None:
    from chat import catchup
    from chat.hub import get_hub

    for content in "123":
        await post(bob, conversation, content)
    sockets = [await open_inbox(user) for user in [alice, bob] * 10]
    reads = []

    def read(tickets: Any) -> None:
        reads.append(len(tickets))
        catchup.read_changes(tickets)

    monkeypatch.setattr(get_hub().changes, "_work", read)
    for number, socket in enumerate(sockets):
        await socket.send({"type": "resume", "versions": {str(conversation.pk): number % 3}})
    for number, socket in enumerate(sockets):
        assert versions((await resumed(socket))[0]) == [*range(number % 3 + 1, 4)]
    assert sum(reads) == 20
    assert len(reads) < 10


async def test_while_the_database_is_away_it_is_unavailable_and_goes_well_later(
    open_inbox: Open, post: Callable[..., Any], alice: Any, bob: Any, conversation: Any, monkeypatch: Any
) -> None:
    from django.db import OperationalError

    from chat import catchup
    from chat.hub import get_hub

    def fail(tickets: Any) -> None:
        raise OperationalError

    await post(bob, conversation)
    socket = await open_inbox(alice)
    frame = {"type": "resume", "versions": {str(conversation.pk): 0}, "client_id": "1"}
    monkeypatch.setattr(get_hub().changes, "_work", fail)
    assert (await answer(socket, frame))["code"] == "unavailable"
    monkeypatch.setattr(get_hub().changes, "_work", catchup.read_changes)
    await socket.send(frame)
    assert versions((await resumed(socket))[0]) == [1]
