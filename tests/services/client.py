"""A socket to the real ASGI application in this process, without a network between."""

import asyncio
import json
from typing import Any

from channels.testing import WebsocketCommunicator

HOST = "localhost"


class Refused(Exception):
    """The handshake was refused, before anything was accepted; a browser sees HTTP 403."""


class Socket:
    """One open WebSocket; frames are dictionaries, `close_code` is set once the server has closed it."""

    def __init__(
        self,
        application: Any,
        path: str,
        *,
        token: str | None = None,
        origin: str | None = f"http://{HOST}",
        subprotocols: list[str] | None = None,
    ) -> None:
        headers = [(b"host", HOST.encode())]
        if token is not None:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        if origin is not None:
            headers.append((b"origin", origin.encode()))
        self.communicator = WebsocketCommunicator(application, path, headers, subprotocols)
        self.subprotocol: str | None = None
        self.close_code: int | None = None

    async def open(self) -> None:
        """Shake hands, or raise `Refused`."""
        accepted, subprotocol = await self.communicator.connect(timeout=5)
        if not accepted:
            raise Refused
        self.subprotocol = subprotocol

    async def send(self, frame: Any) -> None:
        """Send a frame: a dictionary as JSON, text and bytes as they are."""
        if isinstance(frame, bytes):
            await self.communicator.send_to(bytes_data=frame)
        else:
            await self.communicator.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))

    async def receive(self, type: str | None = None, timeout: float = 2) -> dict[str, Any]:
        """The next frame, which must be of that type where one is named."""
        output = await self.communicator.receive_output(timeout)
        if output["type"] == "websocket.close":
            self.close_code = output.get("code", 1000)
            raise AssertionError(f"closed with {self.close_code} where a frame was expected")
        frame: dict[str, Any] = json.loads(output["text"])
        assert type is None or frame["type"] == type, frame
        return frame

    async def receive_until(self, type: str, timeout: float = 2) -> dict[str, Any]:
        """The next frame of that type; those before it are passed over."""
        async with asyncio.timeout(timeout):
            while (frame := await self.receive(timeout=timeout))["type"] != type:
                pass
        return frame

    async def nothing(self, timeout: float = 0.1) -> None:
        """Fail where anything arrives within that time."""
        if not await self.communicator.receive_nothing(timeout):
            raise AssertionError(f"nothing was to arrive, and this did: {await self.receive()}")

    async def closed(self, timeout: float = 2) -> int:
        """Wait until the server closes and return the code; frames before it are passed over."""
        async with asyncio.timeout(timeout):
            while self.close_code is None:
                output = await self.communicator.receive_output(timeout)
                if output["type"] == "websocket.close":
                    self.close_code = output.get("code", 1000)
        return self.close_code

    async def close(self, code: int = 1000) -> None:
        """Go away, as a browser does whose tab is closed; returns when the server has let go of the socket."""
        if self.communicator.future is not None and not self.communicator.future.done():
            await self.communicator.disconnect(code, timeout=5)
