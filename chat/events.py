"""Every frame that the server sends, one typed class each.

The rule of this file: standard library only, and no behaviour but `frame()`.
`docs/protocol.md` describes each of them; a test holds the two together.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """A frame; its fields are the frame's keys, beside `type`."""

    type: ClassVar[str]

    def frame(self) -> Payload:
        """What goes over the wire as one JSON object."""
        return {"type": self.type} | {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class Connected(Event):
    """The first frame of a socket that is let in; `recovered`: all after `?since=` follows."""

    type: ClassVar[str] = "connected"
    conversation_id: int
    user_id: int
    version: int
    last_seq: int
    recovered: bool
    online: list[int]
    expires_at: str


@dataclass(frozen=True, slots=True)
class ChatMessage(Event):
    """A new message, one's own too."""

    type: ClassVar[str] = "chat_message"
    message: Payload
    version: int


@dataclass(frozen=True, slots=True)
class MessageUpdated(Event):
    """A message was edited: put it in its place."""

    type: ClassVar[str] = "message_updated"
    message: Payload
    version: int


@dataclass(frozen=True, slots=True)
class MessageDeleted(Event):
    """A message was deleted: put the tombstone in its place."""

    type: ClassVar[str] = "message_deleted"
    message: Payload
    version: int


@dataclass(frozen=True, slots=True)
class Typing(Event):
    """Somebody else began or stopped typing."""

    type: ClassVar[str] = "typing"
    conversation_id: int
    user_id: int
    username: str
    is_typing: bool


@dataclass(frozen=True, slots=True)
class ReadReceipt(Event):
    """Somebody, perhaps oneself elsewhere, has read up to and including `message_id`, whose seq is `last_read_seq`."""

    type: ClassVar[str] = "read_receipt"
    conversation_id: int
    user_id: int
    username: str
    message_id: int
    last_read_seq: int
    read_at: str


@dataclass(frozen=True, slots=True)
class UserStatus(Event):
    """Somebody else of the conversation came (`online`) or went (`offline`)."""

    type: ClassVar[str] = "user_status"
    conversation_id: int
    user_id: int
    username: str
    status: str
    last_seen: str | None


@dataclass(frozen=True, slots=True)
class Ack(Event):
    """The frame with this `client_id` was done; what more it says is in `extra`."""

    type: ClassVar[str] = "ack"
    client_id: str
    extra: Payload

    def frame(self) -> Payload:
        return {"type": self.type, "client_id": self.client_id, **self.extra}


@dataclass(frozen=True, slots=True)
class Error(Event):
    """A frame was refused; `retry_after` (seconds) is there only where waiting helps."""

    type: ClassVar[str] = "error"
    code: str
    detail: str
    client_id: str | None
    retry_after: float | None = None

    def frame(self) -> Payload:
        waiting = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return {"type": self.type, "code": self.code, "detail": self.detail, "client_id": self.client_id} | waiting


@dataclass(frozen=True, slots=True)
class Pong(Event):
    """Answers `ping`: how far the conversation is, so that a client sees whether it has missed anything."""

    type: ClassVar[str] = "pong"
    version: int
    last_seq: int
