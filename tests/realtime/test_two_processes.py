"""Two server processes on one PostgreSQL and one Redis are one server."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import websockets

from tests.services.server import RealClient, RealSocket, ServerProcess, running

CROSSES = 3  # seconds: by the layer at once, by repair a little later


@pytest.fixture(scope="module")
def pair(shared_parts: dict[str, str]) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """Two servers for all tests here; each test has people of its own."""
    with running(ServerProcess(**shared_parts)) as one, running(ServerProcess(**shared_parts)) as other:
        yield one, other


@dataclass
class Two:
    """Alice on one process, Bob on the other; their private conversation and their group, whose admin is Alice."""

    alice: RealClient
    bob: RealClient
    private: int
    group: int

    async def enter(self, conversation: int) -> tuple[RealSocket, RealSocket]:
        """Both in the conversation; whoever comes has been seen by the other."""
        here, there = await self.alice.connect(conversation), await self.bob.connect(conversation)
        for socket in (here, there):
            await socket.receive("connected")
        return here, there


@pytest.fixture
async def two(pair: tuple[ServerProcess, ServerProcess], person: Callable[..., Any]) -> Two:
    mark = uuid.uuid4().hex[:12]
    alice, bob = await person(pair[0], f"alice-{mark}"), await person(pair[1], f"bob-{mark}")
    return Two(alice, bob, await alice.create_private(bob), await alice.create_group("The group", bob))


@pytest.fixture
async def elsewhere(two: Two, pair: tuple[ServerProcess, ServerProcess]) -> AsyncIterator[RealClient]:
    """Alice's session on Bob's process."""
    client = two.alice.on(pair[1])
    yield client
    await client.close()


async def test_a_message_sent_on_a_socket_arrives_on_the_other_process(two: Two) -> None:
    here, there = await two.enter(two.private)
    await here.send({"type": "chat_message", "content": "Hello", "client_id": "1"})
    ack = await here.receive_until("ack")
    frame = await there.receive_until("chat_message")
    assert (frame["message"]["id"], frame["message"]["content"]) == (ack["message_id"], "Hello")


async def test_a_message_sent_over_rest_arrives_on_the_other_process(two: Two) -> None:
    _, there = await two.enter(two.private)
    message = await two.alice.post(two.private, "Hello")
    assert (await there.receive_until("chat_message"))["message"] == message


async def test_edits_and_deletions_arrive_on_the_other_process(two: Two) -> None:
    _, there = await two.enter(two.private)
    message = await two.alice.post(two.private, "Hello")
    path = f"/api/chat/messages/{message['id']}/"
    edited = await two.alice.call("PATCH", path, {"content": "Changed"}, expect=200)
    assert (await there.receive_until("message_updated"))["message"] == edited
    await two.alice.call("DELETE", f"{path}delete/", expect=204)
    assert (await there.receive_until("message_deleted"))["message"] == await two.bob.call("GET", path)


async def test_messages_that_enter_through_both_processes_have_one_order(two: Two) -> None:
    sockets = await two.enter(two.private)

    async def send(socket: RealSocket) -> None:
        for number in range(25):
            await socket.send({"type": "chat_message", "content": str(number)})

    async def stream(socket: RealSocket) -> list[dict[str, Any]]:
        return [await socket.receive_until("chat_message", timeout=15) for _ in range(50)]

    *_, first, second = await asyncio.gather(*map(send, sockets), *map(stream, sockets))
    assert [frame["version"] for frame in first] == list(range(1, 51))
    assert first == second


async def test_a_repeat_on_the_other_process_is_the_first_message(two: Two, elsewhere: RealClient) -> None:
    frame = {"type": "chat_message", "content": "Hello", "client_id": "1"}
    here, there = await two.alice.connect(two.private), await elsewhere.connect(two.private)
    await asyncio.gather(here.send(frame), there.send(frame))
    acks = [await here.receive_until("ack"), await there.receive_until("ack")]
    assert sorted(ack["duplicate"] for ack in acks) == [False, True]
    assert acks[0]["message_id"] == acks[1]["message_id"]


async def test_typing_is_shown_on_the_other_process_and_ends_with_the_socket(two: Two) -> None:
    here, there = await two.enter(two.private)
    await here.send({"type": "typing", "is_typing": True})
    assert (await there.receive_until("typing", timeout=CROSSES))["is_typing"] is True
    await here.close()
    assert (await there.receive_until("typing", timeout=CROSSES))["is_typing"] is False


async def test_typing_ends_on_the_other_process_with_the_message(two: Two) -> None:
    here, there = await two.enter(two.private)
    await here.send({"type": "typing", "is_typing": True})
    assert (await there.receive_until("typing", timeout=CROSSES))["is_typing"] is True
    await two.alice.post(two.private, "Hello")
    assert (await there.receive_until("typing", timeout=CROSSES))["is_typing"] is False


async def test_a_receipt_arrives_on_the_other_process(two: Two) -> None:
    here, there = await two.enter(two.private)
    message = await two.alice.post(two.private, "Hello")
    await there.send({"type": "read_receipt", "message_id": message["id"]})
    receipt = await here.receive_until("read_receipt", timeout=CROSSES)
    assert (receipt["user_id"], receipt["message_id"], receipt["last_read_seq"]) == (two.bob.id, message["id"], 1)


async def test_who_comes_and_goes_is_shown_on_the_other_process(two: Two) -> None:
    here = await two.alice.connect(two.private)
    await here.receive("connected")
    there = await two.bob.connect(two.group)
    status = await here.receive_until("user_status", timeout=CROSSES)
    assert (status["user_id"], status["status"], status["conversation_id"]) == (two.bob.id, "online", two.private)
    assert two.alice.id in (await there.receive("connected"))["online"]
    await there.close()
    assert (await here.receive_until("user_status", timeout=10))["status"] == "offline"


async def test_a_socket_in_each_process_is_one_presence(two: Two, elsewhere: RealClient) -> None:
    there = await two.bob.connect(two.private)
    await there.receive("connected")
    here, also_here = await two.alice.connect(two.private), await elsewhere.connect(two.private)
    assert (await there.receive_until("user_status", timeout=CROSSES))["status"] == "online"
    await also_here.receive("connected")
    await here.close()
    await there.nothing(4.5)
    assert (await two.bob.call("GET", f"/api/auth/users/{two.alice.id}/"))["is_online"] is True


async def test_a_removal_closes_the_socket_on_the_other_process(two: Two) -> None:
    _, there = await two.enter(two.group)
    path = f"/api/chat/conversations/{two.group}/participants/{two.bob.id}/"
    await two.alice.call("DELETE", path, expect=204)
    await two.alice.post(two.group, "after")
    last = await there.receive_until("chat_message", timeout=CROSSES)
    assert last["message"]["event"] == {"action": "participant_removed", "user_id": two.bob.id}
    assert await there.close_code(timeout=2) == 4403


async def test_of_hundreds_of_sends_that_meet_a_removal_those_before_it_are_stored_and_no_other(two: Two) -> None:
    here, there = await two.enter(two.group)
    acknowledged: list[int] = []

    async def post(lane: int) -> None:
        for number in range(10):
            body = {"conversation": two.group, "content": f"by REST {lane} {number}"}
            said = await two.bob.call("POST", "/api/chat/messages/create/", body)
            if "id" not in said:
                return
            acknowledged.append(said["id"])

    async def say() -> None:
        for number in range(240):
            await asyncio.sleep(1 / 200)
            try:
                await there.send({"type": "chat_message", "content": f"by socket {number}", "client_id": str(number)})
            except websockets.ConnectionClosed:
                return

    async def remove() -> None:
        for _ in range(20):
            await here.receive_until("chat_message", timeout=15)
        await two.alice.call("DELETE", f"/api/chat/conversations/{two.group}/participants/{two.bob.id}/", expect=204)

    *_, frames = await asyncio.gather(*map(post, range(5)), say(), remove(), there.rest(timeout=20))
    assert there.connection.close_code == 4403
    history = f"/api/chat/conversations/{two.group}/messages/?limit=100&after="
    pages = [await two.alice.call("GET", f"{history}{after}", expect=200) for after in (1, 101, 201)]
    stored = [message for page in pages for message in page["results"]]
    assert stored[-1]["event"] == {"action": "participant_removed", "user_id": two.bob.id}
    durable = [frame for frame in frames if frame["type"] == "chat_message"]
    # The close may go before the last of them, never before one that comes later.
    expected = [{"type": "chat_message", "message": each, "version": each["version"]} for each in stored]
    assert durable == expected[: len(durable)]
    acknowledged += [frame["message_id"] for frame in frames if frame["type"] == "ack"]
    assert 0 < len(acknowledged) <= len(stored) - 1 < 290
    assert set(acknowledged) <= {message["id"] for message in stored}
    # Of the frames that were under way together each is refused by itself, before the close.
    assert {frame["code"] for frame in frames if frame["type"] == "error"} <= {"not_found"}


async def test_a_deletion_for_everyone_closes_the_socket_on_the_other_process(two: Two) -> None:
    _, there = await two.enter(two.group)
    await two.alice.call("DELETE", f"/api/chat/conversations/{two.group}/delete/?for_everyone=true", expect=204)
    assert await there.close_code(timeout=2) == 4404


async def test_a_logout_closes_the_socket_on_the_other_process(two: Two, elsewhere: RealClient) -> None:
    socket = await elsewhere.connect(two.private)
    await socket.receive("connected")
    await two.alice.call("POST", "/api/auth/logout/", expect=204)
    assert await socket.close_code(timeout=2) == 4401


async def test_a_token_of_one_process_opens_a_socket_on_the_other(two: Two, elsewhere: RealClient) -> None:
    connected = await (await elsewhere.connect(two.private)).receive("connected")
    assert connected["user_id"] == two.alice.id


async def test_what_one_process_acknowledged_the_other_one_resumes(two: Two) -> None:
    for number in range(3):
        await two.alice.post(two.private, str(number))
    there = await two.bob.connect(two.private, since=1)
    assert (await there.receive("connected"))["recovered"] is True
    assert [(await there.receive_until("chat_message"))["version"] for _ in range(2)] == [2, 3]


async def inbox(client: RealClient) -> RealSocket:
    """An inbox that has resumed."""
    socket = await client.open_inbox()
    await socket.receive("connected")
    await socket.send({"type": "resume", "versions": {}})
    await socket.receive_until("resumed")
    return socket


async def test_an_inbox_gets_what_enters_through_the_other_process(two: Two) -> None:
    there = await inbox(two.bob)
    said = [await two.alice.post(place, "Hello") for place in (two.private, two.group)]
    got = [(await there.receive_until("chat_message", timeout=CROSSES))["message"] for _ in said]
    assert got == said


async def test_an_inbox_is_shown_conversations_that_come_change_and_go_on_the_other_process(two: Two) -> None:
    there = await inbox(two.bob)
    group = await two.alice.create_group("New", two.bob)
    added = await there.receive_until("conversation_added", timeout=CROSSES)
    assert (added["conversation"]["id"], added["conversation"]["name"]) == (group, "New")
    path = f"/api/chat/conversations/{group}/"
    await two.alice.call("PATCH", path, {"name": "Newer"}, expect=200)
    updated = await there.receive_until("conversation_updated", timeout=CROSSES)
    assert updated["conversation"]["name"] == "Newer"
    await two.alice.call("DELETE", f"{path}participants/{two.bob.id}/", expect=204)
    assert (await there.receive_until("conversation_removed", timeout=2))["conversation_id"] == group
    await two.alice.call("DELETE", f"/api/chat/conversations/{two.group}/delete/?for_everyone=true", expect=204)
    assert (await there.receive_until("conversation_removed", timeout=2))["conversation_id"] == two.group


async def test_what_is_read_on_one_process_is_read_in_an_inbox_of_the_other(two: Two, elsewhere: RealClient) -> None:
    there = await inbox(elsewhere)
    message = await two.bob.post(two.private, "Hello")
    await there.receive_until("chat_message", timeout=CROSSES)
    here = await inbox(two.alice)
    await here.send({"type": "read_receipt", "conversation_id": two.private, "message_id": message["id"]})
    unread = await there.receive_until("unread", timeout=CROSSES)
    assert (unread["conversation_id"], unread["unread_count"], unread["total_unread"]) == (two.private, 0, 0)


@pytest.fixture
def doomed(pair: tuple[ServerProcess, ServerProcess]) -> Iterator[ServerProcess]:
    """Bob's process, to be killed; the next test finds it running."""
    yield pair[1]
    pair[1].start()


async def test_who_was_on_a_killed_process_is_shown_offline(two: Two, doomed: ServerProcess) -> None:
    here, _ = await two.enter(two.private)
    message = await two.bob.post(two.private, "said before the end")
    doomed.kill()
    with psycopg.connect(doomed.settings["DATABASE_URL"], autocommit=True) as database:
        # As if the lease's time had passed.
        database.execute(
            "UPDATE chat_presencelease SET expires_at = now() - interval '1 second' WHERE user_id = %s", [two.bob.id]
        )
    status = await here.receive_until("user_status", timeout=20)
    while status["status"] != "offline":
        status = await here.receive_until("user_status", timeout=20)
    assert status["user_id"] == two.bob.id
    shown = await two.alice.call("GET", f"/api/auth/users/{two.bob.id}/")
    assert (shown["is_online"], shown["last_seen"]) == (False, status["last_seen"])
    assert await two.alice.call("GET", f"/api/chat/messages/{message['id']}/") == message
