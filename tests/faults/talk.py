"""What the people do: twelve of them in six conversations, over REST, sockets and inboxes, as a seed has it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .cluster import Cluster
from .history import FOREVER, History, Operation
from .inboxes import InboxSeat
from .people import Person, Room, Seat

OPERATIONS_PER_SECOND = 40.0
MOST_AT_ONCE = 200
GIVES_UP = 0.03  # of those without an answer, so that unknown ones remain
# Of the twelve, by number; the first one is the admin. Two of them are private.
ROOMS = ([0, 1], [2, 3], list(range(12)), [4, 5, 6, 7, 0], [8, 9, 10, 11, 2], [1, 3, 5, 7, 9])
INBOXES = (1, 2, 3)  # who has one, too: people whom nobody takes out of everything
WEIGHTS = {"send": 62, "edit": 12, "delete": 6, "read": 8, "typing": 5, "membership": 5, "tidy": 2}


class Talk:
    """People, their rooms and sockets, and everything that they do at the same time."""

    def __init__(self, cluster: Cluster, history: History, seed: str) -> None:
        self.cluster, self.history = cluster, history
        self.seed = seed
        self.plan = random.Random(f"{seed} plan")  # of what is done when; the rest follows from what is answered
        self.rng = random.Random(seed)
        self.people: list[Person] = []
        self.rooms: list[Room] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.sent = 0
        self.deadline = FOREVER  # after it nobody tries again

    async def gather(self, count: int = 12, rooms: tuple[list[int], ...] = ROOMS) -> None:
        """Register everyone and open all conversations; every third person is behind a bad network."""
        self.people = [
            Person(self.cluster, self.history, self.rng, number, cut=number % 3 == 2) for number in range(count)
        ]
        await asyncio.gather(*(person.register(f"person{person.number}") for person in self.people))
        for number, members in enumerate(rooms):
            people = [self.people[member] for member in members]
            is_group = len(members) > 2
            named = {"type": "group", "name": f"Room {number}"} if is_group else {"type": "private"}
            others = [person.id for person in people[1:]]
            made = await people[0].get("/api/chat/conversations/create/", **named, participant_ids=others)
            self.rooms.append(Room(made["id"], people, is_group=is_group))

    async def sit_down(self) -> None:
        """Everyone opens a socket in each of their conversations, on this server or that."""
        for number, room in enumerate(self.rooms):
            direct = [person for person in room.pool if not person.through_proxy]
            for person in (room.admin, *room.pool):
                home = (person.number + number) % len(self.cluster.servers)
                Seat(person, room, home, small=room.is_group and direct[:1] == [person])
        for person in self.people:
            if person.number in INBOXES:
                InboxSeat(person, person.number % len(self.cluster.servers))
        await self.until_all_sit()

    def seats(self) -> list[Seat]:
        return [seat for person in self.people for seat in person.seats]

    def inboxes(self) -> list[InboxSeat]:
        return [inbox for person in self.people for inbox in person.inboxes if isinstance(inbox, InboxSeat)]

    async def until_all_sit(self, timeout: float = 30) -> None:
        """Return once all who take part have their sockets open, and their inboxes show what they are in."""
        async with asyncio.timeout(timeout):
            while not (
                all(seat.is_open for seat in self.seats() if seat.person.id in seat.room.inside)
                and all(inbox.is_open and inbox.shows(self.rooms) for inbox in self.inboxes())
            ):
                await asyncio.sleep(0.05)

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def go_on(self, rate: float = OPERATIONS_PER_SECOND) -> None:
        """Talk until cancelled."""
        doings = {
            "send": self.send_somewhere,
            "edit": self.edit,
            "delete": self.delete,
            "read": self.read,
            "typing": self.show_typing,
            "membership": self.change_membership,
            "tidy": self.tidy,
        }
        due = self.history.now()
        while True:
            due = max(due + self.plan.expovariate(rate), self.history.now() - 1)
            await asyncio.sleep(max(0.0, due - self.history.now()))
            kind = self.plan.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            if len(self.tasks) < MOST_AT_ONCE:
                self.spawn(doings[kind]())

    async def come_to_rest(self, timeout: float) -> None:
        """Wait until all that is under way is answered; then nobody tries again."""
        self.deadline = self.history.now() + timeout
        while self.tasks and self.history.now() < self.deadline:
            await asyncio.sleep(0.05)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*(person.close() for person in self.people))

    # What they do ------------------------------------------------------------------------------

    def _somebody(self) -> tuple[Person, Room]:
        room = self.rng.choice(self.rooms)
        inside = [person for person in (room.admin, *room.pool) if person.id in room.inside]
        return self.rng.choice(inside or [room.admin]), room

    async def _insist(self, operation: Operation, attempt: Callable[[], Awaitable[None]]) -> None:
        """Try until it is acked or refused; some give up after the first time without an answer."""
        self.history.operations.append(operation)
        gives_up = operation.kind in ("send", "edit", "delete") and self.rng.random() < GIVES_UP
        pause = 0.1
        while self.history.now() < self.deadline:
            await attempt()
            if operation.attempts[-1].outcome != "unknown" or gives_up:
                return
            await asyncio.sleep(pause * self.rng.uniform(0.5, 1.5))
            pause = min(2 * pause, 1.0)

    async def send_somewhere(self) -> None:
        person, room = self._somebody()
        await self.send(person, room)

    async def send(self, person: Person, room: Room, content: str | None = None, door: str | None = None) -> Operation:
        """Say something, over either door at each attempt where none is named."""
        self.sent += 1
        name = f"{room.id}-{person.number}-{self.sent}"
        operation = Operation("send", person.id, room.id, content or f"{name} says hello", client_id=name)
        said: dict[str, Any] = {"content": operation.content, "client_id": name}
        if not room.is_group and person.said and person.said[-1][0] is room and self.rng.random() < 0.2:
            said["reply_to"] = person.said[-1][1]

        async def attempt() -> None:
            await self.say(person, room, operation, said, door)

        await self._insist(operation, attempt)
        if operation.outcome == "acked" and operation.message_id is not None:
            person.said.append((room, operation.message_id))
            del person.said[:-30]
        return operation

    async def say(
        self, person: Person, room: Room, operation: Operation, said: dict[str, Any], door: str | None = None
    ) -> None:
        """One attempt to send what is `said`, over that door or any."""
        seat = person.seat_in(room)
        if seat is not None and (door == "socket" or (door is None and self.rng.random() < 0.5)):
            await seat.say(operation, {"type": "chat_message", **said})
            return
        message = await person.ask(operation, "POST", "messages/create/", {"conversation": room.id, **said})
        if message is not None:
            operation.message_id, operation.seq = message["id"], message["seq"]

    async def edit(self) -> None:
        person, _ = self._somebody()
        if not person.said:
            return
        room, message_id = person.said.pop(self.rng.randrange(len(person.said)))
        self.sent += 1
        content = f"edited {self.sent}"
        operation = Operation("edit", person.id, room.id, content, message_id=message_id)

        async def attempt() -> None:
            await person.ask(operation, "PATCH", f"messages/{message_id}/", {"content": content})

        await self._insist(operation, attempt)
        if operation.outcome == "acked":
            person.said.append((room, message_id))

    async def delete(self) -> None:
        person, _ = self._somebody()
        if person.said:
            room, message_id = person.said.pop(self.rng.randrange(len(person.said)))
            await self._delete(person, room, message_id)

    async def tidy(self) -> None:
        """An admin deletes what somebody else said."""
        room = self.rng.choice([room for room in self.rooms if room.is_group] or self.rooms)
        said = [message_id for person in room.pool for where, message_id in person.said if where is room]
        if said:
            await self._delete(room.admin, room, self.rng.choice(said))

    async def _delete(self, person: Person, room: Room, message_id: int) -> None:
        operation = Operation("delete", person.id, room.id, message_id=message_id)

        async def attempt() -> None:
            await person.ask(operation, "DELETE", f"messages/{message_id}/delete/")

        await self._insist(operation, attempt)

    async def read(self) -> None:
        person, room = self._somebody()
        operation = Operation("read", person.id, room.id)

        async def attempt() -> None:
            await person.ask(operation, "POST", f"conversations/{room.id}/mark-read/", {})

        await self._insist(operation, attempt)

    async def show_typing(self) -> None:
        person, room = self._somebody()
        if seat := person.seat_in(room):
            await seat.show_typing(room)

    async def change_membership(self) -> None:
        """An admin removes somebody, or adds somebody who is out."""
        room = self.rng.choice([room for room in self.rooms if room.is_group] or self.rooms)
        if not room.is_group or room.changing.locked():
            return
        async with room.changing:
            outside = [person for person in room.pool if person.id not in room.inside]
            if outside and (len(outside) > 1 or self.rng.random() < 0.6):
                await self.add(room, self.rng.choice(outside))
            else:
                await self.remove(room, self.rng.choice([each for each in room.pool if each not in outside]))

    async def add(self, room: Room, person: Person) -> None:
        operation = Operation("add", room.admin.id, room.id, content=str(person.id))

        async def attempt() -> None:
            path, body = f"conversations/{room.id}/participants/", {"user_ids": [person.id]}
            await room.admin.ask(operation, "POST", path, body)

        await self._insist(operation, attempt)
        if operation.outcome == "acked":
            room.inside.add(person.id)

    async def remove(self, room: Room, person: Person) -> None:
        operation = Operation("remove", room.admin.id, room.id, content=str(person.id))
        room.inside.discard(person.id)

        async def attempt() -> None:
            await room.admin.ask(operation, "DELETE", f"conversations/{room.id}/participants/{person.id}/")

        await self._insist(operation, attempt)
