"""`manage.py demo` against a real server, as somebody tries it out."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command

from tests.services.environment import command_environment
from tests.services.server import PROJECT, ServerProcess
from tests.services.service import free_port

PASSWORD = "five-friends-talking"


def demo(url: str, seconds: int = 0) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    command = [sys.executable, str(PROJECT / "manage.py"), "demo", "--url", url, "--seconds", str(seconds)]
    return subprocess.run(command, cwd=PROJECT, env=command_environment(), capture_output=True, text=True, timeout=60)


class Viewer:
    """Somebody who logs in with what the command printed, and looks."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=15, trust_env=False)
        body = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = self.http.post("/api/auth/login/", json=body).raise_for_status().json()
        self.http.headers["Authorization"] = f"Bearer {answer['access']}"

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/{path}").raise_for_status().json()

    def conversations(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.get("chat/conversations/")["results"]}

    def messages(self, conversation: int) -> list[dict[str, Any]]:
        return self.get(f"chat/conversations/{conversation}/messages/")["results"]


Filled = tuple[ServerProcess, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def filled(shared_server: ServerProcess) -> Filled:
    """A server after the first run of the command, and what that run printed."""
    return shared_server, demo(shared_server.url)


def test_it_fills_a_server_with_people_who_talk(filled: Filled) -> None:
    server, done = filled
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Open {server.url}/ and log in as ada@example.com with the password {PASSWORD}" in done.stdout
    with Viewer(server, "ada") as ada:
        found = ada.conversations()
        assert set(found) == {"Margaret Hamilton", "Grace Hopper", "Lunch on Thursday", "Analytical Engine"}
        assert found["Analytical Engine"]["participant_count"] == 5
        assert {name for name, each in found.items() if each["unread_count"]} == {
            "Margaret Hamilton",
            "Analytical Engine",
        }
        said = [message for each in found.values() for message in ada.messages(each["id"])]
        for trait in ("reply_to", "is_edited", "is_deleted"):
            assert any(message[trait] for message in said)
        assert len(ada.get("auth/sessions/")["results"]) == 1  # the command has logged out


def test_a_second_run_doubles_nothing(filled: Filled) -> None:
    server, _ = filled
    with Viewer(server, "ada") as ada:
        before = ada.conversations()
        done = demo(server.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert ada.conversations() == before


def test_then_they_talk_live(filled: Filled) -> None:
    server, _ = filled
    with Viewer(server, "alan") as alan:
        before = alan.conversations()["Analytical Engine"]
        done = demo(server.url, seconds=8)
        assert (done.returncode, done.stderr) == (0, "")
        after = alan.conversations()["Analytical Engine"]
        assert after["last_seq"] > before["last_seq"]
        reads = [each["last_read_seq"] for each in after["participants"]]
        assert min(reads) > before["last_seq"]


def test_it_keeps_to_the_limits_of_the_server(start_server: Callable[..., ServerProcess]) -> None:
    done = demo(start_server(THROTTLE_MESSAGES="3/2s", THROTTLE_REGISTER="5/3600s", THROTTLE_LOGIN="10/60s").url)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_server_is_one_line() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match=f"No server answers at {url}"):
        call_command("demo", url=url)


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", "http://", "http://localhost:port"])
def test_an_address_that_is_none_is_one_line(url: str) -> None:
    with pytest.raises(CommandError, match="--url takes an address"):
        call_command("demo", url=url)


@pytest.mark.parametrize("seconds", [-1, 501])
def test_a_time_that_cannot_be_is_one_line(seconds: int) -> None:
    with pytest.raises(CommandError, match="--seconds takes 0 to 500"):
        call_command("demo", url="http://localhost:8000", seconds=seconds)


def test_something_else_that_answers_is_one_line(filled: Filled) -> None:
    with pytest.raises(CommandError, match="not this chat server"):
        call_command("demo", url=f"{filled[0].url}/static")


def test_a_name_that_is_taken_is_one_line(server: ServerProcess) -> None:
    account = {"email": "grace@example.com", "username": "grace", "password": "another one 42"}
    httpx.post(f"{server.url}/api/auth/register/", json=account, trust_env=False).raise_for_status()
    with pytest.raises(CommandError, match="grace is there with another password"):
        call_command("demo", url=server.url)


def test_a_server_that_goes_away_meanwhile_is_one_line(server: ServerProcess) -> None:
    command = [sys.executable, str(PROJECT / "manage.py"), "demo", "--url", server.url, "--seconds", "60"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=PROJECT, env=command_environment(PYTHONUNBUFFERED="1"), **pipes) as running:
        try:
            while "They type" not in running.stdout.readline():  # type: ignore[union-attr]
                pass
            server.kill()
            _, errors = running.communicate(timeout=20)
        finally:
            running.kill()
    assert running.returncode == 1
    assert len(errors.splitlines()) == 1
