"""`/healthz` and `/readyz`, on a real server whose parts go away and come back."""

import time
from collections.abc import Callable

import httpx
import pytest

from tests.services.postgres import PostgresServer
from tests.services.redis import RedisServer
from tests.services.server import ServerProcess


def ready(server: ServerProcess) -> tuple[int, dict[str, object], float]:
    begun = time.monotonic()
    answer = httpx.get(f"{server.url}/readyz", timeout=10, trust_env=False)
    return answer.status_code, answer.json(), time.monotonic() - begun


@pytest.fixture
def whole(start_server: Callable[..., ServerProcess], postgres_url: str, redis_server: RedisServer) -> ServerProcess:
    return start_server(DATABASE_URL=postgres_url, REDIS_URL=redis_server.url)


def test_a_server_with_all_its_parts_is_ready(whole: ServerProcess) -> None:
    status, body, _ = ready(whole)
    assert (status, body) == (200, {"status": "ok", "database": True, "channel_layer": True})


def test_a_redis_that_hangs_is_told_within_three_seconds(whole: ServerProcess, redis_server: RedisServer) -> None:
    ready(whole)
    redis_server.pause()
    status, body, seconds = ready(whole)
    assert (status, body) == (503, {"status": "unavailable", "database": True, "channel_layer": False})
    assert seconds < 3


def test_a_database_that_hangs_is_told_within_three_seconds(
    whole: ServerProcess, postgres_server: PostgresServer
) -> None:
    postgres_server.pause()
    status, body, seconds = ready(whole)
    assert (status, body) == (503, {"status": "unavailable", "database": False, "channel_layer": True})
    assert seconds < 3
    assert httpx.get(f"{whole.url}/healthz", timeout=3, trust_env=False).status_code == 200


def test_a_server_starts_without_redis_and_is_ready_once_it_is_there(
    start_server: Callable[..., ServerProcess], redis_server: RedisServer
) -> None:
    redis_server.stop()
    server = start_server(REDIS_URL=redis_server.url)
    assert ready(server)[0] == 503
    redis_server.start()
    deadline = time.monotonic() + 10
    while (answer := ready(server))[0] != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer[0] == 200
