"""Points 1, 2, 3 and 7: everybody sends through every door at once, edits and deletes, while sockets come and go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from chat.management.client import Person, Server, Socket

from .listener import Listener, Message, compare, essence, read_changes, read_history
from .report import Report
from .sending import Answer, for_sure
from .stage import Stage
from .together import ended, together

AT_ONCE = 8  # messages of each person at the same moment
ROUNDS = 10  # messages of each of a person's workers, one after the other
WORKERS = 3
PAUSE = 0.35
CUT_EVERY = 0.8
ARRIVES_WITHIN = 5.0  # of being stored, by the promise


@dataclass
class Storm:
    """One run of it: who sends and listens where, and what was acknowledged."""

    stage: Stage
    conversation: int
    rounds: int
    live: list[Listener] = field(default_factory=list)
    cut: list[Listener] = field(default_factory=list)
    slow: list[Listener] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    edits: int = 0
    deletions: int = 0
    vanished: list[str] = field(default_factory=list)
    took: float = 0

    async def begin(self) -> None:
        """Open the sockets: of everybody on every server, one that is cut again and again, one that does not read."""
        servers = cycle(self.stage.servers)
        for server in self.stage.servers if len(self.stage.servers) > 1 else [*self.stage.servers] * 2:
            for person in self.stage.people:
                self.live.append(await self._listen(person, server))
        for person in self.stage.people[:2]:
            self.cut.append(await self._listen(person, next(servers)))
        slow = await self._listen(self.stage.people[-1], next(servers), ping_interval=None)
        slow.socket.connection.transport.pause_reading()
        self.slow.append(slow)

    async def _listen(self, person: Person, server: Server, **options: Any) -> Listener:
        return await Listener(self.stage, person, self.conversation, server).open(**options)

    async def rage(self) -> None:
        """Send, edit and delete, until all is through."""
        began = time.monotonic()
        cutting = asyncio.create_task(self._cut_for_ever())
        try:
            await together(*map(self._talk, self.stage.people))
        finally:
            error = await ended(cutting)
        self.took = time.monotonic() - began
        if error is not None:
            raise error

    async def _talk(self, person: Person) -> None:
        """All at once through every door, then steadily through three."""
        doors = [listener.socket for listener in self.live if listener.person is person]
        doors_in_turn = cycle([None, *doors])
        burst = [self._send(person, f"at once {number}", next(doors_in_turn)) for number in range(AT_ONCE)]
        await together(*burst)
        workers = [self._work(person, name, next(doors_in_turn)) for name in range(WORKERS)]
        await together(*workers)

    async def _work(self, person: Person, name: int, door: Socket | None) -> None:
        for number in range(self.rounds):
            client_id = await self._send(person, f"worker {name}, message {number}", door)
            path = f"/api/chat/messages/{self.answers[client_id].message_id}/"
            if number % 4 == 1:
                self.changed.add(client_id)
                changed = {"content": f"{self.contents[client_id]}, edited"}
                self._note_change(path, *await person.call("PATCH", path, changed, accept=[404]))
                self.edits += 1
            elif number % 4 == 3:
                self.changed.add(client_id)
                self._note_change(path, *await person.call("DELETE", f"{path}delete/", accept=[404]))
                self.deletions += 1
            await asyncio.sleep(PAUSE)

    def _note_change(self, path: str, status: int, answer: object) -> None:
        if status == 404:
            self.vanished.append(path)

    async def _send(self, person: Person, content: str, door: Socket | None) -> str:
        client_id = f"{person.id} {content}"
        self.contents[client_id] = content
        answer = await for_sure(person, self.conversation, content, client_id, socket=door)
        self.answers[client_id] = answer
        return client_id

    async def _cut_for_ever(self) -> None:
        for listener in cycle(self.cut):
            await asyncio.sleep(CUT_EVERY / 2)
            await listener.cut()
            await asyncio.sleep(CUT_EVERY / 2)
            await listener.resume()

    async def settle(self, head: int) -> None:
        """Let everybody catch up: the cut ones come back, the slow one reads, or resumes where it was cut off."""
        for listener in self.cut:
            if listener.socket.closed_at is not None:
                await listener.resume()
        for listener in self.slow:
            listener.socket.connection.transport.resume_reading()
        everybody = [*self.live, *self.cut, *self.slow]
        await together(*(each.wait_for_version(head, within=ARRIVES_WITHIN + 2) for each in everybody))
        for listener in self.slow:
            if listener.socket.closed_at is not None:
                await listener.resume()
                await listener.wait_for_version(head, within=ARRIVES_WITHIN)


async def check(stage: Stage, report: Report, *, rounds: int = ROUNDS) -> None:
    """Points 1, 2, 3 and 7, as far as a client sees them."""
    admin, *others = stage.people
    storm = Storm(stage, await stage.group(admin, *others), rounds)
    await storm.begin()
    await storm.rage()
    stored = await read_changes(admin, storm.conversation, stage.servers[0])
    await storm.settle(stored[-1]["version"] if stored else 0)
    await _check_stored(storm, report, stored)
    _check_streams(storm, report, stored)
    _check_resumed(storm, report, stored)
    await _check_since(storm, report, stored)
    _check_slow(storm, report, stored)
    await stage.close([each.socket for each in (*storm.live, *storm.cut, *storm.slow)])


async def _check_stored(storm: Storm, report: Report, stored: Sequence[Message]) -> None:
    """Point 1: what was acknowledged is read back, by both ways, on every server."""
    missing = wrong = 0
    for path in storm.vanished:
        report.broke(1, f"a message was acknowledged, and {path} was answered 404")
    for server in storm.stage.servers:
        changes = await read_changes(storm.stage.people[0], storm.conversation, server)
        history = await read_history(storm.stage.people[0], storm.conversation, server)
        by_id = {message["id"]: message for message in changes}
        if sorted(map(essence, changes)) != sorted(map(essence, history)):
            report.broke(1, f"{server.url} answers other messages at changes/ than at messages/")
        for client_id, answer in storm.answers.items():
            message = by_id.get(answer.message_id)
            if message is None:
                missing += 1
                report.broke(1, f"message {answer.message_id} was acknowledged, and {server.url} does not have it")
            elif message["client_id"] != client_id or message["seq"] != answer.seq or not _reads(storm, message):
                wrong += 1
                report.broke(1, f"message {answer.message_id} was acknowledged and is stored otherwise: {message}")
    slowest = max(answer.at - answer.began for answer in storm.answers.values())
    report.saw(
        1,
        f"{len(storm.contents)} messages sent, {len(storm.answers)} acknowledged, the slowest after {slowest:.2f} s; "
        f"read back: missing {missing}, otherwise than sent {wrong}",
    )
    report.cannot_test(1, "the death of processes, of Redis, of the database: a client cannot kill them")
    seqs = sorted(message["seq"] for message in stored)
    report.hold(2, seqs == list(range(1, len(seqs) + 1)), f"seq is not 1, 2, 3 … but {_breaks(seqs)}")


def _reads(storm: Storm, message: Message) -> bool:
    """Whether it says what was sent, or what it was changed to."""
    sent = storm.contents[message["client_id"]]
    if message["client_id"] not in storm.changed:
        return bool(message["content"] == sent)
    return bool(message["content"] in ("", f"{sent}, edited"))


def _breaks(seqs: Sequence[int]) -> str:
    """Where the numbers jump or repeat."""
    found = [f"{low}, {high}" for low, high in zip([0, *seqs], seqs, strict=False) if high != low + 1]
    return " … ".join(found[:5])


def _check_streams(storm: Storm, report: Report, stored: Sequence[Message]) -> None:
    """Point 2: every socket that stayed open was given everything, in order, once, and soon."""
    missing = doubled = disordered = 0
    longest = late = 0.0
    for listener in storm.live:
        frames = [frame for _, frame in listener.heard]
        found = compare(frames, stored, conversation=storm.conversation, since=listener.since)
        for line in found.lines(f"the socket of {listener.person.username} on {listener.server.url}"):
            report.broke(2, line)
        if listener.socket.closed_at is not None:
            report.broke(2, f"a socket on {listener.server.url} was closed with {listener.socket.close_code}")
        missing += len(found.missing)
        doubled += len(found.doubled)
        disordered += len(found.disordered)
        for at, frame in listener.heard:
            answer = storm.answers.get(frame["message"]["client_id"] or "")
            if answer is not None and frame["type"] == "chat_message":
                longest = max(longest, at - answer.began)
                late = max(late, at - answer.at)
    report.hold(2, late <= ARRIVES_WITHIN, f"a message arrived {late:.1f} s after it was acknowledged, not within 5 s")
    report.saw(
        2,
        f"{len(storm.live)} sockets, {storm.edits} edits and {storm.deletions} deletions, {storm.took:.0f} s: "
        f"missing {missing}, doubled {doubled}, out of order {disordered}; "
        f"from send to receipt {longest:.2f} s at most",
    )
    report.cannot_test(2, "the same while Redis or PostgreSQL is away; inboxes: this client opens none")


def _check_resumed(storm: Storm, report: Report, stored: Sequence[Message]) -> None:
    """Point 3: the streams that were cut are whole over all their sockets."""
    resumed = missing = doubled = 0
    for listener in storm.cut:
        frames = [frame for _, frame in listener.heard]
        found = compare(frames, stored, conversation=storm.conversation, since=listener.since)
        for line in found.lines(f"the socket of {listener.person.username}, cut and resumed {listener.resumed} times"):
            report.broke(3, line)
        if listener.unrecovered:
            report.broke(3, f"{listener.unrecovered} times `recovered` was false after a short absence")
        resumed += listener.resumed
        missing += len(found.missing)
        doubled += len(found.doubled)
    report.saw(3, f"{resumed} times cut and resumed with ?since=: gaps {missing}, overlaps {doubled}")


async def _check_since(storm: Storm, report: Report, stored: Sequence[Message]) -> None:
    """Point 3: from the very beginning, from the future, from nowhere."""
    head = stored[-1]["version"] if stored else 0
    person = storm.stage.people[0]
    for server in storm.stage.servers:
        fresh = await Listener(storm.stage, person, storm.conversation, server).open(0)
        await fresh.wait_for_version(head, within=ARRIVES_WITHIN)
        frames = [frame for _, frame in fresh.heard]
        for line in compare(frames, stored, conversation=storm.conversation, since=0).lines("from ?since=0"):
            report.broke(3, line)
        report.hold(3, not fresh.unrecovered, "`recovered` was false for ?since=0 with fewer than 1000 changes")
        for since in (head + 1000, "soon", -1, None):
            socket = await storm.stage.connect(person, storm.conversation, since=since, server=server)
            said = socket.connected["recovered"]
            report.hold(3, said is False, f"`recovered` was {said} for since={since}, and is false there")
            await socket.close()
        await fresh.socket.close()
    report.saw(3, f"from ?since=0 all {len(stored)} messages came; `recovered` is false for a version that is none")
    report.cannot_test(3, "being more than 1000 changes behind: the rate limits would take minutes for it")


def _check_slow(storm: Storm, report: Report, stored: Sequence[Message]) -> None:
    """Point 7: what a client sees of it."""
    [listener] = storm.slow
    frames = [frame for _, frame in listener.heard]
    found = compare(frames, stored, conversation=storm.conversation, since=listener.since)
    for line in found.lines("the socket that did not read for a while"):
        report.broke(7, line)
    then = f"it was cut off ({listener.socket.close_code}) and resumed" if listener.resumed else "it then got the rest"
    report.saw(7, f"one socket did not read for {storm.took:.0f} s: the others did not wait for it, {then}")
