"""Keeps N workers running on one listening socket, and passes the end on to them."""

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from .listening import announce
from .start import ENDING_SIGNALS

LIVED_SECONDS = 10  # a worker that lived this long is replaced at once
MIN_DELAY_SECONDS, MAX_DELAY_SECONDS = 0.2, 10
FAILED_STARTS = 5  # in a row, after which nothing says that the next one will do better
KILL_SECONDS = 9.5  # workers exit by themselves before


class Supervisor:
    """Runs `command --fd F --control C` N times; one that died is started again, ever later where it dies early."""

    def __init__(self, command: Sequence[str], listening: socket.socket, workers: int) -> None:
        self.command, self.listening, self.workers = command, listening, workers
        self.processes: set[asyncio.subprocess.Process] = set()
        self.stopped = asyncio.Event()
        self.ready = self.failed_starts = self.exit_code = 0

    async def run(self) -> int:
        """The exit code: 0 after a signal, 1 where no worker comes up or a second signal killed them."""
        loop = asyncio.get_running_loop()
        for ending in ENDING_SIGNALS:
            loop.add_signal_handler(ending, self.stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        await asyncio.gather(*(self.keep_one_running() for _ in range(self.workers)))
        return self.exit_code

    async def keep_one_running(self) -> None:
        loop = asyncio.get_running_loop()
        delay = 0.0
        while not self.stopped.is_set():
            started = loop.time()
            exit_code = await self.run_one()
            if self.stopped.is_set():
                return
            lived = loop.time() - started
            delay = 0.0 if lived > LIVED_SECONDS else min(max(MIN_DELAY_SECONDS, delay * 2), MAX_DELAY_SECONDS)
            sys.stderr.write(f"A worker ended with {exit_code}; the next one starts in {delay:.1f} s\n")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), delay)

    async def run_one(self) -> int:
        """Start a worker and wait for its end."""
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                descriptors = (self.listening.fileno(), theirs.fileno())
                process = await asyncio.create_subprocess_exec(
                    *self.command,
                    *("--fd", str(descriptors[0]), "--control", str(descriptors[1])),
                    pass_fds=descriptors,
                )
            self.processes.add(process)
            if self.stopped.is_set():
                self.terminate(process)
            self.count_start(came_up=bool(await asyncio.get_running_loop().sock_recv(ours, 1)))
            exit_code = await process.wait()
            self.processes.discard(process)
            return exit_code

    def count_start(self, came_up: bool) -> None:
        if self.stopped.is_set():
            return
        if came_up:
            self.failed_starts = 0
            self.ready += 1
            if self.ready == self.workers:
                announce(self.listening, self.workers)
            return
        self.failed_starts += 1
        if self.failed_starts == FAILED_STARTS:
            sys.stderr.write(f"The last {FAILED_STARTS} workers died at their start: giving up\n")
            self.exit_code = 1
            self.stop()

    def stop(self) -> None:
        """Tell every worker to end; the second time, kill them."""
        if self.stopped.is_set():
            self.exit_code = 1
            self.kill()
            return
        self.stopped.set()
        self.listening.close()  # else clients would wait in its queue for nobody
        for process in self.processes:
            self.terminate(process)
        asyncio.get_running_loop().call_later(KILL_SECONDS, self.kill)

    def terminate(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()

    def kill(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                process.kill()


async def supervise(command: Sequence[str], listening: socket.socket, workers: int) -> int:
    return await Supervisor(command, listening, workers).run()
