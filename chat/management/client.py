"""A client of a chat server, as anybody may write one: REST over httpx, sockets over `websockets`, public API only.

What goes wrong on the way is a `CommandError` of one line: `demo` and `chat_conformance` speak to a person.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import websockets
from django.core.management.base import CommandError
from websockets.asyncio.client import ClientConnection

Frame = dict[str, Any]
PATIENCE = 15  # seconds; a longer Retry-After is not waited for
TIMEOUT = 30.0
AWAY = (502, 503, 504)


class NoAnswer(CommandError):
    """Nothing answers there, or not any more, or it cannot serve now: whether the call was obeyed is not known."""


class Refused(CommandError):
    """The server said no, with this `status` over REST or this close `code` on a socket."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def address(text: str) -> str:
    """The address of a server without a slash at its end; `CommandError` for what is no http:// or https:// one."""
    try:
        parts = urlsplit(text)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL):
        is_one = False
    if not is_one:
        raise CommandError(f"--url takes an address like http://localhost:8000, not {text}")
    return text.rstrip("/")


class Server:
    """One address that a server answers at, over one pool of connections."""

    def __init__(self, url: str, *, name: str) -> None:
        self.url = url
        self.is_secure = url.startswith("https")
        self.ws_url = "ws" + url.removeprefix("http")
        # The certificates that this machine trusts, for REST and sockets alike; no proxy: sockets take none either.
        self.tls = ssl.create_default_context() if self.is_secure else None
        self.user_agent = f"manage.py {name}"
        self.http = httpx.AsyncClient(
            verify=self.tls or False,
            timeout=TIMEOUT,
            trust_env=False,
            headers={"User-Agent": self.user_agent},
            limits=httpx.Limits(max_connections=None),
        )

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", accept: Sequence[int] = ()
    ) -> tuple[int, Any]:
        """Status and JSON of the answer; statuses of 400 and above only where they are in `accept`.

        A 429 that asks for no more than `PATIENCE` is waited for and tried again, unless it is in `accept`.
        `NoAnswer`, `Refused`.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            answer = await self.http.request(method, f"{self.url}{path}", json=body, headers=headers)
        except (httpx.HTTPError, OSError) as error:
            reason = str(error) or type(error).__name__
            hint = " `make run` starts one." if urlsplit(self.url).hostname == "localhost" else ""
            raise NoAnswer(f"No server answers at {self.url} ({reason}).{hint}") from None
        status, wait = answer.status_code, answer.headers.get("Retry-After", "")
        if status == 429 and status not in accept and wait.isdecimal() and int(wait) <= PATIENCE:
            await asyncio.sleep(int(wait))
            return await self.call(method, path, body, token=token, accept=accept)
        stranger = CommandError(f"What answers at {self.url} is not this chat server ({path}: {status}).")
        if 300 <= status < 400:
            to = answer.headers.get("Location", "").removesuffix(path)
            raise CommandError(f"{self.url} sends its clients elsewhere: name that address ({to}).") if to else stranger
        try:
            content: Any = answer.json() if answer.content else None
            if status >= 400 and status not in accept:
                text = f"{method} {path} was answered {status}: {content['errors'][0]['detail']}"
                raise NoAnswer(text) if status in AWAY else Refused(text, status)
        except (ValueError, LookupError, TypeError):
            raise stranger from None
        return status, content

    async def close(self) -> None:
        """Close every connection."""
        await self.http.aclose()


@asynccontextmanager
async def servers(urls: Sequence[str], *, name: str) -> AsyncIterator[list[Server]]:
    """The servers at these addresses, spoken to as `manage.py <name>`; their connections are closed at the end."""
    for library in ("httpx", "websockets"):  # they log every call
        logging.getLogger(library).setLevel(logging.ERROR)
    found = [Server(url, name=name) for url in urls]
    try:
        yield found
    finally:
        for server in found:
            await server.close()


class Person:
    """Somebody logged in; REST calls and sockets go round over the servers, unless one is named."""

    def __init__(self, servers: Sequence[Server], user: dict[str, Any], *, access: str, refresh: str = "") -> None:
        self.servers = servers
        self.user = user
        self.access = access
        self.refresh = refresh
        self.turn = 0

    @property
    def id(self) -> int:
        return int(self.user["id"])

    @property
    def username(self) -> str:
        return str(self.user["username"])

    @classmethod
    async def register(cls, servers: Sequence[Server], account: dict[str, str]) -> Person | None:
        """A new account, logged in; None where the server does not want it (its name or address is taken)."""
        status, entered = await servers[0].call("POST", "/api/auth/register/", account, accept=[400])
        return None if status == 400 else cls._of(servers, entered)

    @classmethod
    async def login(cls, servers: Sequence[Server], *, email: str, password: str) -> Person | None:
        """Somebody with an account, in a session of its own; None where address and password do not fit."""
        login = {"email": email, "password": password}
        status, entered = await servers[0].call("POST", "/api/auth/login/", login, accept=[401])
        return None if status == 401 else cls._of(servers, entered)

    @classmethod
    async def holding(cls, servers: Sequence[Server], token: str) -> Person | None:
        """Who this access token belongs to; None where it is no longer good."""
        status, found = await servers[0].call("GET", "/api/auth/profile/", token=token, accept=[401])
        return None if status == 401 else cls(servers, found, access=token)

    @classmethod
    def _of(cls, servers: Sequence[Server], entered: Any) -> Person:
        try:
            return cls(servers, entered["user"], access=entered["access"], refresh=entered["refresh"])
        except (LookupError, TypeError):
            raise CommandError(f"What answers at {servers[0].url} is not this chat server.") from None

    def next_server(self) -> Server:
        """The servers in turn."""
        self.turn += 1
        return self.servers[self.turn % len(self.servers)]

    async def call(
        self, method: str, path: str, body: Any = None, *, accept: Sequence[int] = (), server: Server | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer below 400 or in `accept`."""
        chosen = server or self.next_server()
        return await chosen.call(method, path, body, token=self.access, accept=accept)

    async def renew(self) -> None:
        """Trade the refresh token for a fresh pair."""
        _, pair = await self.next_server().call("POST", "/api/auth/token/refresh/", {"refresh": self.refresh})
        self.access, self.refresh = pair["access"], pair["refresh"]

    async def logout(self) -> None:
        """End this session."""
        await self.call("POST", "/api/auth/logout/")

    async def connect(
        self,
        conversation: int,
        *,
        since: int | str | None = None,
        server: Server | None = None,
        on_frame: Callable[[Frame], None] = lambda frame: None,
        **options: Any,
    ) -> Socket:
        """A socket of the conversation that was let in; `NoAnswer`, or `Refused` with its close code."""
        server = server or self.next_server()
        query = "" if since is None else "?" + urlencode({"since": since})
        url = f"{server.ws_url}/ws/chat/{conversation}/"
        try:
            connection = await websockets.connect(
                url + query,
                additional_headers={"Authorization": f"Bearer {self.access}"},
                user_agent_header=server.user_agent,
                ssl=server.tls,
                proxy=None,
                max_size=None,
                **options,
            )
        except websockets.InvalidStatus as error:
            status = error.response.status_code
            raise Refused(f"No socket could be opened to {url} (HTTP {status}).", status) from None
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            raise NoAnswer(f"No socket could be opened to {url} ({error or type(error).__name__}).") from None
        socket = Socket(connection, on_frame=on_frame)
        await socket.let_in()
        return socket


def _frame(text: str | bytes) -> Frame:
    """What the server said; what is no frame is one without sense, for whoever checks."""
    try:
        frame = json.loads(text)
    except ValueError:
        frame = None
    return frame if isinstance(frame, dict) and isinstance(frame.get("type"), str) else {"type": "", "text": text}


class Socket:
    """One open socket; a task of its own reads it, and `frames` holds all that came, each with when it came."""

    def __init__(self, connection: ClientConnection, *, on_frame: Callable[[Frame], None]) -> None:
        self.connection = connection
        self.on_frame = on_frame
        self.frames: list[tuple[float, Frame]] = []
        self.closed_at: float | None = None
        self.news = asyncio.Event()
        self.reader = asyncio.create_task(self._read())

    @property
    def close_code(self) -> int | None:
        """None while it is open; 1006 where the connection just ended."""
        return self.connection.close_code

    async def _read(self) -> None:
        try:
            async for text in self.connection:
                frame = _frame(text)
                self.frames.append((time.monotonic(), frame))
                self.on_frame(frame)
                self.news.set()
        except websockets.ConnectionClosed:
            pass
        finally:
            self.closed_at = time.monotonic()
            self.news.set()

    async def let_in(self) -> None:
        """Return when the first frame has come; `Refused` where it is not `connected`."""
        frame = await self.wait_for(lambda _: True, within=TIMEOUT)
        if frame is None or frame["type"] != "connected":
            await self.wait_until_closed(2)
            code = self.close_code or 0
            await self.close()
            raise Refused(f"A socket was refused ({code}: {frame.get('detail', frame) if frame else 'no word'}).", code)
        self.connected = frame

    async def say(self, type: str, **fields: Any) -> bool:
        """Send a frame; False where the socket is closed."""
        try:
            await self.connection.send(json.dumps({"type": type, **fields}))
        except websockets.ConnectionClosed:
            return False
        return True

    async def wait_for(self, fits: Callable[[Frame], bool], *, within: float, start: int = 0) -> Frame | None:
        """The first frame from number `start` on that fits, come or to come; None where none does in time."""
        at, end = start, time.monotonic() + within
        while True:
            self.news.clear()
            while at < len(self.frames):
                if fits(self.frames[at][1]):
                    return self.frames[at][1]
                at += 1
            if self.closed_at is not None:
                return None
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await self.news.wait()
            except TimeoutError:
                return None

    async def answer_to(self, client_id: str, *, within: float, start: int = 0) -> Frame | None:
        """The `ack` or `error` of what was sent with that `client_id`; None where none comes in time."""
        return await self.wait_for(
            lambda frame: frame["type"] in ("ack", "error") and frame.get("client_id") == client_id,
            within=within,
            start=start,
        )

    async def wait_until_closed(self, within: float) -> bool:
        """Whether the server closes it in that time."""
        await asyncio.wait([self.reader], timeout=within)
        return self.reader.done()

    def drop(self) -> None:
        """Cut the connection without a word, as a network does."""
        self.connection.transport.abort()

    async def close(self) -> None:
        """Close it, and let go of it where the other side does not answer."""
        try:
            async with asyncio.timeout(5):
                await self.connection.close()
        except TimeoutError:
            self.drop()
        await asyncio.wait([self.reader])
