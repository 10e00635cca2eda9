"""Point 4: sending again with the same `client_id`, through either door, never makes a second message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from chat.management.client import Person, Socket

from .listener import DURABLE, Listener, read_changes
from .report import Report
from .sending import Answer, Conflict, for_sure, over_rest, over_socket
from .stage import Stage
from .together import together

AT_ONCE = 4  # through each door
ARRIVES_WITHIN = 5.0


@dataclass
class Twice:
    """One person who sends everything more than once."""

    report: Report
    person: Person
    conversation: int
    sockets: list[Socket]
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    def rest(self, client_id: str) -> Coroutine[Any, Any, Answer]:
        return over_rest(self.person, self.conversation, f"I say {client_id}", client_id)

    def socket(self, client_id: str, number: int = 0) -> Coroutine[Any, Any, Answer]:
        return over_socket(self.sockets[number % len(self.sockets)], f"I say {client_id}", client_id)

    async def in_turn(self, client_id: str, *doors: str) -> None:
        """One after the other: the first one is new, the others are told of it."""
        given = [await (self.rest(client_id) if door == "REST" else self.socket(client_id)) for door in doors]
        self.answers[client_id] = given
        news = [answer.is_new for answer in given]
        told = f"{client_id}: whether it was new was answered {news}"
        self.report.hold(4, news == [True] + [False] * (len(doors) - 1), told)

    async def at_once(self, client_id: str) -> None:
        """Through all doors at the same moment: one of them is new."""
        calls = [self.rest(client_id) for _ in range(AT_ONCE)]
        calls += [self.socket(client_id, number) for number in range(max(AT_ONCE, len(self.sockets)))]
        given = self.answers[client_id] = await together(*calls)
        new = sum(answer.is_new for answer in given)
        # A frame's answer is known by its client_id, so two frames on one socket share the first answer that comes.
        self.report.hold(4, new >= 1, f"{client_id}: of {len(given)} sends at once none was answered as new")

    async def after_a_cut(self, client_id: str, victim: Socket) -> None:
        """The connection goes before the answer comes; then again, over REST."""
        await victim.say("chat_message", content=f"I say {client_id}", client_id=client_id)
        victim.drop()
        content = f"I say {client_id}"
        self.answers[client_id] = [
            await for_sure(self.person, self.conversation, content, client_id, socket=None) for _ in range(2)
        ]
        self.report.hold(4, not self.answers[client_id][1].is_new, f"{client_id}: the third send was answered as new")

    async def after_a_change(self, client_id: str) -> None:
        """Whatever became of the message since, what was first said with its `client_id` counts."""
        first = await self.rest(client_id)
        path = f"/api/chat/messages/{first.message_id}/"
        await self.person.call("PATCH", path, {"content": "I take it back"})
        edited = await self.socket(client_id)
        await self.person.call("DELETE", f"{path}delete/")
        self.answers[client_id] = [first, edited, await self.rest(client_id)]

    async def something_else(self, client_id: str) -> None:
        """Another content under a `client_id` that was used is refused, through both doors."""
        for door in ("REST", "socket"):
            try:
                if door == "REST":
                    await over_rest(self.person, self.conversation, "Something else", client_id)
                else:
                    await over_socket(self.sockets[0], "Something else", client_id)
            except Conflict:
                continue
            self.report.broke(4, f"{client_id} with another content was taken over {door}, and is a conflict")


async def check(stage: Stage, report: Report) -> None:
    """Point 4."""
    watcher, person = stage.people[:2]
    conversation = await stage.group(watcher, person)
    listener = await Listener(stage, watcher, conversation, stage.servers[0]).open()
    sockets = [await stage.connect(person, conversation, server=server) for server in stage.servers]
    victim = await stage.connect(person, conversation)
    twice = Twice(report, person, conversation, sockets)
    await twice.in_turn("twice over REST", "REST", "REST")
    await twice.in_turn("twice over a socket", "socket", "socket")
    await twice.in_turn("REST, then socket", "REST", "socket")
    await twice.in_turn("socket, then REST", "socket", "REST")
    await twice.at_once("at the same moment")
    await twice.at_once("at the same moment again")
    await twice.after_a_cut("the connection was cut", victim)
    await twice.after_a_change("edited, then deleted")
    await twice.something_else("twice over REST")
    await _count(stage, report, twice, listener)
    await stage.close([listener.socket, *sockets])


async def _count(stage: Stage, report: Report, twice: Twice, listener: Listener) -> None:
    """One message stored, told to every sender, and shown to the other: one each."""
    sends = sum(map(len, twice.answers.values()))
    for client_id, answers in twice.answers.items():
        ids = {answer.message_id for answer in answers}
        report.hold(4, len(ids) == 1, f"{client_id}: the answers name the messages {sorted(ids)}, and there is one")
    stored = await read_changes(listener.person, listener.conversation, listener.server)
    await listener.wait_for_version(stored[-1]["version"] if stored else 0, within=ARRIVES_WITHIN)
    rows = Counter(message["client_id"] for message in stored)
    shown: dict[str, set[int]] = {}
    for _, frame in listener.heard:
        if frame["type"] in DURABLE:
            shown.setdefault(frame["message"]["client_id"], set()).add(frame["message"]["id"])
    for client_id in twice.answers:
        report.hold(4, rows[client_id] == 1, f"{client_id}: stored {rows[client_id]} times")
        report.hold(
            4, len(shown.get(client_id, ())) == 1, f"{client_id}: shown as {len(shown.get(client_id, ()))} messages"
        )
    doubled = sum(count - 1 for client_id, count in rows.items() if client_id in twice.answers and count > 1)
    report.saw(
        4,
        f"{len(twice.answers)} messages sent {sends} times, over REST, sockets, both at once, after a cut, a change: "
        f"stored twice {doubled}",
    )
    report.saw(4, "another content under a client_id that was used is refused")
