"""A subscriber's order, without a socket."""

import asyncio
from typing import Any

from django.utils import timezone

from chat.inbox import Inbox
from chat.room import MAX_WAITING, Connection, Room, Subscriber
from chat.watch import FEW_ROWS, Reconciliation


def spawn(work: Any) -> None:
    raise AssertionError("nothing here is done beside")


class Client:
    """What a connection was sent, taken one loop turn at a time."""

    def __init__(self) -> None:
        self.frames: list[str] = []
        self.close_code: int | None = None
        self.connection = Connection(
            1, "alice", "s", timezone.now(), self.send, lambda frames: False, self.close, self.take_in
        )

    async def send(self, frame: str) -> None:
        await asyncio.sleep(0)
        self.frames.append(frame)

    async def close(self, code: int) -> None:
        self.close_code = code

    async def take_in(self) -> None:
        await asyncio.sleep(0)


def event(version: int) -> dict[str, Any]:
    return {"version": version, "seq": version, "frame": str(version), "sender_id": 2, "is_new": True, "gone": None}


async def test_who_is_made_live_twice_at_once_gets_everything_once_and_in_order() -> None:
    client = Client()
    subscriber = Subscriber(Room(7, spawn), client.connection)
    for version in range(1, 6):
        await subscriber.take(event(version))
    subscriber.participant_id = 1
    first, second = [asyncio.create_task(subscriber.go_live(patient=patient)) for patient in (True, False)]
    await asyncio.sleep(0)
    await subscriber.take(event(6))
    await asyncio.gather(first, second)
    await subscriber.take(event(7))
    assert client.frames == [str(version) for version in range(1, 8)]
    assert client.connection.waiting == 0


async def test_who_is_not_let_in_is_not_made_live() -> None:
    client = Client()
    subscriber = Subscriber(Room(7, spawn), client.connection)
    await subscriber.take(event(1))
    await subscriber.go_live()
    await subscriber.take(event(2))
    assert client.frames == []
    subscriber.participant_id = 1
    await subscriber.go_live()
    assert client.frames == ["1", "2"]


async def test_what_waits_is_bounded_over_all_conversations_of_a_socket() -> None:
    client = Client()
    subscribers = [Subscriber(Room(number, spawn), client.connection) for number in range(4)]
    for subscriber in subscribers:
        for version in range(1, MAX_WAITING // 4 + 1):
            await subscriber.take(event(version))
    assert client.close_code is None
    gone = subscribers.pop()
    gone.forget()
    await subscribers[0].take(event(MAX_WAITING))
    assert client.close_code is None
    for version in range(MAX_WAITING // 4):
        await subscribers[0].take(event(MAX_WAITING + 1 + version))
    assert client.close_code == 4408


async def test_each_of_many_inboxes_is_compared_each_third_time() -> None:
    from chat.hub import Hub

    def inbox() -> Inbox:
        made = hub.inbox(Client().connection)
        made.early = None
        made.subscribers = dict.fromkeys(range(FEW_ROWS), None)  # type: ignore[arg-type]
        return made

    hub = Hub()
    timer = Reconciliation(hub)
    stays = inbox()
    turns = []
    for _ in range(9):  # others come meanwhile
        inbox()
        turns.append(stays in timer._next_inboxes())
    assert [turns[number::3].count(True) for number in range(3)].count(3) == 1
    assert turns.count(True) == 3
