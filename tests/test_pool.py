"""Pooled connections to a real PostgreSQL: one that ended is not handed out, one that lives is asked nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from chat_server.pool import PooledConnection
from tests.services.postgres import PostgresServer
from tests.services.server import manage


@pytest.fixture
def pool(postgres_server: PostgresServer) -> Iterator[ConnectionPool[PooledConnection]]:
    """Of one connection, made and checked as Django does it by our settings."""
    with ConnectionPool(
        postgres_server.url.replace("postgres://", "postgresql://"),
        connection_class=PooledConnection,
        kwargs={"autocommit": True},
        min_size=1,
        max_size=1,
        timeout=5,
        check=ConnectionPool.check_connection,
    ) as pool:
        pool.wait(5)
        yield pool


def process(pool: ConnectionPool[PooledConnection]) -> int:
    """The server process behind the next connection that is handed out."""
    with pool.connection() as connection:
        return int(connection.execute("SELECT pg_backend_pid()").fetchone()[0])


@contextmanager
def administrator(server: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def queries(server: PostgresServer, pid: int) -> tuple[Any, Any]:
    """The last query of a server process, and when it began."""
    with administrator(server) as connection:
        asked = connection.execute("SELECT query, query_start FROM pg_stat_activity WHERE pid = %s", [pid])
        row = asked.fetchone()
        assert row is not None
        return row[0], row[1]


def test_a_connection_is_used_again(pool: ConnectionPool[PooledConnection]) -> None:
    assert process(pool) == process(pool)


def test_a_connection_that_lives_is_asked_nothing_before_it_is_handed_out(
    postgres_server: PostgresServer, pool: ConnectionPool[PooledConnection]
) -> None:
    pid = process(pool)
    before = queries(postgres_server, pid)
    for _ in range(3):
        with pool.connection() as connection:
            assert connection.info.backend_pid == pid
    assert queries(postgres_server, pid) == before
    assert before[0] == "SELECT pg_backend_pid()"


def test_a_connection_whose_server_process_was_ended_is_not_handed_out(
    postgres_server: PostgresServer, pool: ConnectionPool[PooledConnection]
) -> None:
    pid = process(pool)
    with administrator(postgres_server) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert process(pool) != pid


def test_after_a_restart_of_the_server_no_error_reaches_anybody(
    postgres_server: PostgresServer, pool: ConnectionPool[PooledConnection]
) -> None:
    pid = process(pool)
    postgres_server.restart_immediately()
    assert process(pool) != pid


def test_a_connection_that_was_told_something_is_asked_and_kept(
    postgres_server: PostgresServer, pool: ConnectionPool[PooledConnection]
) -> None:
    with pool.connection() as connection:
        pid = connection.info.backend_pid
        connection.execute("LISTEN news")
    with administrator(postgres_server) as other:
        other.execute("NOTIFY news")
    assert process(pool) == pid


def test_a_connection_that_is_closed_here_is_not_handed_out(pool: ConnectionPool[PooledConnection]) -> None:
    with pool.connection() as connection:
        pid = connection.info.backend_pid
        connection.close()
    assert process(pool) != pid


def test_a_closed_connection_says_so_when_it_is_asked(pool: ConnectionPool[PooledConnection]) -> None:
    with pool.connection() as connection:
        connection.close()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("")


def test_prepared_statements_are_planned_once(pool: ConnectionPool[PooledConnection]) -> None:
    with pool.connection() as connection:
        assert connection.execute("SHOW plan_cache_mode").fetchone() == ("force_generic_plan",)


SCRIPT = """
from django.db import connection
from psycopg import connect
from chat_server.pool import PooledConnection

def process():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    assert isinstance(connection.connection, PooledConnection)
    connection.close()
    return pid

before = {process() for _ in range(5)}
with connect(URL) as other:
    other.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
after = {process() for _ in range(5)}
assert not before & after
connection.close_pool()
print("fine")
"""


def test_django_hands_out_no_connection_whose_server_process_was_ended(
    postgres_server: PostgresServer,
) -> None:
    """By the settings of a server on PostgreSQL, as they are."""
    url = postgres_server.url
    assert "fine" in manage("shell", "--no-imports", "-c", SCRIPT.replace("URL", repr(url)), DATABASE_URL=url)
