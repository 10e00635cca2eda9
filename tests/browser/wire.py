"""What stands between a page and the server's socket: frames are held back, refused, or not let through at all."""

import json
from typing import Any

from playwright.sync_api import WebSocketRoute

from .person import Person


class Wire:
    """All frames of a person's page, which begins anew with it; what goes through is up to those below."""

    def __init__(self, person: Person) -> None:
        self.page = person.page
        self.is_cut = False
        self.held: list[tuple[WebSocketRoute, str]] = []
        self._holds: tuple[str, ...] = ()
        self._refuses: list[str] = []
        self._sockets: list[WebSocketRoute] = []
        self.page.route_web_socket("**/ws/**", self._connect)
        self.page.reload()

    def cut(self, code: int | None = None) -> None:
        """End what is open, with that close code, and let nothing through."""
        self.is_cut = True
        while self._sockets:
            self._sockets.pop().close(**({} if code is None else {"code": code}))

    def mend(self) -> None:
        self.is_cut = False

    def hold_back(self, *types: str) -> None:
        """Keep the server's frames of these types until they are let go."""
        self._holds = types

    def let_go(self, type: str) -> None:
        """Let the frames of that type through; at least one has come, or is waited for."""
        while not any(kind(data) == type for _, data in self.held):
            self.page.wait_for_timeout(20)
        self._holds = tuple(each for each in self._holds if each != type)
        for socket, data in [each for each in self.held if kind(each[1]) == type]:
            socket.send(data)
        self.held = [each for each in self.held if kind(each[1]) != type]

    def refuse(self, content: str) -> None:
        """Have the next message of that content refused for good."""
        self._refuses.append(content)

    def _connect(self, socket: WebSocketRoute) -> None:
        if self.is_cut:
            socket.close()
            return
        server = socket.connect_to_server()
        self._sockets.append(socket)
        server.on_message(lambda data: self._from_server(socket, str(data)))
        socket.on_message(lambda data: self._from_page(socket, server, str(data)))

    def _from_server(self, socket: WebSocketRoute, data: str) -> None:
        if kind(data) in self._holds:
            self.held.append((socket, data))
        else:
            socket.send(data)

    def _from_page(self, socket: WebSocketRoute, server: WebSocketRoute, data: str) -> None:
        frame: dict[str, Any] = json.loads(data)
        if frame.get("content") not in self._refuses:
            return server.send(data)
        self._refuses.remove(frame["content"])
        refusal = {"type": "error", "code": "permission_denied", "detail": "No.", "client_id": frame["client_id"]}
        return socket.send(json.dumps(refusal))


def kind(data: str) -> str:
    return str(json.loads(data)["type"])
