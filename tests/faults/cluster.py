"""Server processes on a Redis and a PostgreSQL of their own, all of them to be killed, paused and started again."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.server import ServerProcess, manage

from .history import SHOWN, Sample
from .proxy import Proxy

MUTANT = Path(__file__).parent / "mutant.py"
# What the writing transaction itself says of each version: nothing that is rolled back is in it.
WRITE_DOWN = f"""
    CREATE TABLE faults_log (
        conversation bigint, version bigint, message bigint, seq bigint, at double precision,
        content text, is_deleted boolean, event jsonb
    );
    CREATE FUNCTION faults_write_down() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' OR NEW.version <> OLD.version THEN
            INSERT INTO faults_log VALUES (
                NEW.conversation_id, NEW.version, NEW.id, NEW.seq, extract(epoch FROM clock_timestamp()),
                left(NEW.content, {SHOWN}), NEW.deleted_at IS NOT NULL, NEW.event
            );
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER faults_write_down AFTER INSERT OR UPDATE ON chat_message
        FOR EACH ROW EXECUTE FUNCTION faults_write_down();
"""


class Mutant(ServerProcess):
    """A server that is broken on purpose: `mutation` names how, in `mutant.py`."""

    def __init__(self, *, mutation: str, **settings: str) -> None:
        super().__init__(**settings)
        self.mutation = mutation

    def command(self) -> Sequence[str]:
        return (sys.executable, str(MUTANT), self.mutation, str(self.port))


class Cluster:
    """`count` servers on one database; `proxies[i]` is a bad network to `servers[i]`."""

    def __init__(
        self, *, postgres: PostgresServer, redis: RedisServer, database: str, count: int = 2, mutation: str = ""
    ) -> None:
        self.postgres, self.redis = postgres, redis
        self.database = database  # its URL
        settings = {"DATABASE_URL": database, "REDIS_URL": redis.url, "ACCESS_TOKEN_LIFETIME": "86400"}
        settings |= {"THROTTLE_MESSAGES": "1000/1s", "THROTTLE_USER": "1000/1s"}  # counted, and in nobody's way
        self.servers: list[ServerProcess] = [
            Mutant(mutation=mutation, **settings) if mutation else ServerProcess(**settings) for _ in range(count)
        ]
        self.proxies = [Proxy(server.port) for server in self.servers]

    async def start(self) -> None:
        """Everything up, the versions written down from the first one on."""
        await asyncio.to_thread(self.redis.start)
        with psycopg.connect(self.database, autocommit=True) as database:
            database.execute(WRITE_DOWN)
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in self.servers))
        for proxy in self.proxies:
            await proxy.start()

    async def heal(self) -> None:
        """Everything runs, nothing is paused or cut."""
        for part in (self.postgres, self.redis, *self.servers):
            part.resume()
        for proxy in self.proxies:
            proxy.delay = 0.0
            proxy.flows.set()
        await asyncio.gather(
            *(asyncio.to_thread(part.start) for part in (self.postgres, self.redis, *self.servers)),
        )

    async def stop(self) -> None:
        """End the servers and the Redis; the PostgreSQL is whose who made it."""
        for proxy in self.proxies:
            await proxy.stop()
        for part in (*self.servers, self.redis):
            await asyncio.to_thread(part.kill)

    def port(self, server: int, *, through_proxy: bool) -> int:
        return self.proxies[server].port if through_proxy else self.servers[server].port

    def sample(self, when: str) -> list[Sample]:
        """What each server process takes now."""
        samples = []
        for number, server in enumerate(self.servers):
            assert server.child is not None
            process = Path(f"/proc/{server.child.pid}")
            status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
            memory = int(status["VmRSS"].split()[0]) * 1024
            descriptors = len(list((process / "fd").iterdir()))
            samples.append(Sample(time.monotonic(), number, when, memory, descriptors, int(status["Threads"])))
        return samples

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database says."""
        with psycopg.connect(self.database, autocommit=True, connect_timeout=5) as database:
            return database.execute(sql, values).fetchall()  # type: ignore[call-overload]

    def database_connections(self) -> int:
        return int(
            self.rows(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )[0][0]
        )


async def own_cluster() -> Cluster:
    """Two servers, with a PostgreSQL and a Redis that nobody else uses."""
    postgres = await asyncio.to_thread(PostgresServer)
    await asyncio.to_thread(postgres.start)
    url = postgres.create_database("faults")
    await asyncio.to_thread(manage, "migrate", "--verbosity", "0", DATABASE_URL=url)
    cluster = Cluster(postgres=postgres, redis=RedisServer(), database=url)
    await cluster.start()
    return cluster
