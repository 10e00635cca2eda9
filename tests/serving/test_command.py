"""`manage.py serve`, as an operator starts it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.environment import clean_environment

from .conftest import PROJECT, Program, read_all, until
from .test_end import children
from .test_limits import TOO_BIG, error_of

MANAGE = (sys.executable, str(PROJECT / "manage.py"))


def serve(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MANAGE, "serve", *arguments],
        cwd=PROJECT,
        env=clean_environment(DATABASE_URL="sqlite:////dev/null", **settings),
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--workers", "2"), "CommandError: --workers 2 needs REDIS_URL: "),
        (("--workers", "65"), "CommandError: --workers takes 1 to 64, not 65"),
        (("--port", "65536"), "CommandError: --port takes 0 to 65535, not 65536"),
        (("--host", "name.invalid"), "CommandError: Cannot listen on name.invalid: "),
        (("--host", "192.0.2.1"), "CommandError: Cannot listen on 192.0.2.1 port 8000: "),
    ],
)
def test_what_cannot_be_served_is_refused_with_one_line(arguments: tuple[str, ...], line: str) -> None:
    refused = serve(*arguments)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(line)
    assert len(refused.stderr.splitlines()) == 1


def test_a_port_in_use_is_refused_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = serve("--port", str(port))
    assert refused.returncode == 1
    assert refused.stderr == f"CommandError: Cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.fixture(scope="module")
def served() -> Iterator[Program]:
    """The project itself, on a free port, started from another folder."""
    environment = clean_environment(DATABASE_URL="sqlite:////dev/null")
    program = Program(command=(*MANAGE, "serve", "--port", "0"), cwd="/", environment=environment)
    try:
        yield program.wait_until_up()
    finally:
        program.close()


def test_the_first_line_says_where(served: Program) -> None:
    assert served.first_line == f"Listening on http://127.0.0.1:{served.port} (1 worker)\n"


def test_the_project_is_served_within_its_limits(served: Program) -> None:
    assert served.get("/healthz") == {"status": "ok"}
    with served.connect() as connection:
        connection.sendall(b"POST /api/auth/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n")
        assert error_of(read_all(connection))[1] == TOO_BIG


def test_one_worker_is_the_process_itself(served: Program) -> None:
    assert children(served) == []


def test_the_project_ends_with_exit_code_0(served: Program) -> None:
    exit_code, seconds = served.end()
    assert (exit_code, seconds < 3) == (0, True)


@pytest.mark.parametrize("options", [(), ("--settings=chat_server.settings",)])
def test_while_the_project_is_loaded_sigterm_ends_it_with_exit_code_0(options: tuple[str, ...]) -> None:
    environment = clean_environment(DATABASE_URL="sqlite:////dev/null")
    program = Program(command=(*MANAGE, *options, "serve", "--port", "0"), environment=environment)
    try:
        until(lambda: handles(program.process.pid, signal.SIGTERM))
        assert program.end()[0] == 0
    finally:
        program.close()
    assert "Traceback" not in program.log


def handles(pid: int, number: int) -> bool:
    """Whether a process has a handler for this signal (proc(5), `SigCgt`)."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)
