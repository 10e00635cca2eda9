"""What is stored once everything is healed and quiet: the other half of what the invariants look at."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .history import FOREVER

LEAVING = ("participant_removed", "participant_left")


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of a message."""

    id: int
    conversation: int
    seq: int
    version: int
    sender: int | None
    content: str
    client_id: str | None = None
    is_deleted: bool = False
    type: str = "text"


@dataclass(frozen=True, slots=True)
class Change:
    """One version as it was stored at `at`: a trigger of the tests writes them down in the writing transaction."""

    conversation: int
    version: int
    message_id: int
    seq: int
    at: float
    content: str = ""
    is_deleted: bool = False
    event: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A participant's row, and what REST says is unread."""

    conversation: int
    user: int
    visible_after_seq: int
    last_read_seq: int
    unread: int


@dataclass(frozen=True, slots=True)
class Stay:
    """From one coming of a user into a conversation to the next going."""

    visible_after_seq: int = 0
    begin_version: int = 0
    begin_at: float = -FOREVER
    end_version: float = FOREVER
    end_at: float = FOREVER


@dataclass
class State:
    """The final state; `online` is what each server says of each user at the time `presence_read`."""

    messages: list[Stored] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    heads: dict[int, tuple[int, int]] = field(default_factory=dict)  # (last_seq, version)
    parts: list[Part] = field(default_factory=list)
    inboxes: dict[tuple[int, int], int] = field(default_factory=dict)  # by (user, conversation): unread, as told there
    online: dict[int, list[bool]] = field(default_factory=dict)
    presence_read: float = FOREVER
    database_connections: tuple[int, int] = (0, 0)  # before, after

    @cached_property
    def log(self) -> dict[int, list[Change]]:
        """Every version of each conversation, in order."""
        log: defaultdict[int, list[Change]] = defaultdict(list)
        for change in sorted(self.changes, key=lambda each: each.version):
            log[change.conversation].append(change)
        return log

    @cached_property
    def by_version(self) -> dict[tuple[int, int], Change]:
        return {(change.conversation, change.version): change for change in self.changes}

    @cached_property
    def by_message(self) -> dict[int, list[Change]]:
        """The versions of each message, in order."""
        versions: defaultdict[int, list[Change]] = defaultdict(list)
        for change in sorted(self.changes, key=lambda each: each.version):
            versions[change.message_id].append(change)
        return versions

    def after(self, conversation: int, version: int) -> list[Change]:
        """The changes of a conversation after that version."""
        log = self.log[conversation]
        return log[bisect_right(log, version, key=lambda each: each.version) :]

    def next_change(self, change: Change) -> Change | None:
        """The next version of the same message, if there is one."""
        versions = self.by_message[change.message_id]
        index = bisect_right(versions, change.version, key=lambda each: each.version)
        return versions[index] if index < len(versions) else None

    def stays(self, user: int, conversation: int) -> list[Stay]:
        """When the user took part, by the system messages; who was never added was there from the beginning."""
        return self._stays[conversation, user] or [Stay()]

    @cached_property
    def _stays(self) -> dict[tuple[int, int], list[Stay]]:
        stays: defaultdict[tuple[int, int], list[Stay]] = defaultdict(list)
        for conversation, log in self.log.items():
            for change in log:
                event = change.event or {}
                key = (conversation, event.get("user_id", 0))
                if event.get("action") == "participant_added":
                    stays[key].append(Stay(change.seq - 1, change.version, change.at))
                elif event.get("action") in LEAVING:
                    last = stays[key].pop() if stays[key] else Stay()
                    stays[key].append(
                        Stay(last.visible_after_seq, last.begin_version, last.begin_at, change.version, change.at)
                    )
        return stays
