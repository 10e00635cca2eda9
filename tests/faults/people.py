"""Clients as the contract wants them: who gets no answer sends again, who is cut off comes back with `since`."""

import asyncio
import json
import random
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any

import httpx
import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.services.environment import PASSWORD

from .cluster import Cluster
from .history import DURABLE, Attempt, Connection, Fault, Frame, History, Operation

REFUSALS = {400, 403, 404, 409}
REFUSED = set("not_found permission_denied required blank max_length invalid does_not_exist conflict".split())
ANSWER_SECONDS = 12.0  # longer than any part is paused
AWAY_SECONDS = 2.0
PING_SECONDS, SILENCE_SECONDS = 3.0, 9.0
SMALL_BUFFER, SMALL_SEGMENT = 4096, 536  # bytes: the kernels keep next to nothing for a reader that will stop


class Room:
    """A conversation, and who should be in it."""

    def __init__(self, id: int, members: list["Person"], *, is_group: bool) -> None:
        self.id, self.is_group = id, is_group
        self.admin = members[0]
        self.pool = members[1:]  # who is added and removed
        self.inside = {person.id for person in members}
        self.changing = asyncio.Lock()


class Person:
    """One user: REST through either server, sockets in `seats`."""

    def __init__(self, cluster: Cluster, history: History, rng: random.Random, number: int, *, cut: bool) -> None:
        self.cluster, self.history, self.rng = cluster, history, rng
        self.number = number
        self.through_proxy = cut
        self.home = self.server = number % len(cluster.servers)
        self.home_again = 0.0  # when it is worth asking there again
        self.seats: list[Seat] = []
        self.inboxes: list[Door] = []  # of which `inboxes.InboxSeat` is
        self.said: list[tuple[Room, int]] = []  # messages that are theirs to change
        self.id, self.access = 0, ""
        ports = [cluster.port(server, through_proxy=cut) for server in range(len(cluster.servers))]
        limits = httpx.Limits(max_connections=60, max_keepalive_connections=2)
        self.http = [
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=3),
                limits=limits,
                trust_env=False,
            )
            for port in ports
        ]

    async def register(self, username: str) -> None:
        body = {"email": f"{username}@example.com", "username": username, "password": PASSWORD}
        answer = await self.http[self.server].post("/api/auth/register/", json=body)
        assert answer.status_code == 201, answer.text
        self.id, self.access = answer.json()["user"]["id"], answer.json()["access"]

    async def get(self, path: str, server: int | None = None, **body: Any) -> Any:
        """The JSON of a good answer, of a POST where there is a body; tried again until there is one."""
        method = "POST" if body else "GET"
        headers = {"Authorization": f"Bearer {self.access}"}
        http = self.http[self.server if server is None else server]
        async with asyncio.timeout(30):
            while True:
                try:
                    answer = await http.request(method, path, json=body or None, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(0.2)
                    continue
                if answer.status_code < 300:
                    return answer.json()
                assert answer.status_code in (429, 503), f"{path}: {answer.status_code} {answer.text[:300]}"
                await asyncio.sleep(0.2)

    async def ask(self, operation: Operation, method: str, path: str, body: Any = None) -> Any:
        """One attempt over REST, at whichever server answered last; the JSON of the answer, None without one."""
        now = self.history.now()
        if now > self.home_again:
            self.server = self.home
        attempt = Attempt(now, self.server, "rest")
        operation.attempts.append(attempt)
        headers = {"Authorization": f"Bearer {self.access}"}
        try:
            answer = await self.http[attempt.server].request(method, f"/api/chat/{path}", json=body, headers=headers)
        except httpx.TransportError as error:
            attempt.answer = type(error).__name__
        else:
            attempt.answer = str(answer.status_code)
            if answer.status_code < 300:
                attempt.outcome = "acked"
                return answer.json() if answer.content else None
            attempt.outcome = "failed" if answer.status_code in REFUSALS else "unknown"
        finally:
            attempt.ended = self.history.now()
            if attempt.outcome == "unknown":
                self.server = (attempt.server + 1) % len(self.http)
                self.home_again = attempt.ended + AWAY_SECONDS
        return None

    def seat_in(self, room: Room) -> "Door | None":
        """A socket of theirs that is open in that conversation."""
        doors = [door for door in (*self.seats, *self.inboxes) if door.is_open and door.is_in(room)]
        return self.rng.choice(doors) if doors else None

    async def leave(self) -> None:
        """Close all sockets and do not come back."""
        for door in (*self.seats, *self.inboxes):
            await door.leave()

    async def close(self) -> None:
        await self.leave()
        for http in self.http:
            await http.aclose()


class Door(ABC):
    """One client's socket, opened again for ever, at the other server where one is down."""

    def __init__(self, person: Person, server: int) -> None:
        self.person, self.home, self.server = person, server, server
        self.history, self.rng = person.history, person.rng
        self.small = False
        self.reads = asyncio.Event()  # cleared: it stops reading, its socket stays open
        self.reads.set()
        self.connection: ClientConnection | None = None  # once it is let in
        self.ended_here = False
        self.heard_at = 0.0
        self.answers: dict[str, tuple[Operation, Attempt, asyncio.Future[None]]] = {}
        self.task = asyncio.ensure_future(self._come_back_for_ever())

    @property
    def is_open(self) -> bool:
        return self.connection is not None and self.reads.is_set()

    # What the children say -----------------------------------------------------------------------

    path: str

    @property
    @abstractmethod
    def is_wanted(self) -> bool:
        """Whether there is something to open it for."""

    @abstractmethod
    def is_in(self, room: Room) -> bool:
        """Whether something can be said in that conversation over it."""

    @abstractmethod
    def begin(self) -> None:
        """A connection is about to be opened."""

    @abstractmethod
    def ping(self) -> dict[str, Any]:
        """A frame that is answered."""

    @abstractmethod
    async def take(self, raw: dict[str, Any], frame: Frame, connection: ClientConnection) -> None:
        """A frame that came."""

    @abstractmethod
    def end(self, code: int | None) -> bool:
        """The connection is gone; whether it had been let in."""

    # What a client does --------------------------------------------------------------------------

    async def say(self, operation: Operation, frame: dict[str, Any]) -> None:
        """One attempt over the socket; returns when it is answered, or when no answer will come."""
        assert self.connection is not None
        attempt = Attempt(self.history.now(), self.server, "socket")
        operation.attempts.append(attempt)
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client_id = frame["client_id"]
        self.answers[client_id] = (operation, attempt, answered)
        try:
            await self.connection.send(json.dumps({**frame, "conversation_id": operation.conversation}))
            async with asyncio.timeout(ANSWER_SECONDS):
                await answered
        except (websockets.ConnectionClosed, TimeoutError) as error:
            attempt.answer, attempt.ended = type(error).__name__, self.history.now()

    async def show_typing(self, room: Room) -> None:
        typing = {"type": "typing", "is_typing": True, "conversation_id": room.id}
        with suppress(websockets.ConnectionClosed, AttributeError):
            await self.connection.send(json.dumps(typing))  # type: ignore[union-attr]

    async def leave(self) -> None:
        """Close the socket and do not come back."""
        self.ended_here = True
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    # The socket --------------------------------------------------------------------------------

    async def _come_back_for_ever(self) -> None:
        tries = 0
        while True:
            while not self.is_wanted:
                await asyncio.sleep(0.1)
            self.server = (self.home + tries) % len(self.person.cluster.servers)
            let_in = await self._sit()
            tries = 0 if let_in and tries else tries + 1
            await asyncio.sleep(self.rng.uniform(0.05, 0.4))

    async def _sit(self) -> bool:
        """One connection from its opening to its end; whether it was let in."""
        self.ended_here = False
        self.begin()
        port = self.person.cluster.port(self.server, through_proxy=self.person.through_proxy)
        connection: ClientConnection | None = None
        pings: asyncio.Task[None] | None = None
        code: int | None = None
        try:
            connection = await connect(
                f"ws://127.0.0.1:{port}{self.path}",
                additional_headers={"Authorization": f"Bearer {self.person.access}"},
                max_size=None,
                max_queue=1 if self.small else 16,
                proxy=None,
                compression=None,
                ping_interval=None,
                open_timeout=5,
                close_timeout=1,
                sock=await self._buffered(port) if self.small else None,
            )
            self.heard_at = self.history.now()
            pings = asyncio.ensure_future(self._ping(connection))
            while True:
                await self.reads.wait()
                await self._take(json.loads(await connection.recv()), connection)
        except websockets.ConnectionClosed:
            assert connection is not None
            code = connection.close_code if connection.close_code != 1006 else None
        except (OSError, EOFError, TimeoutError, websockets.InvalidHandshake):
            pass
        finally:
            self.connection = None
            let_in = self.end(code)
            for _, attempt, answered in self.answers.values():
                if not answered.done():
                    attempt.answer, attempt.ended = f"closed {code}", self.history.now()
                    answered.set_result(None)
            self.answers.clear()
            if pings is not None:
                pings.cancel()
                await asyncio.gather(pings, return_exceptions=True)
            if connection is not None:
                connection.transport.abort() if not self.ended_here else await connection.close()
        return let_in

    async def _buffered(self, port: int) -> socket.socket:
        """A connection for which the kernel keeps next to nothing."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SMALL_SEGMENT)  # the server's kernel goes by it
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return sock

    async def _ping(self, connection: ClientConnection) -> None:
        """Notice a network that has gone silent."""
        with suppress(websockets.ConnectionClosed):
            while True:
                await asyncio.sleep(PING_SECONDS)
                if not self.reads.is_set():
                    self.heard_at = self.history.now()
                    continue
                if self.history.now() - self.heard_at > SILENCE_SECONDS:
                    self.ended_here = True
                    connection.transport.abort()
                    return
                await connection.send(json.dumps(self.ping()))

    async def _take(self, raw: dict[str, Any], connection: ClientConnection) -> None:
        now = self.heard_at = self.history.now()
        await self.take(raw, Frame.of(raw, now), connection)
        if raw["type"] in ("ack", "error") and raw["client_id"] in self.answers:
            operation, attempt, answered = self.answers.pop(raw["client_id"])
            attempt.ended, attempt.answer = now, raw.get("code", "ack")
            if raw["type"] == "ack":
                attempt.outcome = "acked"
                operation.message_id = raw.get("message_id", operation.message_id)
                operation.seq = raw.get("seq")
            elif raw["code"] in REFUSED:
                attempt.outcome = "failed"
            if not answered.done():
                answered.set_result(None)


class Seat(Door):
    """A socket in one conversation."""

    def __init__(self, person: Person, room: Room, server: int, *, small: bool = False) -> None:
        super().__init__(person, server)
        self.room, self.small = room, small
        self.version: int | None = None  # what it holds
        self.record: Connection | None = None
        person.seats.append(self)

    @property
    def is_wanted(self) -> bool:
        return self.person.id in self.room.inside

    def is_in(self, room: Room) -> bool:
        return self.room is room

    def begin(self) -> None:
        query = "" if self.version is None else f"?since={self.version}"
        self.path = f"/ws/chat/{self.room.id}/{query}"
        self.record = self.history.connect(
            user=self.person.id,
            conversation=self.room.id,
            server=self.server,
            since=self.version,
            through_proxy=self.person.through_proxy,
        )

    def ping(self) -> dict[str, Any]:
        return {"type": "ping"}

    async def take(self, raw: dict[str, Any], frame: Frame, connection: ClientConnection) -> None:
        assert self.record is not None
        self.record.frames.append(frame)
        if frame.type == "connected":
            self.record.recovered = raw["recovered"]
            if not self.record.recovered:
                self.version = frame.version  # and reload over REST, in which this client takes no interest
            self.connection = connection
        elif frame.type in DURABLE:
            self.version = max(self.version or 0, frame.version or 0)

    def end(self, code: int | None) -> bool:
        assert self.record is not None
        self.record.close(self.history.now(), code, ended_here=self.ended_here)
        return self.record.begin is not None

    def stall(self) -> Fault:
        """Stop reading; the fault ends with `reads.set()`, for who calls to note."""
        assert self.record is not None
        self.reads.clear()
        return self.history.fault(
            "reader", "a reader that stops", server=self.record.server, connection=self.record.number
        )
