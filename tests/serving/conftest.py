"""A launcher process with a tiny application, and raw connections to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.services import guard

PROJECT = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(__file__).with_name("program.py")


def until(holds: Callable[[], Any], seconds: float = 10) -> Any:
    """What `holds` returns once it is true; the test fails after `seconds`."""
    end = time.monotonic() + seconds
    while not (value := holds()):
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)
    return value


class Program:
    """A started `program.py`, or another command that prints the same first line; what it logs is in a file."""

    def __init__(
        self,
        *arguments: str,
        command: tuple[str, ...] = (sys.executable, str(PROGRAM)),
        cwd: str | Path = PROJECT,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.folder = guard.temporary_folder("serving")
        self.log_file = self.folder / "log"
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=cwd,
                env={**environment, "PYTHONPATH": str(PROJECT), "TMPDIR": str(self.folder)},
                start_new_session=True,
            )
        guard.kill_at_the_end(self.process.pid)

    def wait_until_up(self) -> "Program":
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        assert self.first_line.startswith("Listening on http://"), self.log
        self.url = self.first_line.split()[2]
        self.port = int(self.url.rpartition(":")[2])
        return self

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def get(self, path: str = "/") -> Any:
        """The JSON of an answer, over a connection of its own."""
        with self.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            return json.loads(read_all(connection).partition(b"\r\n\r\n")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """The exit code after the signal, and the seconds it took."""
        begun = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(15), time.monotonic() - begun

    def close(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.communicate()
        guard.ended(self.process.pid)


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """`start(workers=1, **limits)`: a program that listens."""
    programs = []

    def start_one(*arguments: str, workers: int = 1, **limits: float) -> Program:
        program = Program(*arguments, "--workers", str(workers), "--limits", json.dumps(limits))
        programs.append(program)
        return program.wait_until_up()

    yield start_one
    for program in programs:
        program.close()


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    """One for all tests of a module that do not end it; times are short."""
    limits = {"head_seconds": 1, "body_seconds": 1, "idle_seconds": 1, "linger_seconds": 1}
    program = Program("--limits", json.dumps(limits))
    try:
        yield program.wait_until_up()
    finally:
        program.close()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received
