"""Events that are handed out together, by one write: everybody gets, in order, what they would get one by one."""

import asyncio
import json
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from chat import broadcast, watch
from chat.catchup import Head, Part
from chat.inbox import Inbox, InboxSubscriber
from chat.room import Connection, Room, Run, Subscriber

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4


def spawn(work: Any) -> None:
    raise AssertionError("nothing here is done beside")


def event(version: int, *, sender: int = BOB, **fields: Any) -> dict[str, Any]:
    """A new message, its frame no more than its version."""
    made = {"version": version, "seq": version, "frame": f"v{version}", "sender_id": sender, "is_new": True}
    return {**made, "gone": None, **fields}


class Client:
    """A socket of a user, and what it was sent; `writes` are the frames of each write, where it takes any."""

    def __init__(self, user_id: int, *, takes_writes: bool = True) -> None:
        self.frames: list[str] = []
        self.writes: list[list[str]] = []
        self.takes_writes = takes_writes
        self.close_code: int | None = None
        self.subscriber: Subscriber | None = None
        self.connection = Connection(
            user_id, f"user {user_id}", "s", timezone.now(), self.send, self.write, self.close, self.take_in
        )

    async def send(self, frame: str) -> None:
        await asyncio.sleep(0)
        self.frames.append(frame)

    def write(self, octets: bytes) -> bool:
        if not self.takes_writes:
            return False
        written = []
        while octets:
            assert octets[0] == 0x81
            assert octets[1] < 126
            written.append(octets[2 : 2 + octets[1]].decode())
            octets = octets[2 + octets[1] :]
        self.writes.append(written)
        self.frames += written
        return True

    async def close(self, code: int) -> None:
        """As the consumer: the hub forgets it, and whatever else is sent goes nowhere."""
        self.close_code = code
        if self.subscriber is not None:
            self.subscriber.forget()

    async def take_in(self) -> None:
        await asyncio.sleep(0)

    @property
    def versions(self) -> list[int]:
        return [int(frame[1:]) for frame in self.frames if frame.startswith("v")]

    @property
    def unread(self) -> list[int]:
        """What it was told of its unread messages."""
        return [json.loads(frame)["unread_count"] for frame in self.frames if not frame.startswith("v")]


@pytest.fixture
def room() -> Room:
    """One that is at version 0."""
    room = Room(7, spawn)
    room.version = 0
    return room


def enter(room: Room, client: Client, *, version: int = 0, begin: int = 0, is_live: bool = True) -> Subscriber:
    """A socket of this conversation."""
    subscriber = client.subscriber = Subscriber(room, client.connection)
    subscriber.participant_id, subscriber.version = client.connection.user_id, version
    subscriber.begin_after(begin)
    if is_live:
        subscriber.waiting = None
    return subscriber


def enter_inbox(room: Room, client: Client, *, version: int = 0, begin: int = 0, read: int = 0) -> InboxSubscriber:
    """An inbox, live, that has this conversation."""
    inbox = Inbox(client.connection, drop=lambda subscriber: subscriber.forget())
    inbox.early, inbox.is_live = None, True
    subscriber = InboxSubscriber(room, inbox)
    subscriber.place(Head(version, version, 0), Part(client.connection.user_id, begin, read, False))
    subscriber.waiting = None
    return subscriber


# One fact each ----------------------------------------------------------------------------------


async def test_a_run_is_one_write_for_each_who_may_see_all_of_it(room: Room) -> None:
    clients = [Client(ALICE), Client(BOB), Client(CAROL)]
    enter(room, clients[0])
    enter(room, clients[1])
    enter_inbox(room, clients[2])
    await room.hand_out([event(version) for version in range(1, 6)])
    assert [client.writes for client in clients] == [[["v1", "v2", "v3", "v4", "v5"]]] * 3
    assert {subscriber.version for subscriber in room.subscribers} == {5}


async def test_a_long_run_is_written_in_parts_and_others_have_their_turn_between(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(ALICE)
    enter(room, client)
    monkeypatch.setattr("chat.room.TOGETHER", 10)
    written_at: list[int] = []
    events = [event(version) for version in range(1, 13)]
    handing_out = asyncio.create_task(room.hand_out([*events, event(13, frame="v" + "0" * 20 + "13"), event(14)]))
    while not handing_out.done():
        await asyncio.sleep(0)
        written_at.append(len(client.writes))
    # Of no more than 10 characters, or of one frame that has more.
    assert [len(each) for each in client.writes] == [5, 4, 3, 1, 1]
    assert {1, 2, 3, 4, 5} <= set(written_at)
    assert client.versions == list(range(1, 15))


async def test_where_nothing_can_be_written_at_once_each_is_sent(room: Room) -> None:
    client = Client(ALICE, takes_writes=False)
    subscriber = enter(room, client)
    await room.hand_out([event(version) for version in range(1, 4)])
    assert (client.versions, client.writes, subscriber.version) == ([1, 2, 3], [], 3)


async def test_what_somebody_may_not_see_is_left_out_for_them_alone(room: Room) -> None:
    old, new = Client(ALICE), Client(CAROL)
    enter(room, old)
    newcomer = enter(room, new, begin=2)
    await room.hand_out([event(1), event(2), event(3), event(4, seq=2, is_new=False), event(5, seq=4)])
    assert old.versions == [1, 2, 3, 4, 5]
    assert new.versions == [3, 5]
    assert newcomer.version == 5


async def test_what_takes_somebody_out_is_the_last_that_they_get(room: Room) -> None:
    gone, stays = Client(CAROL), Client(ALICE)
    subscriber = enter(room, gone)
    enter(room, stays)
    await room.hand_out([event(1), event(2, gone=CAROL), event(3), event(4)])
    assert (gone.versions, gone.close_code) == ([1, 2], 4403)
    assert (stays.versions, stays.close_code) == ([1, 2, 3, 4], None)
    assert subscriber not in room.subscribers


async def test_an_inbox_loses_the_conversation_with_what_takes_its_user_out(room: Room) -> None:
    gone = Client(CAROL)
    subscriber = enter_inbox(room, gone)
    await room.hand_out([event(1), event(2, gone=CAROL), event(3)])
    *before, removed = gone.frames
    assert before == ["v1", "v2"]
    assert json.loads(removed) == {"type": "conversation_removed", "conversation_id": 7}
    assert gone.close_code is None
    assert subscriber not in room.subscribers


async def test_what_somebody_has_already_is_not_handed_out_twice(room: Room) -> None:
    ahead, behind = Client(ALICE), Client(BOB)
    enter(room, ahead, version=2)
    enter(room, behind)
    await room.hand_out([event(version) for version in range(1, 5)])
    assert (ahead.versions, behind.versions) == ([3, 4], [1, 2, 3, 4])


async def test_what_comes_again_is_handed_out_once(room: Room) -> None:
    client = Client(ALICE)
    enter(room, client)
    await room.hand_out([event(1), event(2)])
    await room.hand_out([event(1), event(2), event(3)])
    await room.hand_out([event(2)])
    assert client.writes == [["v1", "v2"], ["v3"]]


async def test_for_who_is_being_let_in_a_run_waits(room: Room) -> None:
    client = Client(ALICE)
    subscriber = enter(room, client, is_live=False)
    await room.hand_out([event(1), event(2)])
    assert (client.frames, client.connection.waiting) == ([], 2)
    await subscriber.go_live()
    await room.hand_out([event(3)])
    assert (client.versions, client.connection.waiting) == ([1, 2, 3], 0)


async def test_who_has_left_the_room_gets_nothing_of_a_run(room: Room) -> None:
    client, other = Client(ALICE), Client(BOB, takes_writes=False)
    subscriber = enter(room, client)
    enter(room, other)
    room.subscribers.discard(subscriber)
    assert not subscriber.take_at_once(Run([event(1)]))
    assert client.frames == []


async def test_whom_the_run_s_writing_ends_is_not_in_the_way_of_the_others(room: Room) -> None:
    class Leaving(Client):
        def write(self, octets: bytes) -> bool:
            assert self.subscriber is not None
            self.subscriber.forget()
            return super().write(octets)

    clients = [Leaving(ALICE), Leaving(BOB), Client(CAROL)]
    for client in clients:
        enter(room, client)
    await room.hand_out([event(1), event(2)])
    await room.hand_out([event(3)])
    assert [client.versions for client in clients] == [[1, 2], [1, 2], [1, 2, 3]]


async def test_whoever_typed_no_longer_does_before_what_they_said_is_shown(room: Room) -> None:
    client = Client(ALICE)
    enter(room, client)
    await room.typists.begin(BOB, "bob")
    await room.hand_out([event(1), event(2)])
    begins, ends, *said = client.frames
    assert [json.loads(frame)["is_typing"] for frame in (begins, ends)] == [True, False]
    assert said == ["v1", "v2"]


# Inboxes count ----------------------------------------------------------------------------------


async def test_an_inbox_counts_every_message_of_a_run(room: Room) -> None:
    client = Client(ALICE)
    subscriber = enter_inbox(room, client)
    await room.hand_out([event(1), event(2), event(3)])
    assert (subscriber.unread_count, subscriber.inbox.total_unread) == (3, 3)
    assert client.unread == []  # it counts itself: it was sent them


async def test_an_edit_in_a_run_counts_for_nothing(room: Room) -> None:
    subscriber = enter_inbox(room, Client(ALICE))
    await room.hand_out([event(1), event(2), event(3, seq=1, is_new=False)])
    assert subscriber.unread_count == 2
    await room.hand_out([event(4, seq=2, is_new=False), event(5, seq=1, is_new=False)])
    assert subscriber.unread_count == 2


async def test_an_inbox_whose_user_speaks_amid_a_run_has_read_what_was_said_before(room: Room) -> None:
    client = Client(ALICE)
    subscriber = enter_inbox(room, client)
    await room.hand_out([event(1), event(2, sender=ALICE), event(3), event(4)])
    assert client.versions == [1, 2, 3, 4]
    assert client.unread == [0]
    assert (subscriber.last_read_seq, subscriber.unread_count) == (2, 2)


async def test_a_run_that_is_only_the_user_s_own_leaves_nothing_unread(room: Room) -> None:
    client = Client(ALICE)
    subscriber = enter_inbox(room, client)
    await room.hand_out([event(version, sender=ALICE) for version in (1, 2, 3)])
    assert (client.versions, client.unread, subscriber.unread_count) == ([1, 2, 3], [], 0)


async def test_what_is_read_after_a_run_is_counted_from_its_end(room: Room) -> None:
    client = Client(ALICE)
    subscriber = enter_inbox(room, client)
    await room.hand_out([event(version) for version in range(1, 6)])
    await subscriber.read_up_to(3)
    assert client.unread == [2]
    await room.hand_out([event(6)])
    assert subscriber.unread_count == 3


# All of it, at random ---------------------------------------------------------------------------


def story(seed: int) -> tuple[list[list[dict[str, Any]]], list[tuple[bool, int, dict[str, Any]]]]:
    """Runs of events, some of them twice, and sockets: whether an inbox, whose, and where it begins."""
    chance = random.Random(seed)
    events: list[dict[str, Any]] = []
    seq = 0
    for version in range(1, chance.randint(5, 60)):
        sender = chance.randint(ALICE, DAVE)
        if seq and chance.random() < 0.3:
            events.append(event(version, sender=sender, seq=chance.randint(1, seq), is_new=False))
        else:
            seq += 1
            gone = chance.choice([CAROL, DAVE]) if chance.random() < 0.04 else None
            events.append(event(version, sender=sender, seq=seq, gone=gone))
    runs, end = [], 0
    while end < len(events):
        first = max(0, end - chance.choice([0, 0, 0, 1, 3]))
        end = min(len(events), end + chance.choice([1, 1, 2, 5, 20]))
        runs.append(events[first:end])
    sockets = []
    for _ in range(12):
        begins: dict[str, Any] = {"version": chance.choice([0, 0, 2, 7]), "begin": chance.choice([0, 0, 1, 4])}
        sockets.append((chance.random() < 0.5, chance.randint(ALICE, DAVE), begins))
    return runs, sockets


async def told(seed: int, takes_writes: Callable[[], bool]) -> list[Any]:
    """What everybody got, and where they are."""
    runs, sockets = story(seed)
    room = Room(7, spawn)
    room.version = 0
    everyone: list[tuple[Client, Subscriber]] = []
    for is_inbox, user_id, begins in sockets:
        client = Client(user_id, takes_writes=takes_writes())
        everyone.append((client, (enter_inbox if is_inbox else enter)(room, client, **begins)))
    for run in runs:
        await room.hand_out(run)
    return [
        (client.frames, client.close_code, each.version, each in room.subscribers, getattr(each, "unread_count", None))
        for client, each in everyone
    ]


@pytest.mark.parametrize("seed", range(40))
async def test_by_one_write_everybody_gets_what_they_get_one_by_one(seed: int) -> None:
    one_by_one = await told(seed, lambda: False)
    assert await told(seed, lambda: True) == one_by_one
    chance = random.Random(seed)
    assert await told(seed, lambda: chance.random() < 0.5) == one_by_one


# Repair -----------------------------------------------------------------------------------------


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A room at version 3; `repairs` are the versions at which it was repaired. Publishing goes well."""
    monkeypatch.setattr(broadcast.published, "failing", False)
    room = SimpleNamespace(version=3, repairs=[])
    room.repair = lambda: room.repairs.append(room.version)
    return room


async def test_what_is_missing_is_read_once_it_had_its_time_to_arrive(
    behind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ON_ITS_WAY_SECONDS", 0.05)
    repair = asyncio.create_task(watch._repair([(behind, 5)]))
    await asyncio.sleep(0)
    assert behind.repairs == []
    await repair
    assert behind.repairs == [3]


async def test_what_arrives_meanwhile_is_not_read(behind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ON_ITS_WAY_SECONDS", 0.05)
    repair = asyncio.create_task(watch._repair([(behind, 5)]))
    await asyncio.sleep(0)
    behind.version = 5
    await repair
    assert behind.repairs == []


async def test_while_publishing_fails_nothing_is_waited_for(behind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ON_ITS_WAY_SECONDS", 60)
    monkeypatch.setattr(broadcast.published, "failing", True)
    await asyncio.wait_for(watch._repair([(behind, 5)]), 1)
    assert behind.repairs == [3]
