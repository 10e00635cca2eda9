"""A server that can be broken, and people who try it."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest

from chat.management.client import servers
from chat.management.conformance import Report, Stage
from tests.services.environment import PASSWORD
from tests.services.server import PROJECT, ServerProcess, running


class BrokenServer(ServerProcess):
    """The application of broken.py, under plain Daphne."""

    name = "broken-server"

    def command(self) -> Sequence[str]:
        daphne = (sys.executable, "-m", "daphne", "--bind", "127.0.0.1", "--port", str(self.port))
        return (*daphne, "tests.conformance.broken:application")

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), "PYTHONPATH": str(PROJECT)}

    def breaks(self, how: str) -> None:
        """From now on it is broken in this way."""
        httpx.put(f"{self.url}/break/{how}", trust_env=False).raise_for_status()


@pytest.fixture(scope="module")
def one_broken_server(new_sqlite: Callable[[], str]) -> Iterator[BrokenServer]:
    """For all tests of a module; ask for `broken_server`."""
    with running(BrokenServer(DATABASE_URL=new_sqlite())) as server:
        yield server


@pytest.fixture
def broken_server(one_broken_server: BrokenServer) -> BrokenServer:
    """A real server process that keeps the promise until `breaks(how)` is called."""
    one_broken_server.breaks("none")
    return one_broken_server


@pytest.fixture(scope="module")
def tokens(one_broken_server: BrokenServer) -> list[str]:
    """Access tokens of three people on that server, who need not be registered again for each test."""
    return [access_token(one_broken_server, f"given-{number}") for number in range(3)]


def access_token(server: ServerProcess, username: str) -> str:
    """The access token of a new account."""
    account = {"username": username, "email": f"{username}@example.com", "password": PASSWORD}
    answer = httpx.post(f"{server.url}/api/auth/register/", json=account, trust_env=False).raise_for_status()
    return str(answer.json()["access"])


@pytest.fixture
def stage() -> Callable[..., object]:
    """`async with stage(server, tokens)`: people on a server, and an empty report; cleared at its end."""

    @asynccontextmanager
    async def make(server: ServerProcess, tokens: Sequence[str] = ()) -> AsyncIterator[tuple[Stage, Report]]:
        async with servers([server.url], name="chat_conformance") as found:
            stage = Stage(found)
            try:
                await stage.fill(tokens)
                yield stage, Report()
            finally:
                await stage.clear()

    return make
