"""A real server process, as an operator starts it, and a client that shares no code with it."""

import asyncio
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

from . import guard
from .environment import PASSWORD, clean_environment
from .service import Service

PROJECT = Path(__file__).resolve().parent.parent.parent


def manage(*arguments: str, **settings: str) -> str:
    """Run `manage.py` with these settings and no others; what it printed."""
    done = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        cwd=PROJECT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


class ServerProcess(Service):
    """`manage.py serve` on a free port, against a database that is migrated."""

    name = "server"

    def __init__(self, *, workers: int = 1, **settings: str) -> None:
        super().__init__(guard.temporary_folder(self.name))
        self.workers = workers
        self.settings = settings

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def command(self) -> Sequence[str]:
        serve = (sys.executable, str(PROJECT / "manage.py"), "serve")
        return (*serve, "--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers))

    def environment(self) -> Mapping[str, str]:
        return clean_environment(**self.settings)

    def answers(self) -> bool:
        # Not httpx: it makes a TLS context each time, and this is asked again and again while the server starts.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


Server = TypeVar("Server", bound=ServerProcess)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server that is up, and killed at the end."""
    server.start()
    try:
        yield server
    finally:
        server.kill()


class RealClient:
    """One person on one server process: REST over httpx, sockets over `websockets`."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.http = httpx.AsyncClient(base_url=server.url, timeout=15, trust_env=False)
        self.sockets: list[RealSocket] = []
        self.access = self.refresh = ""
        self.user: dict[str, Any] = {}

    @property
    def id(self) -> int:
        return int(self.user["id"])

    async def register(self, username: str) -> Self:
        """Make an account and be logged in with it."""
        body = {"email": f"{username}@example.com", "username": username, "password": PASSWORD}
        return self._enter(await self.call("POST", "/api/auth/register/", body, expect=201))

    async def login(self, username: str) -> Self:
        """Be logged in with an account that is there, in a session of one's own."""
        body = {"email": f"{username}@example.com", "password": PASSWORD}
        return self._enter(await self.call("POST", "/api/auth/login/", body, expect=200))

    def on(self, server: ServerProcess) -> "RealClient":
        """The same session on another server process."""
        other = RealClient(server)
        other.access, other.refresh, other.user = self.access, self.refresh, self.user
        return other

    async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = None) -> Any:
        """The JSON of the answer, None where it has no body; with `expect`, that status and no other."""
        headers = {"Authorization": f"Bearer {self.access}"} if self.access else {}
        answer = await self.http.request(method, path, json=body, headers=headers)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    async def create_private(self, other: "RealClient") -> int:
        """The id of the private conversation with that one."""
        body = {"type": "private", "participant_ids": [other.id]}
        return int((await self.call("POST", "/api/chat/conversations/create/", body))["id"])

    async def create_group(self, name: str, *others: "RealClient") -> int:
        """The id of a new group, with oneself as its admin."""
        body = {"type": "group", "name": name, "participant_ids": [other.id for other in others]}
        return int((await self.call("POST", "/api/chat/conversations/create/", body, expect=201))["id"])

    async def post(self, conversation: int, content: str, **fields: Any) -> dict[str, Any]:
        """Send a message over REST and return it."""
        body = {"conversation": conversation, "content": content, **fields}
        message: dict[str, Any] = await self.call("POST", "/api/chat/messages/create/", body, expect=201)
        return message

    async def connect(self, conversation: int, **query: Any) -> "RealSocket":
        """An open socket to the conversation, before its first frame is read."""
        return await self._open(f"/ws/chat/{conversation}/?{urlencode(query)}")

    async def open_inbox(self) -> "RealSocket":
        """An open inbox, before its first frame is read."""
        return await self._open("/ws/inbox/")

    async def _open(self, path: str) -> "RealSocket":
        socket = RealSocket(
            await websockets.connect(
                f"{self.server.ws_url}{path}",
                additional_headers={"Authorization": f"Bearer {self.access}"},
                max_size=None,
                proxy=None,
                ping_interval=None,  # a paused server is not a dead one
            )
        )
        self.sockets.append(socket)
        return socket

    async def close(self) -> None:
        """Close every socket and connection."""
        for socket in self.sockets:
            await socket.close()
        await self.http.aclose()

    def _enter(self, answer: dict[str, Any]) -> Self:
        self.access, self.refresh, self.user = answer["access"], answer["refresh"], answer["user"]
        return self


class RealSocket:
    """One socket of a `RealClient`; frames are dictionaries."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, frame: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(frame))

    async def receive(self, type: str | None = None, timeout: float = 5) -> dict[str, Any]:
        """The next frame, which must be of that type where one is named."""
        async with asyncio.timeout(timeout):  # wait_for may swallow a cancellation
            frame: dict[str, Any] = json.loads(await self.connection.recv())
        assert type is None or frame["type"] == type, frame
        return frame

    async def receive_until(self, type: str, timeout: float = 5) -> dict[str, Any]:
        """The next frame of that type; those before it are passed over."""
        async with asyncio.timeout(timeout):
            while (frame := await self.receive(timeout=timeout))["type"] != type:
                pass
        return frame

    async def rest(self, timeout: float = 5) -> list[dict[str, Any]]:
        """Every frame until the server closes; `connection.close_code` says with which code."""
        frames = []
        async with asyncio.timeout(timeout):
            try:
                while True:
                    frames.append(json.loads(await self.connection.recv()))
            except websockets.ConnectionClosed:
                return frames

    async def nothing(self, timeout: float = 0.3) -> None:
        """Fail where anything arrives within that time."""
        try:
            frame = await self.receive(timeout=timeout)
        except TimeoutError:
            return
        raise AssertionError(f"nothing was to arrive, and this did: {frame}")

    async def close_code(self, timeout: float = 5) -> int | None:
        """Wait until the server closes, and return the code; frames before it are passed over."""
        await self.rest(timeout)
        return self.connection.close_code

    async def close(self) -> None:
        await self.connection.close()
