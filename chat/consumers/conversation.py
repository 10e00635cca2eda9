"""The socket of one conversation, `/ws/chat/<conversation_id>/`."""

from typing import Any
from urllib.parse import parse_qs

from rest_framework.exceptions import NotFound

from chat.events import Payload, Pong
from chat.hub import get_hub
from chat.room import Connection, Subscriber
from chat_server.fields import MAX_INTEGER

from .socket import SocketConsumer


class ConversationConsumer(SocketConsumer):
    """Everything on it is about its one conversation, and it ends with its user's part in that."""

    is_of_one_conversation = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.place: Subscriber | None = None

    async def enter(self, connection: Connection) -> None:
        conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        if conversation_id > MAX_INTEGER:
            raise NotFound
        self.place = get_hub().subscriber(conversation_id, connection)
        await get_hub().join(self.place, self._since())

    def _since(self) -> int | None:
        """What `?since=` says, None where it says nothing sensible."""
        values = parse_qs(self.scope["query_string"].decode("latin-1")).get("since", [""])
        return int(values[0]) if values[0].isascii() and values[0].isdigit() and len(values[0]) <= 18 else None

    def leave(self) -> None:
        if self.place is not None:
            get_hub().leave(self.place)

    def addressed(self, frame: Payload) -> Payload:
        return {**frame, "conversation_id": self.scope["url_route"]["kwargs"]["conversation_id"]}

    def subscriber(self, conversation_id: int) -> Subscriber:
        assert self.place is not None
        return self.place

    def pong(self, conversation_id: int | None) -> Pong:
        assert self.place is not None
        version, last_seq = self.place.room.head
        return Pong(version=version, last_seq=last_seq)
