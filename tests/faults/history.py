"""What happened, as the clients saw it: who asked for what, what was answered, every frame of every socket.

All times are seconds of one clock, `time.monotonic()`.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DURABLE = ("chat_message", "message_updated", "message_deleted")
SHOWN = 60  # characters of a content that are kept, here and in the log of the database
FOREVER = float("inf")


@dataclass(slots=True)
class Attempt:
    """One request or frame; `outcome` is acked, failed (a definite refusal) or unknown, `answer` says more."""

    at: float
    server: int
    door: str  # rest | socket
    ended: float = FOREVER
    outcome: str = "unknown"
    answer: str = ""


@dataclass(slots=True)
class Operation:
    """What somebody wanted, over all attempts; a send keeps its `client_id` through them."""

    kind: str  # send | edit | delete | add | remove | read
    user: int
    conversation: int
    content: str = ""
    client_id: str | None = None
    message_id: int | None = None
    seq: int | None = None  # as the ack said
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Which one it is, for people."""
        return f"{self.kind} {self.client_id or self.message_id} of user {self.user}"

    @property
    def outcome(self) -> str:
        """Acked if any attempt was; failed only if every one was refused."""
        outcomes = {attempt.outcome for attempt in self.attempts}
        return "acked" if "acked" in outcomes else "failed" if outcomes == {"failed"} else "unknown"

    @property
    def invoked(self) -> float:
        return self.attempts[0].at if self.attempts else FOREVER

    @property
    def acked_at(self) -> float:
        return min((each.ended for each in self.attempts if each.outcome == "acked"), default=FOREVER)


@dataclass(slots=True)
class Frame:
    """One frame from the server; the last six are those of its message, where it has one."""

    at: float
    type: str
    conversation: int | None = None
    version: int | None = None
    last_seq: int | None = None
    code: str | None = None
    message_id: int | None = None
    seq: int | None = None
    content: str = ""
    is_deleted: bool = False

    @property
    def is_durable(self) -> bool:
        return self.type in DURABLE

    @classmethod
    def of(cls, frame: dict[str, Any], at: float) -> "Frame":
        """A frame as it came, without what no check needs."""
        message = frame.get("message") or {}
        return cls(
            at=at,
            type=frame["type"],
            conversation=message.get("conversation", frame.get("conversation_id")),
            version=frame.get("version"),
            last_seq=frame.get("last_seq"),
            code=frame.get("code"),
            message_id=message.get("id"),
            seq=message.get("seq"),
            content=message.get("content", "")[:SHOWN],
            is_deleted=message.get("is_deleted", False),
        )


@dataclass(slots=True)
class Connection:
    """One socket from its opening to its end; `number` counts all of them."""

    number: int
    user: int
    conversation: int
    server: int
    since: int | None
    opened: float
    through_proxy: bool = False
    recovered: bool = False
    closed: float = FOREVER
    code: int | None = None  # of the server's close frame; None: the connection broke, or is open
    ended_here: bool = False  # by the client itself
    in_inbox: bool = False  # one conversation of an inbox, as if it had a socket of its own
    frames: list[Frame] = field(default_factory=list)

    @property
    def connected(self) -> Frame | None:
        return next((frame for frame in self.frames if frame.type == "connected"), None)

    @property
    def begin(self) -> int | None:
        """The version after which its durable frames begin; None for a socket that was not let in."""
        connected = self.connected
        return None if connected is None else self.since if self.recovered else connected.version

    @property
    def durable(self) -> list[Frame]:
        return [frame for frame in self.frames if frame.is_durable]

    def close(self, at: float, code: int | None, *, ended_here: bool) -> None:
        self.closed, self.code, self.ended_here = at, code, ended_here


@dataclass(slots=True)
class Fault:
    """Something that was done to the cluster, from its beginning until it was undone."""

    kind: str  # redis, postgres, kill, restart, proxy, reader, row: what the invariants tell apart
    name: str
    begun: float
    healed: float = FOREVER
    server: int | None = None
    conversation: int | None = None
    connection: int | None = None

    def holds_up(self, connection: Connection) -> bool:
        """Whether a frame to that socket may be late because of it."""
        match self.kind:
            case "postgres":
                return True
            case "proxy":
                return connection.through_proxy
            case "reader":
                return connection.number == self.connection
        return False


@dataclass(slots=True)
class Sample:
    """What a server process takes: resident bytes, descriptors, threads."""

    at: float
    server: int
    when: str  # begin | end
    memory: int
    descriptors: int
    threads: int


class History:
    """One run's record; everything is added as it happens."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.ended = FOREVER
        self.operations: list[Operation] = []
        self.connections: list[Connection] = []
        self.faults: list[Fault] = []
        self.samples: list[Sample] = []
        self.notes: list[str] = []  # what a nemesis itself found wrong
        self.lags: list[tuple[float, float]] = []  # (when, how long) this very process came late

    @staticmethod
    def now() -> float:
        return time.monotonic()

    def sends(self) -> Iterator[Operation]:
        return (operation for operation in self.operations if operation.kind == "send" and operation.attempts)

    def connect(self, **fields: Any) -> Connection:
        """A new socket."""
        connection = Connection(number=len(self.connections) + 1, opened=self.now(), **fields)
        self.connections.append(connection)
        return connection

    def fault(self, kind: str, name: str, **fields: Any) -> Fault:
        """A fault that begins now; set `healed` when it is undone."""
        fault = Fault(kind, name, self.now(), **fields)
        self.faults.append(fault)
        return fault

    def lag(self, begin: float, end: float) -> float:
        """By how much this process came late between the two at most: it shares the machine with the servers."""
        return max((seconds for at, seconds in self.lags if begin - 1 <= at <= end + 1), default=0.0)

    def count(self, kind: str, outcome: str) -> int:
        return sum(each.kind == kind and each.outcome == outcome for each in self.operations)

    def write(self, path: Path) -> None:
        """The whole record as lines of JSON, times counted from the beginning, for somebody to read."""

        def moved(value: Any, key: str = "") -> Any:
            if isinstance(value, dict):
                return {name: moved(each, name) for name, each in value.items() if each not in (None, "", False)}
            if isinstance(value, list):
                return [moved(each) for each in value]
            if isinstance(value, float) and value != FOREVER:
                return round(value - self.begun, 4)
            return None if value == FOREVER else value

        with path.open("w") as file:
            for kind in ("faults", "operations", "connections", "samples"):
                for each in getattr(self, kind):
                    file.write(json.dumps({kind[:-1]: moved(asdict(each))}, ensure_ascii=False) + "\n")
            for note in self.notes:
                file.write(json.dumps({"note": note}) + "\n")
