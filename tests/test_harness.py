"""The parts that the other tests stand on really do what they say."""

import re
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests.conftest import ON_POSTGRES
from tests.services.environment import EXAMPLE
from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer


def test_redis_answers(redis_server: RedisServer) -> None:
    assert redis_server.ask("PING") == "+PONG"


def test_a_paused_redis_is_silent_until_it_is_resumed(redis_server: RedisServer) -> None:
    redis_server.pause()
    assert redis_server.ask("PING") == ""
    redis_server.resume()
    assert redis_server.ask("PING") == "+PONG"


def test_redis_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    redis_server.ask("SET key value")
    redis_server.restart()
    assert redis_server.ask("GET key") == "$-1"


def test_postgres_keeps_what_was_committed_when_it_is_killed(postgres_server: PostgresServer) -> None:
    url = postgres_server.create_database("survivor")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres_server.kill()
    postgres_server.start()
    with psycopg.connect(url) as database:
        assert database.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_paused_postgres_is_silent_until_it_is_resumed(postgres_server: PostgresServer) -> None:
    postgres_server.pause()
    assert not postgres_server.answers()
    postgres_server.resume()
    assert postgres_server.answers()


@pytest.mark.django_db
def test_the_run_is_on_the_database_that_was_asked_for() -> None:
    assert connection.vendor == ("postgresql" if ON_POSTGRES else "sqlite")


def test_the_example_environment_names_every_setting_and_no_other() -> None:
    source = Path(settings.BASE_DIR, "chat_server", "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source))
    assert set(re.findall(r"^#([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)) == read
