"""The socket for everything of one user, `/ws/inbox/`."""

from typing import Any, ClassVar

from rest_framework.exceptions import NotFound

from chat.events import InboxPong, Payload
from chat.hub import get_hub
from chat.inbox import Inbox, InboxSubscriber
from chat.room import Connection
from chat.serializers import ResumeFrameSerializer

from .socket import Command, SocketConsumer


class InboxConsumer(SocketConsumer):
    """Every frame names its conversation; one that is not its user's is `not_found`."""

    commands: ClassVar[dict[str, Command]] = {
        **SocketConsumer.commands,
        "resume": Command(ResumeFrameSerializer, "resume"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.inbox: Inbox | None = None

    async def enter(self, connection: Connection) -> None:
        self.inbox = get_hub().inbox(connection)
        await get_hub().join_inbox(self.inbox)

    def leave(self) -> None:
        if self.inbox is not None:
            get_hub().leave_inbox(self.inbox)

    def addressed(self, frame: Payload) -> Payload:
        return frame

    def subscriber(self, conversation_id: int) -> InboxSubscriber:
        assert self.inbox is not None
        subscriber = self.inbox.subscribers.get(conversation_id)
        if subscriber is None:
            raise NotFound
        return subscriber

    def pong(self, conversation_id: int | None) -> InboxPong:
        if conversation_id is None:
            return InboxPong(conversation_id=None, version=None, last_seq=None)
        version, last_seq = self.subscriber(conversation_id).room.head
        return InboxPong(conversation_id=conversation_id, version=version, last_seq=last_seq)

    async def take(self, frame: Payload, client_id: str | None) -> None:
        assert self.inbox is not None
        if not self.inbox.is_live and frame.get("type") != "resume":  # it holds nothing, or says so too late
            await self.inbox.go_live()
        await super().take(frame, client_id)

    async def resume(self, said: Payload) -> Payload:
        assert self.inbox is not None
        await get_hub().resume(self.inbox, said["versions"])
        return {}
