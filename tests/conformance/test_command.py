"""`manage.py chat_conformance` as an operator runs it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from chat.management.conformance import rights, slow
from tests.services.environment import command_environment
from tests.services.redis import RedisServer
from tests.services.server import PROJECT, ServerProcess
from tests.services.service import free_port

from .conftest import access_token

DEFAULT_LIMITS = {
    f"THROTTLE_{name}": "" for name in ("LOGIN", "REGISTER", "PASSWORD_RESET", "USER", "MESSAGES", "FRAMES")
}
COMMAND = [sys.executable, str(PROJECT / "manage.py"), "chat_conformance"]
LEFT = "SELECT (SELECT count(*) FROM chat_conversation), (SELECT count(*) FROM authentication_session)"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=PROJECT, env=command_environment(), capture_output=True, text=True, timeout=120
    )


def refused(done: Any) -> str:
    """The one line that it ended with."""
    assert done.returncode == 1, done
    [line] = done.stderr.splitlines()
    return str(line)


def left_in(server: ServerProcess) -> tuple[int, int]:
    """How many conversations and sessions there are in its SQLite database."""
    path = server.settings["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database:
        found: tuple[int, int] = database.execute(LEFT).fetchone()
    return found


def test_two_processes_with_default_limits_keep_the_promise(
    start_server: Callable[..., ServerProcess], redis_server: RedisServer, postgres_url: str
) -> None:
    shared = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_server.url, **DEFAULT_LIMITS}
    here, there = start_server(**shared), start_server(**shared)
    done = run("--url", here.url, "--url", f"{there.url}/")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for number in range(1, 7):
        assert f"\n{number}. holds " in done.stdout
    assert "\n7. in part " in done.stdout
    for figure in ("read back: missing 0", "missing 0, doubled 0, out of order 0", "gaps 0, overlaps 0"):
        assert figure in done.stdout
    assert "8 sockets" in done.stdout
    assert "These accounts stay" in done.stdout
    with psycopg.connect(postgres_url) as database:
        assert database.execute(LEFT).fetchone() == (0, 0)


async def test_given_tokens_stay_good_where_registering_is_not_possible(
    start_server: Callable[..., ServerProcess], stage: Callable[..., Any]
) -> None:
    server = start_server(THROTTLE_REGISTER="4/3600s")
    tokens = [await asyncio.to_thread(access_token, server, f"given-{number}") for number in range(3)]
    assert "Give it --token" in refused(await asyncio.to_thread(run, "--url", server.url))
    assert left_in(server) == (0, 3)  # whom it could register is logged out
    async with stage(server, tokens) as (people, report):
        await rights.check(people, report)
        await slow.check(people, report, seconds=2)
        assert report.broken == []
        assert "not tested: logging out" in "\n".join(report.lines())
    assert left_in(server) == (0, 3)


def test_tokens_that_will_not_do_are_one_line(broken_server: ServerProcess) -> None:
    token = access_token(broken_server, "given")
    with pytest.raises(CommandError, match="--token takes the tokens of at least 3 people"):
        call_command("chat_conformance", url=[broken_server.url], token=[token])
    with pytest.raises(CommandError, match="Token 2 is not"):
        call_command("chat_conformance", url=[broken_server.url], token=[token, "none"])


@contextmanager
def begun(server: ServerProcess) -> Iterator[Any]:
    """The command while it runs, and people talk."""
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [*COMMAND, "--url", server.url], cwd=PROJECT, env=command_environment(), start_new_session=True, **pipes
    ) as running:
        try:
            while not running.stdout.readline().startswith("Everybody talks"):  # type: ignore[union-attr]
                assert running.poll() is None
            yield running
        finally:
            running.kill()


def test_ctrl_c_takes_away_what_was_made(broken_server: ServerProcess) -> None:
    conversations, sessions = left_in(broken_server)
    with begun(broken_server) as running:
        while left_in(broken_server)[0] == conversations:
            assert running.poll() is None
        os.kill(running.pid, signal.SIGINT)
        output, errors = running.communicate(timeout=30)
    assert (running.returncode, errors) == (1, "CommandError: Stopped.\n")
    assert "These accounts stay" in output
    assert left_in(broken_server) == (conversations, sessions)


def test_a_server_that_is_another_or_goes_away_is_one_line(server: ServerProcess, broken_server: ServerProcess) -> None:
    with pytest.raises(CommandError, match="do not serve the same accounts"):
        call_command("chat_conformance", url=[server.url, broken_server.url])
    with begun(server) as running:
        server.kill()
        output, errors = running.communicate(timeout=60)
    assert running.returncode == 1
    assert len(errors.splitlines()) == 1
    assert "Not all could be taken away" in output


def test_no_server_is_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert f"No server answers at {url}" in refused(run("--url", url))


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "http://localhost:port"])
def test_an_address_that_is_none_is_one_line(url: str) -> None:
    with pytest.raises(CommandError, match="--url takes an address"):
        call_command("chat_conformance", url=[url])


def test_something_else_that_answers_is_one_line(broken_server: ServerProcess) -> None:
    with pytest.raises(CommandError, match="not this chat server"):
        call_command("chat_conformance", url=[f"{broken_server.url}/static"])
