"""A history made by hand, for the tests of the checker."""

from dataclasses import replace
from typing import Any

from .history import Attempt, Connection, Fault, Frame, History, Operation
from .invariants import check
from .state import Change, Part, State, Stored

ALICE, BOB, ROOM, ELSEWHERE = 1, 2, 7, 8
ADDED = {"action": "participant_added", "user_id": BOB}
REMOVED = {"action": "participant_removed", "user_id": BOB}


class Story:
    """Alice says a, b, c at seconds 1, 2, 3 and edits a at 4; both have a socket from 0.5 on, on server 0 and 1."""

    def __init__(self) -> None:
        self.history, self.state = History(), State()
        self.history.begun, self.history.ended = 0, 60
        self.version = self.seq = 0
        for number, text in enumerate("abc", start=1):
            self.say(text, at=number)
        self.change(1, "a, edited", at=4)
        self.alice = self.socket(ALICE, 0)
        self.bob = self.socket(BOB, 1)
        self.state.parts = [Part(ROOM, ALICE, 0, 3, unread=0), Part(ROOM, BOB, 0, 1, unread=2)]
        self.state.online, self.state.presence_read = {ALICE: [True, True], BOB: [True, True]}, 60

    def say(self, text: str, at: float, outcome: str = "acked", *, stored: bool = True) -> Operation:
        operation = Operation("send", ALICE, ROOM, text, client_id=text)
        operation.attempts = [Attempt(at, 0, "rest", at + 0.1, outcome, "")]
        self.history.operations.append(operation)
        if stored:
            self.seq += 1
            self.version += 1
            operation.message_id, operation.seq = self.seq, self.seq
            self.state.messages.append(Stored(self.seq, ROOM, self.seq, self.version, ALICE, text, text))
            self.state.changes.append(Change(ROOM, self.version, self.seq, self.seq, at + 0.05, text))
        self.state.heads[ROOM] = self.seq, self.version
        return operation

    def change(self, message_id: int, text: str, at: float, *, delete: bool = False) -> Operation:
        operation = Operation("delete" if delete else "edit", ALICE, ROOM, text, message_id=message_id)
        operation.attempts = [Attempt(at, 0, "rest", at + 0.1, "acked", "200")]
        self.history.operations.append(operation)
        self.version += 1
        old = self.state.messages[message_id - 1]
        new = replace(old, version=self.version, content=text, is_deleted=delete)
        self.state.messages[message_id - 1] = new
        self.state.changes.append(Change(ROOM, self.version, message_id, old.seq, at + 0.05, text, delete))
        self.state.heads[ROOM] = self.seq, self.version
        return operation

    def happen(self, event: dict[str, Any], at: float) -> None:
        """A system message."""
        self.seq += 1
        self.version += 1
        self.state.messages.append(Stored(self.seq, ROOM, self.seq, self.version, ALICE, "", type="system"))
        self.state.changes.append(Change(ROOM, self.version, self.seq, self.seq, at, event=event))
        self.state.heads[ROOM] = self.seq, self.version

    def socket(
        self, user: int, server: int, *, opened: float = 0.5, since: int | None = 0, **fields: Any
    ) -> Connection:
        """A socket that gets everything after `since`, 0.1 s after it is stored."""
        socket = self.history.connect(user=user, conversation=ROOM, server=server, since=since, **fields)
        socket.opened, socket.recovered = opened, since is not None
        head = max((each.version for each in self.state.changes if each.at < opened), default=0)
        socket.frames = [Frame(opened, "connected", ROOM, head, head)]
        for each in self.state.changes:
            if each.version > (head if since is None else since):
                socket.frames.append(self.frame(each, max(opened, each.at) + 0.1))
        return socket

    @staticmethod
    def frame(change: Change, at: float) -> Frame:
        kind = "message_deleted" if change.is_deleted else "chat_message"
        return Frame(
            at, kind, ROOM, change.version, None, None, change.message_id, change.seq, change.content, change.is_deleted
        )

    def fault(self, kind: str, begun: float, healed: float, **fields: Any) -> Fault:
        fault = Fault(kind, kind, begun, healed, **fields)
        self.history.faults.append(fault)
        return fault

    def red(self) -> dict[str, list[str]]:
        return {name: found for name, found in check(self.history, self.state).items() if found}
