"""The parts that are measured, real ones on this machine, and the people and histories in them."""

import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.services import guard
from tests.services.environment import clean_environment
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.server import manage
from tests.services.service import Service

# Every limit is counted as in production, and none is reached.
LIMITS = {
    "THROTTLE_USER": "1000000/10s",
    "THROTTLE_MESSAGES": "1000000/10s",
    "THROTTLE_FRAMES": "1000000/10s",
    "MAX_SOCKETS_PER_USER": "100000",
    "ACCESS_TOKEN_LIFETIME": "86400",
}


# As `chat.services` would store them one by one, which takes a thousand times as long.
SAY = """
    INSERT INTO chat_message
        (conversation_id, seq, version, type, sender_id, content, client_id, client_digest, created_at)
    SELECT id, last_seq + n, version + n, 'text', people[1 + n %% cardinality(people)],
        'Message number ' || n || ' of a history that is long.', 'history-' || last_seq + n, '', now()
    FROM chat_conversation, generate_series(1, %(count)s) AS n,
        LATERAL (
            SELECT array_agg(user_id) AS people FROM chat_conversationparticipant AS part
            WHERE part.conversation_id = chat_conversation.id
        ) AS _
    WHERE id = ANY(%(conversations)s)
"""
COUNT = """
    UPDATE chat_conversation SET last_seq = last_seq + %(count)s, version = version + %(count)s, updated_at = now()
    WHERE id = ANY(%(conversations)s)
"""


class DurablePostgres(PostgresServer):
    """On the disk, and as it comes: a commit is written through before it is answered."""

    root = Path(tempfile.gettempdir())
    tuning = {**PostgresServer.tuning, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


class Recorder(Service):
    """py-spy, drawing a flame graph of where a process and its children spend their time until it is stopped."""

    name = "py-spy"
    stop_signal = signal.SIGINT

    def __init__(self, pid: int, picture: Path) -> None:
        super().__init__(guard.temporary_folder(self.name))
        self.pid, self.picture = pid, picture

    def command(self) -> Sequence[str]:
        what = ("--gil", "--subprocesses", "--pid", str(self.pid), "--output", str(self.picture))
        return (str(Path(sys.executable).with_name("py-spy")), "record", "--rate", "200", *what)

    def answers(self) -> bool:
        return "Sampling process" in self.tail()


@dataclass(frozen=True)
class Serving:
    """Processes that are up: their ports, the process ids of all parts that work for them, and `World.settle`."""

    ports: list[int]
    parts: dict[str, list[int]]
    settle: Callable[[], None]

    def only(self, number: int) -> "Serving":
        """One of the processes, and what works for all of them."""
        return Serving([self.ports[number]], {**self.parts, "server": [self.parts["server"][number]]}, self.settle)


@dataclass(frozen=True)
class Person:
    """An account, and the access token of a session of its own."""

    id: int
    token: str
    user: Any


class World:
    """One PostgreSQL, one Redis, and Django in this process to fill them. With `picture`, servers are recorded."""

    def __init__(self, *, picture: Path | None = None) -> None:
        self.postgres, self.redis, self.picture = DurablePostgres(), RedisServer(), picture
        self.postgres.start()
        self.redis.start()
        self.settings = {
            "DATABASE_URL": self.postgres.create_database("bench"),
            "REDIS_URL": self.redis.url,
            **LIMITS,
        }
        manage("migrate", "--verbosity", "0", **self.settings)
        os.environ.update(clean_environment(**self.settings))
        import django

        django.setup()
        self.people_made = 0

    def close(self) -> None:
        """End PostgreSQL and Redis."""
        for service in (self.redis, self.postgres):
            service.kill()

    def postgres_version(self) -> str:
        with psycopg.connect(self.postgres.url) as connection:
            [version] = connection.execute("SHOW server_version").fetchone() or [""]
        return str(version)

    @contextmanager
    def serving(self, servers: Sequence[Service]) -> Iterator[Serving]:
        """These servers, up, and killed at the end."""
        recorders: list[Recorder] = []
        try:
            for server in servers:
                server.start()
            pids = [pid_of(server) for server in servers]
            if self.picture:
                recorders.append(Recorder(pids[0], self.picture))
                recorders[0].start()
            parts = {"server": pids, "database": [pid_of(self.postgres)], "redis": [pid_of(self.redis)]}
            yield Serving([server.port for server in servers], parts, self.settle)
        finally:
            for recorder in recorders:
                recorder.stop(60)  # it draws now
            for server in servers:
                server.kill()

    def empty(self) -> None:
        """Nobody and nothing is there, as at the beginning."""
        from django.db import connection

        from authentication.models import User
        from chat.models import Conversation

        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {User._meta.db_table}, {Conversation._meta.db_table} CASCADE")
        self.redis.flush()
        self.settle()

    def settle(self) -> None:
        """Have PostgreSQL do now, in every database, what it would do by itself within the next minute."""
        with psycopg.connect(self.postgres.url) as connection:
            databases = connection.execute("SELECT datname FROM pg_database WHERE datallowconn").fetchall()
        for (database,) in databases:
            if not database.startswith("template"):
                self.postgres.execute("VACUUM (ANALYZE)", database=database)
        self.postgres.execute("CHECKPOINT")

    def people(self, count: int) -> list[Person]:
        """So many new accounts, each logged in once."""
        from authentication.models import Session, User
        from authentication.tokens import issue_pair

        first, self.people_made = self.people_made, self.people_made + count
        names = [f"user{number}" for number in range(first, self.people_made)]
        users = User.objects.bulk_create([User(username=name, email=f"{name}@example.com") for name in names])
        return [Person(user.pk, issue_pair(Session(user=user))["access"], user) for user in users]

    def conversations(self, circles: Sequence[Sequence[Person]], messages: int) -> list[int]:
        """The ids of a new conversation of each circle, a private one where it is two, with so many messages."""
        from django.utils import timezone

        from chat.models import Conversation, ConversationParticipant

        now = timezone.now()
        made = Conversation.objects.bulk_create(
            Conversation(
                type="private" if len(people) == 2 else "group",
                name="" if len(people) == 2 else "A group",
                private_key=Conversation.private_key_of(people[0].id, people[1].id) if len(people) == 2 else None,
                created_at=now,
                updated_at=now,
            )
            for people in circles
        )
        ConversationParticipant.objects.bulk_create(
            ConversationParticipant(conversation=conversation, user=person.user, joined_at=now)
            for conversation, people in zip(made, circles, strict=True)
            for person in people
        )
        if messages:
            self.history([conversation.pk for conversation in made], messages)
        return [conversation.pk for conversation in made]

    def version(self, conversation_id: int) -> int:
        """How far a conversation is."""
        from chat.models import Conversation

        return int(Conversation.objects.values_list("version", flat=True).get(pk=conversation_id))

    @contextmanager
    def statements(self) -> Iterator[list[bytes]]:
        """Inside, the statements that read or write are logged, which costs; afterwards the list has their verbs."""
        found: list[bytes] = []
        self._log_statements("all")
        begun = self.postgres.log.stat().st_size
        yield found
        with self.postgres.log.open("rb") as log:
            log.seek(begun)
            found += re.findall(rb"LOG:  (?:statement|execute [^:]*): (SELECT|INSERT|UPDATE|DELETE|WITH)", log.read())
        self._log_statements("none")

    def _log_statements(self, which: str) -> None:
        self.postgres.execute(f"ALTER SYSTEM SET log_statement = '{which}'")
        self.postgres.execute("SELECT pg_reload_conf()")
        time.sleep(0.3)  # until all have read it

    def history(self, conversation_ids: Sequence[int], count: int, *, database: str = "bench") -> None:
        """Have so many messages said in each of the conversations, by its people in turn."""
        with psycopg.connect(self.postgres.database_url(database)) as connection:
            connection.execute(SAY, {"conversations": list(conversation_ids), "count": count})
            connection.execute(COUNT, {"conversations": list(conversation_ids), "count": count})
        self.settle()

    def copy(self, database: str) -> None:
        """Another database with all that is there now; no server may be up."""
        from django.db import connection

        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL alone has one
        self.postgres.create_database(database, template="bench")


def pid_of(service: Service) -> int:
    """The process id of a service that was started."""
    assert service.child is not None
    return service.child.pid
