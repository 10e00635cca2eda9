"""A process that a test starts, stops, kills and pauses."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import guard

STARTED: list["Service"] = []  # their logs are shown with a test that fails


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses, below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class Service:
    """One child process in a process group of its own, its output in `log`; `start` returns when it answers."""

    name = "service"
    startup_seconds = 30.0
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / f"{self.name}-{self.port}.log"
        self.child: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str] | None:
        """None: this process's own."""
        return None

    def user(self) -> str | None:
        """None: as whoever runs the tests."""
        return None

    def answers(self) -> bool:
        """Whether it serves already."""
        raise NotImplementedError

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self.is_running:
            return
        user = self.user()
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder if user else None,
                env=self.environment(),
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=[] if user else None,
            )
        guard.kill_at_the_end(self.child.pid)
        if self not in STARTED:
            STARTED.append(self)
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """Return once it serves; an end or a long silence is an error with its log."""
        deadline = time.monotonic() + self.startup_seconds
        while not self.answers():
            if not self.is_running or time.monotonic() > deadline:
                state = "does not answer" if self.is_running else "ended"
                raise RuntimeError(f"{self.name} {state}:\n{self.tail()}")
            time.sleep(0.02)

    def stop(self, timeout: float = 15) -> int:
        """Ask it to end, wait for that, and return its exit code."""
        return self._end(self.stop_signal, timeout)

    def terminate(self) -> None:
        """Ask it to end and do not wait."""
        if self.child is not None and self.is_running:
            self.child.send_signal(self.stop_signal)

    def kill(self) -> None:
        """End it and all its children at once, with no chance to tidy up."""
        if self.child is not None and self.is_running:
            os.killpg(self.child.pid, signal.SIGKILL)
        self._end(signal.SIGKILL, 15)

    def restart(self) -> None:
        """Stop it and start it again, on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing is answered."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo `pause`."""
        self._signal_all(signal.SIGCONT)

    def tail(self, characters: int = 6000) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def _end(self, by: signal.Signals, timeout: float) -> int:
        if self.child is None:
            return 0
        if self.is_running:
            self.resume()  # a paused process does not hear
            self.child.send_signal(by)
        try:
            code = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            raise RuntimeError(f"{self.name} did not end in {timeout} s:\n{self.tail()}") from None
        finally:
            guard.ended(self.child.pid)
        return code

    def _signal_all(self, number: signal.Signals) -> None:
        """Reach the process and all that it started: PostgreSQL's backends leave its process group."""
        family = [self.child.pid] if self.child is not None and self.is_running else []
        for process in family:
            try:
                os.kill(process, number)
                for children in Path(f"/proc/{process}/task").glob("*/children"):
                    family += map(int, children.read_text().split())
            except (ProcessLookupError, FileNotFoundError):  # one that ends meanwhile is none to signal
                continue
