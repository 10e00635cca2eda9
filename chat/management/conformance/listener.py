"""What a socket was given, over reconnections, and what it should have been given."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.management.client import Frame, Person, Server, Socket

from .stage import Stage

Message = dict[str, Any]
DURABLE = ("chat_message", "message_updated", "message_deleted")
PAGE = 100


class Listener:
    """Somebody's socket of one conversation, and the durable frames that came over all that it has had."""

    def __init__(self, stage: Stage, person: Person, conversation: int, server: Server) -> None:
        self.stage, self.person, self.conversation, self.server = stage, person, conversation, server
        self.heard: list[tuple[float, Frame]] = []
        self.since = 0
        self.resumed = self.unrecovered = 0
        self.socket: Socket

    def _take(self, frame: Frame) -> None:
        if frame["type"] in DURABLE:
            self.heard.append((time.monotonic(), frame))

    @property
    def version(self) -> int:
        """The highest one that it was given."""
        return max((frame["version"] for _, frame in self.heard), default=self.since)

    async def open(self, since: int | None = None, **options: Any) -> Listener:
        """Connect; what comes from here on counts."""
        self.socket = await self.stage.connect(
            self.person, self.conversation, since=since, server=self.server, on_frame=self._take, **options
        )
        if since is None:
            self.since = self.socket.connected["version"]
        elif not self.socket.connected["recovered"]:
            self.unrecovered += 1
        return self

    async def cut(self) -> None:
        """Lose the connection, as by a network that fails."""
        self.socket.drop()
        await self.socket.wait_until_closed(5)  # what it had taken in still counts

    async def resume(self) -> None:
        """Come back with the version that it has."""
        self.resumed += 1
        await self.open(self.version)

    async def wait_for_version(self, version: int, *, within: float) -> bool:
        """Whether it is given that version, or a higher one, in that time."""
        if self.version >= version:
            return True
        frame = await self.socket.wait_for(
            lambda frame: frame["type"] in DURABLE and frame["version"] >= version, within=within
        )
        return frame is not None


@dataclass
class Findings:
    """What is wrong with a stream of durable frames, each as (version, words)."""

    missing: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    disordered: list[int] = field(default_factory=list)
    differing: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)

    def lines(self, who: str) -> list[str]:
        """In words; none where nothing is wrong."""
        words = {
            "was never given": self.missing,
            "was given twice": self.doubled,
            "was given after a higher one": self.disordered,
            "was given with another content than is stored": self.differing,
            "was given and is of another conversation": self.foreign,
        }
        return [
            f"{who}: version {', '.join(map(str, versions[:10]))} {what}"
            for what, versions in words.items()
            if versions
        ]


def compare(frames: Sequence[Frame], stored: Sequence[Message], *, conversation: int, since: int) -> Findings:
    """Hold a stream against what is stored in the end: all after `since`, in order, once.

    A version that is no message's latest may have been left out: its message had changed again.
    """
    found = Findings()
    latest = {message["version"]: message for message in stored}
    given = Counter(frame["version"] for frame in frames)
    found.doubled = sorted(version for version, count in given.items() if count > 1)
    found.missing = sorted(version for version in latest if version > since and version not in given)
    highest = since
    for frame in frames:
        version, message = frame["version"], frame["message"]
        if message["conversation"] != conversation:
            found.foreign.append(version)
        elif version < highest or (version == highest and version not in found.doubled):
            found.disordered.append(version)
        elif version in latest and essence(message) != essence(latest[version]):
            found.differing.append(version)
        highest = max(highest, version)
    return found


def essence(message: Message) -> list[Any]:
    """What must be the same wherever a version of a message is seen: `reply_to` and the sender's name may change."""
    fields = ("id", "conversation", "seq", "version", "type", "content", "client_id", "is_edited", "is_deleted")
    return [message[field] for field in fields] + [message["sender"] and message["sender"]["id"]]


async def read_changes(person: Person, conversation: int, server: Server) -> list[Message]:
    """Every message with its latest version, by version."""
    found: list[Message] = []
    while True:
        since = found[-1]["version"] if found else 0
        path = f"/api/chat/conversations/{conversation}/changes/?since={since}&limit={PAGE}"
        _, page = await person.call("GET", path, server=server)
        found += page["results"]
        if not page["has_more"] or not page["results"]:
            return found


async def read_history(person: Person, conversation: int, server: Server) -> list[Message]:
    """Every message by `seq`."""
    found: list[Message] = []
    while True:
        after = found[-1]["seq"] if found else 0
        path = f"/api/chat/conversations/{conversation}/messages/?after={after}&limit={PAGE}"
        _, page = await person.call("GET", path, server=server)
        found += page["results"]
        if page["next"] is None or not page["results"]:
            return found
