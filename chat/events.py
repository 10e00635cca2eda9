"""Every frame that the server sends, one typed class each.

The rule of this file: standard library only, and no behaviour but `frame()`.
`docs/protocol.md` and `docs/inbox.md` describe each of them; a test holds them together.
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


# An inbox gets these beside the others, its own `connected` and `pong` instead of those above. -----


@dataclass(frozen=True, slots=True)
class InboxEvent(Event):
    """A frame that only an inbox gets; `docs/inbox.md` describes each of them."""


@dataclass(frozen=True, slots=True)
class InboxConnected(InboxEvent):
    """The first frame of an inbox that is let in; `conversations`: the 200 latest active ones."""

    type: ClassVar[str] = "connected"
    user_id: int
    total_unread: int
    conversations: list[Payload]
    expires_at: str


@dataclass(frozen=True, slots=True)
class Resumed(InboxEvent):
    """Answers `resume`: all that was missed of `recovered` has been sent; `reload` is too far behind for that."""

    type: ClassVar[str] = "resumed"
    recovered: list[int]
    reload: list[int]


@dataclass(frozen=True, slots=True)
class ConversationAdded(InboxEvent):
    """The user is in it from now on, or it is back in their list; what comes after its `version` follows."""

    type: ClassVar[str] = "conversation_added"
    conversation: Payload


@dataclass(frozen=True, slots=True)
class ConversationUpdated(InboxEvent):
    """The name, the description, the participants or the admins are other ones now."""

    type: ClassVar[str] = "conversation_updated"
    conversation: Payload


@dataclass(frozen=True, slots=True)
class ConversationRemoved(InboxEvent):
    """The user is no longer in the conversation, or it was deleted; nothing of it follows."""

    type: ClassVar[str] = "conversation_removed"
    conversation_id: int


@dataclass(frozen=True, slots=True)
class Unread(InboxEvent):
    """The user has read something, on whatever device."""

    type: ClassVar[str] = "unread"
    conversation_id: int
    unread_count: int
    last_read_seq: int
    total_unread: int


@dataclass(frozen=True, slots=True)
class InboxPong(InboxEvent):
    """Answers an inbox's `ping`: how far the conversation is that it named; all three null where it named none."""

    type: ClassVar[str] = "pong"
    conversation_id: int | None
    version: int | None
    last_seq: int | None
