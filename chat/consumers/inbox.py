"""The socket for everything of one user, `/ws/inbox/`.

Frames about one conversation are obeyed in the order in which they came. Those of another one do not wait for them: a
conversation whose row somebody else holds stalls alone.
"""

import asyncio
from functools import partial
from typing import Any

from rest_framework.exceptions import NotFound

from chat.events import InboxPong, Payload
from chat.hub import get_hub
from chat.inbox import Inbox, InboxSubscriber
from chat.room import Connection
from chat.serializers import ResumeFrameSerializer

from .socket import SocketConsumer

MAY_WAIT = frozenset({"chat_message", "read_receipt"})  # for the database
MAX_UNDER_WAY = 64  # frames; then the socket is not read before one of them is done


class InboxConsumer(SocketConsumer):
    """Every frame names its conversation; one that is not its user's is `not_found`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.inbox: Inbox | None = None
        self.commands["resume"] = (ResumeFrameSerializer, self.resume)
        self.under_way: set[asyncio.Task[None]] = set()
        self.lanes: dict[int, asyncio.Task[None]] = {}  # by conversation, the last of its frames

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
        kind, conversation_id = frame.get("type"), frame.get("conversation_id")
        may_wait = isinstance(kind, str) and kind in MAY_WAIT
        if not isinstance(conversation_id, int) or not (may_wait or conversation_id in self.lanes):
            await super().take(frame, client_id)
            return
        task = asyncio.create_task(self._take_after(self.lanes.get(conversation_id), frame, client_id))
        self.lanes[conversation_id] = task
        self.under_way.add(task)
        task.add_done_callback(partial(self._taken, conversation_id))
        if len(self.under_way) >= MAX_UNDER_WAY:
            await asyncio.wait(self.under_way, return_when=asyncio.FIRST_COMPLETED)

    async def _take_after(self, before: asyncio.Task[None] | None, frame: Payload, client_id: str | None) -> None:
        if before is not None:
            await asyncio.wait({before})
        if self.connection is not None:
            await super().take(frame, client_id)

    def _taken(self, conversation_id: int, task: asyncio.Task[None]) -> None:
        self.under_way.discard(task)
        if self.lanes.get(conversation_id) is task:
            del self.lanes[conversation_id]

    async def _finish(self) -> None:
        """Return when all frames that came have been obeyed."""
        if self.under_way:
            await asyncio.wait(self.under_way)

    async def websocket_shutdown(self, message: Payload) -> None:
        await self._finish()
        await super().websocket_shutdown(message)

    async def disconnect(self, code: int) -> None:
        self.leave()  # at once: finishing may take longer than this is given
        await self._finish()
        await super().disconnect(code)

    async def _obey(self, frame: Payload) -> Payload:
        assert self.inbox is not None
        if not self.inbox.is_live and frame.get("type") != "resume":  # it holds nothing, or says so too late
            await self.inbox.go_live()
        return await super()._obey(frame)

    async def resume(self, said: Payload) -> Payload:
        assert self.inbox is not None
        await get_hub().resume(self.inbox, said["versions"])
        return {}
