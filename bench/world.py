"""The parts that are measured, real ones on this machine, and the people and histories in them."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.environment import clean_environment
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.server import ServerProcess, manage

# Every limit is counted as in production, and none is reached.
LIMITS = {
    "THROTTLE_USER": "1000000/10s",
    "THROTTLE_MESSAGES": "1000000/10s",
    "THROTTLE_FRAMES": "1000000/10s",
    "MAX_SOCKETS_PER_USER": "100000",
    "ACCESS_TOKEN_LIFETIME": "86400",
}


class DurablePostgres(PostgresServer):
    """On the disk, and as it comes: a commit is written through before it is answered."""

    root = Path(tempfile.gettempdir())
    tuning = {**PostgresServer.tuning, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


@dataclass(frozen=True)
class Person:
    """An account, and the access token of a session of its own."""

    id: int
    token: str
    user: Any


class World:
    """One PostgreSQL, one Redis, and Django in this process to fill them."""

    def __init__(self) -> None:
        self.postgres, self.redis = DurablePostgres(), RedisServer()
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

    @contextmanager
    def server(self, count: int = 1) -> Iterator[list[ServerProcess]]:
        """So many processes of the server, up and killed at the end."""
        servers = [ServerProcess(**self.settings) for _ in range(count)]
        try:
            for server in servers:
                server.start()
            yield servers
        finally:
            for server in servers:
                server.kill()

    def people(self, count: int) -> list[Person]:
        """So many new accounts, each logged in once."""
        from authentication.models import Session, User
        from authentication.tokens import issue_pair

        first, self.people_made = self.people_made, self.people_made + count
        names = [f"user{number}" for number in range(first, self.people_made)]
        users = User.objects.bulk_create([User(username=name, email=f"{name}@example.com") for name in names])
        return [Person(user.pk, issue_pair(Session(user=user))["access"], user) for user in users]

    def group(self, people: Sequence[Person]) -> int:
        """The id of a new group of these people."""
        from chat import services

        others = [person.id for person in people[1:]]
        return services.create_group(creator=people[0].user, name="A group", participant_ids=others).pk

    def private(self, one: Person, other: Person) -> int:
        """The id of the private conversation of these two."""
        from chat import services

        return services.open_private_conversation(user=one.user, participant_ids=[other.id])[0].pk

    def history(self, conversation_id: int, people: Sequence[Person], count: int) -> None:
        """Have so many messages said, one after the other by each of the people."""
        from django.db.models import F
        from django.utils import timezone

        from chat.models import Conversation, Message

        conversation = Conversation.objects.get(pk=conversation_id)
        now, step = timezone.now(), 20_000
        for first in range(0, count, step):
            Message.objects.bulk_create(
                Message(
                    conversation=conversation,
                    sender=people[number % len(people)].user,
                    seq=conversation.last_seq + number + 1,
                    version=conversation.version + number + 1,
                    content=f"Message number {number} of a history that is long.",
                    created_at=now,
                )
                for number in range(first, min(first + step, count))
            )
        Conversation.objects.filter(pk=conversation_id).update(
            last_seq=F("last_seq") + count, version=F("version") + count, updated_at=now
        )
        self.postgres.execute("VACUUM ANALYZE", database="bench")
