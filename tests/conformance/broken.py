"""The application, broken on purpose between it and its server: `PUT /break/<how>` says how, `none` mends it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from chat_server.asgi import application as whole

DURABLE = ("chat_message", "message_updated", "message_deleted")
Message = dict[str, Any]
how = "none"


async def application(scope: Message, receive: Any, send: Any) -> None:
    global how
    if scope["type"] == "http" and scope["path"].startswith("/break/"):
        how = scope["path"].removeprefix("/break/")
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    elif scope["type"] == "websocket":
        socket = BrokenSocket(receive, send)
        since = parse_qs(scope["query_string"].decode()).get("since", [""])[0]
        if how == "overlap" and since.isdigit():  # what the client has comes again
            scope = {**scope, "query_string": f"since={max(0, int(since) - 3)}".encode()}
        await whole(scope, socket.receive, socket.send)
    else:
        await whole(scope, receive, send)


class BrokenSocket:
    """One socket, on both sides of the application."""

    def __init__(self, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        self.true_receive = receive
        self.true_send = send
        self.sent = 0
        self.held: Message | None = None
        self.client_ids: dict[str, str] = {}

    async def receive(self) -> Message:
        """What the client says; some of it is acknowledged and forgotten, or given another `client_id`."""
        while True:
            message = await self.true_receive()
            frame = json.loads(message.get("text") or "{}")
            if frame.get("type") != "chat_message":
                return message
            self.sent += 1
            if how == "twins":
                known_as = f"{frame['client_id']} {self.sent}"
                self.client_ids[known_as] = frame["client_id"]
                return {**message, "text": json.dumps({**frame, "client_id": known_as})}
            if how != "forget" or self.sent % 4:
                return message
            ack = {"type": "ack", "client_id": frame["client_id"], "message_id": 10**9, "seq": 1, "duplicate": False}
            await self.true_send({"type": "websocket.send", "text": json.dumps(ack)})

    async def send(self, message: Message) -> None:
        """What the server says; some of it comes never, twice, or in another order."""
        if message["type"] == "websocket.close" and message["code"] == 4401 and how == "stay":
            return
        frame = json.loads(message.get("text") or "{}")
        if frame.get("client_id") in self.client_ids:
            message = {**message, "text": json.dumps({**frame, "client_id": self.client_ids[frame["client_id"]]})}
        if how == "type for ever" and frame.get("type") == "typing" and not frame["is_typing"]:
            return
        is_chosen = frame.get("type") in DURABLE and frame["version"] % 7 == 0
        if is_chosen and how == "lose":
            return
        if is_chosen and how == "swap" and self.held is None:
            self.held = message
            return
        await self.true_send(message)
        if is_chosen and how == "double":
            await self.true_send(message)
        if self.held is not None and frame.get("type") in DURABLE:
            held, self.held = self.held, None
            await self.true_send(held)
