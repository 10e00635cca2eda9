"""What is measured and what it is compared with: how each is started, spoken to and filled."""

import itertools
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psycopg

from tests.services import guard
from tests.services.server import ServerProcess
from tests.services.service import Service

from .load import Dialect, Socket
from .rest import getting
from .sockets import TEXT, of_conversation
from .world import World

PROJECT = Path(__file__).resolve().parent.parent
SOCKETIO_DATABASE = "socketio"
SOCKETIO_FOLDER = PROJECT / "bench" / "peers" / "socketio"


class System(Protocol):
    """One chat server."""

    name: str

    def processes(self, count: int) -> list[Service]:
        """So many of its processes, not started yet."""
        ...

    def rooms(self, count: int, members: int) -> list[list[Socket]]:
        """So many new rooms, in each a socket for each of its members, not opened yet."""
        ...

    def newest(self, messages: int) -> bytes:
        """The request for the newest 50 of so many messages."""
        ...


class Ours:
    """This project, with all rights and limits."""

    name = "ours"

    def __init__(self, world: World, database: str = "bench") -> None:
        self.world = world
        self.settings = {**world.settings, "DATABASE_URL": world.postgres.database_url(database)}

    def processes(self, count: int) -> list[Service]:
        return [ServerProcess(workers=1, **self.settings) for _ in range(count)]

    def rooms(self, count: int, members: int) -> list[list[Socket]]:
        circles = [self.world.people(members) for _ in range(count)]
        ids = self.world.conversations(circles, 0)
        return [[of_conversation(one, pk) for one in people] for people, pk in zip(circles, ids, strict=True)]

    def newest(self, messages: int) -> bytes:
        people = self.world.people(10)
        [conversation_id] = self.world.conversations([people], messages)
        return getting(f"/api/chat/conversations/{conversation_id}/messages/?limit=50", people[0].token)()


def _naive_say(number: int) -> bytes:
    return json.dumps({"content": TEXT, "client_id": str(number)}).encode()


class HttpService(Service):
    """A server that is up once it answers a GET of `probe`, whatever it says."""

    probe = "/"

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.probe}", timeout=2).close()
        except OSError as error:
            return isinstance(error, urllib.request.HTTPError)
        return True


class NaiveServer(HttpService):
    """`bench/naive.py` under plain Daphne."""

    name = "naive"

    def __init__(self, world: World) -> None:
        super().__init__(guard.temporary_folder(self.name))
        self.world = world

    def command(self) -> Sequence[str]:
        daphne = (sys.executable, "-m", "daphne", "--bind", "127.0.0.1", "--port", str(self.port))
        return (*daphne, "bench.naive:application")

    def environment(self) -> Mapping[str, str]:
        # Its own settings, which take these two from the environment.
        names = ("DATABASE_URL", "REDIS_URL")
        return {"PYTHONPATH": str(PROJECT), **{name: self.world.settings[name] for name in names}}


class Naive:
    """A consumer as in the tutorial of Channels, and a plain view of DRF: no accounts, no rights, nothing stored."""

    name = "naive"
    dialect = Dialect(
        delivered=b'{"type": "chat.message"', answered=b'{"type": "ack"', say=_naive_say, ready=b'{"type": "connected"'
    )

    def __init__(self, world: World) -> None:
        self.world = world

    def processes(self, count: int) -> list[Service]:
        return [NaiveServer(self.world) for _ in range(count)]

    def rooms(self, count: int, members: int) -> list[list[Socket]]:
        return [[Socket(self.dialect, f"/ws/{room}/") for _ in range(members)] for room in range(count)]

    def newest(self, messages: int) -> bytes:
        [conversation_id] = self.world.conversations([self.world.people(10)], messages)
        return getting(f"/messages/{conversation_id}/")()


def _socketio_say(number: int) -> bytes:
    return f'42{number}["say",{json.dumps({"content": TEXT, "client_id": str(number)})}]'.encode()


class SocketIoServer(HttpService):
    """`bench/peers/socketio`, its packages installed where they are not yet."""

    name = "socketio"
    probe = "/?room=0"

    def __init__(self, world: World) -> None:
        super().__init__(guard.temporary_folder(self.name))
        self.settings = {
            "DATABASE_URL": world.postgres.database_url(SOCKETIO_DATABASE),
            "REDIS_URL": world.redis.url,
        }
        if not (SOCKETIO_FOLDER / "node_modules").is_dir():
            subprocess.run(["npm", "ci", "--silent"], cwd=SOCKETIO_FOLDER, check=True, stdin=subprocess.DEVNULL)

    def command(self) -> Sequence[str]:
        return (shutil.which("node") or "node", str(SOCKETIO_FOLDER / "server.mjs"))

    def environment(self) -> Mapping[str, str]:
        return {"PORT": str(self.port), "NODE_ENV": "production", **self.settings}


class SocketIo:
    """socket.io with its Redis adapter and PostgreSQL: stores, then acks and broadcasts; no accounts, no rights."""

    name = "socket.io"
    # Engine.io's packets: 4 is a message, 2 a ping and 3 the pong; socket.io's in it: 0 connect, 2 an event, 3 an ack.
    dialect = Dialect(
        delivered=b'42["message",',
        answered=b'[{"id":',
        say=_socketio_say,
        hello=(b'0{"sid"', b"40"),
        ready=b'40{"sid"',
        alive=(b"\x81\x012", b"3"),
    )

    def __init__(self, world: World) -> None:
        self.world = world
        self.numbers = itertools.count(1)

    def processes(self, count: int) -> list[Service]:
        self.world.postgres.create_database(SOCKETIO_DATABASE)  # empty each time; the first process makes the tables
        return [SocketIoServer(self.world) for _ in range(count)]

    def rooms(self, count: int, members: int) -> list[list[Socket]]:
        numbers = [next(self.numbers) for _ in range(count)]
        path = "/socket.io/?EIO=4&transport=websocket&room={}&user={}"
        return [[Socket(self.dialect, path.format(room, user)) for user in range(members)] for room in numbers]

    def newest(self, messages: int) -> bytes:
        room = next(self.numbers)
        with psycopg.connect(self.world.postgres.database_url(SOCKETIO_DATABASE)) as connection:
            connection.execute("INSERT INTO room (id, last_seq) VALUES (%s, %s)", (room, messages))
            connection.execute(
                """INSERT INTO said (room, seq, sender, content, client_id)
                SELECT %s, n, 1 + n %% 10, 'Message number ' || n || ' of a history that is long.', 'history-' || n
                FROM generate_series(1, %s) AS n""",
                (room, messages),
            )
        self.world.settle()
        return getting(f"/?room={room}")()


def missing_peer() -> str | None:
    """Why socket.io cannot be compared with, None where it can."""
    if all(map(shutil.which, ("node", "npm"))):
        return None
    return "Node is not here: no comparison with socket.io (node and npm make it one)"


def systems(world: World) -> list[System]:
    """Ours first, then all that it can be compared with here; nothing is, while ours is recorded."""
    if world.picture:
        return [Ours(world)]
    return [Ours(world), Naive(world), *([] if missing_peer() else [SocketIo(world)])]
