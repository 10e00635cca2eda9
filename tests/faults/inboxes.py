"""Inboxes: one socket in all of a person's conversations, written down as if each had a socket of its own."""

import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from .history import DURABLE, Connection, Frame
from .people import Door, Person, Room


class InboxSeat(Door):
    """A person's inbox; what it holds of each conversation it says when it comes back."""

    path = "/ws/inbox/"

    def __init__(self, person: Person, server: int) -> None:
        super().__init__(person, server)
        self.records: dict[int, Connection] = {}  # by conversation, of the connection that is open
        self.versions: dict[int, int] = {}  # what it holds
        self.markers: dict[int, list[int]] = {}  # by conversation: the last seq, and how far is read
        self.opened = 0.0
        self.resumed: set[int] = set()  # conversations of which the server has said what comes
        person.inboxes.append(self)

    is_wanted = True

    @property
    def unread(self) -> dict[int, int]:
        """By conversation, what the client would show as unread."""
        return {pk: last_seq - read_seq for pk, (last_seq, read_seq) in self.markers.items()}

    def shows(self, rooms: list[Room]) -> bool:
        """Whether it has those of these conversations that its person should be in."""
        return {room.id for room in rooms if self.person.id in room.inside} <= self.records.keys()

    def is_in(self, room: Room) -> bool:
        return room.id in self.records

    def begin(self) -> None:
        self.opened = self.history.now()
        self.records, self.markers, self.resumed = {}, {}, set()

    def ping(self) -> dict[str, Any]:
        named = {"conversation_id": self.rng.choice(list(self.records))} if self.records else {}
        return {"type": "ping", **named}

    async def take(self, raw: dict[str, Any], frame: Frame, connection: ClientConnection) -> None:
        if frame.type == "connected":
            for each in raw["conversations"]:
                self._enter(each, frame.at, since=self.versions.get(each["id"]))
            held = {str(pk): version for pk, version in self.versions.items()}
            self.connection = connection
            await connection.send(json.dumps({"type": "resume", "versions": held}))
            return
        if frame.type == "resumed":
            self._resume(raw)
        elif frame.type == "conversation_added":
            self._enter(raw["conversation"], frame.at, since=None)
        elif frame.type == "conversation_removed":
            self._lose(raw["conversation_id"], frame.at)
        elif frame.type == "unread":
            self._count(raw)
        elif frame.conversation is not None and frame.type not in ("conversation_updated", "unread"):
            self._put(raw_sender(raw), frame)

    def _enter(self, shown: dict[str, Any], at: float, *, since: int | None) -> None:
        conversation, version, last_seq = shown["id"], shown["version"], shown["last_seq"]
        if conversation in self.records:
            self.history.notes.append(f"user {self.person.id} was shown conversation {conversation} twice")
        record = self.records[conversation] = self.history.connect(
            user=self.person.id,
            conversation=conversation,
            server=self.server,
            since=since,
            through_proxy=self.person.through_proxy,
            in_inbox=True,
        )
        record.opened = self.opened if since is not None else at
        record.frames.append(Frame(at, "connected", conversation=conversation, version=version, last_seq=last_seq))
        self.markers[conversation] = [last_seq, last_seq - shown["unread_count"]]
        if since is None:
            self.versions[conversation] = version

    def _resume(self, raw: dict[str, Any]) -> None:
        for conversation in raw["recovered"]:
            if record := self.records.get(conversation):
                record.recovered = record.since is not None
        for conversation in raw["reload"]:
            if record := self.records.get(conversation):  # and reload over REST, in which this client takes no interest
                connected = record.connected
                self.versions[conversation] = (connected.version if connected else None) or 0
            else:
                self.versions.pop(conversation, None)
        self.resumed.update(self.records)

    def _lose(self, conversation: int, at: float) -> None:
        record = self.records.pop(conversation, None)
        self.versions.pop(conversation, None)
        self.markers.pop(conversation, None)
        if record is None:
            self.history.notes.append(f"user {self.person.id} lost conversation {conversation}, which they had not")
            return
        self._close(record, at, 4403)

    def _put(self, sender: int | None, frame: Frame) -> None:
        record = self.records.get(frame.conversation or 0)
        if record is None:
            self.history.notes.append(f"user {self.person.id} got {frame} and has no such conversation")
            return
        record.frames.append(frame)
        if frame.type in DURABLE:
            version, seq = frame.version or 0, frame.seq or 0
            begin = record.connected.version if record.connected else None
            if record.since is not None and version <= (begin or 0):
                record.recovered = True  # the connection may break before this is said
            self.versions[record.conversation] = max(self.versions.get(record.conversation, 0), version)
            marker = self.markers[record.conversation]
            if seq > marker[0]:
                marker[0] = seq
                if sender == self.person.id:
                    marker[1] = seq

    def _count(self, raw: dict[str, Any]) -> None:
        marker = self.markers.get(raw["conversation_id"])
        if marker is None:
            self.history.notes.append(f"user {self.person.id} got {raw} and has no such conversation")
            return
        marker[1] = raw["last_read_seq"]
        if raw["unread_count"] != max(0, marker[0] - marker[1]):
            self.history.notes.append(f"user {self.person.id} got {raw} and counts {marker[0]} - {marker[1]}")

    def _close(self, record: Connection, at: float, code: int | None) -> None:
        if record.conversation not in self.resumed and not record.recovered:
            record.since = None  # nothing was said of what was missed, and none of it came
        record.close(at, code, ended_here=self.ended_here)

    def end(self, code: int | None) -> bool:
        let_in = bool(self.records)
        for record in self.records.values():
            self._close(record, self.history.now(), code)
        return let_in


def raw_sender(raw: dict[str, Any]) -> int | None:
    """Whose message it is."""
    sender = (raw.get("message") or {}).get("sender")
    return sender["id"] if sender else None
