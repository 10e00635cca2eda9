"""`manage.py serve`: how the server is meant to be run."""

import os
import signal
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat_server.server.__main__ import load
from chat_server.server.listening import CannotListen, bind
from chat_server.server.start import ENDING_SIGNALS, run_worker

MAX_WORKERS = 64


class Command(BaseCommand):
    requires_system_checks = ()  # they are for who changes the code, and cost a part of each start
    help = "Serves REST, sockets and static files with Daphne on uvloop, until SIGTERM."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="a name or an address, 0.0.0.0 or :: for all")
        parser.add_argument("--port", type=int, default=8000, help="0 picks a free one")
        parser.add_argument("--workers", type=int, default=1, help="processes on one port; 2 or more need REDIS_URL")

    def handle(self, *args: Any, host: str, port: int, workers: int, **options: Any) -> None:
        if not 1 <= workers <= MAX_WORKERS:
            raise CommandError(f"--workers takes 1 to {MAX_WORKERS}, not {workers}")
        if not 0 <= port <= 65_535:
            raise CommandError(f"--port takes 0 to 65535, not {port}")
        if workers > 1 and not settings.REDIS_URLS:
            raise CommandError(f"--workers {workers} needs REDIS_URL: without it, no message gets from one to another")
        try:
            listening = bind(host, port)
        except CannotListen as error:
            raise CommandError(str(error)) from error
        if workers == 1:
            run_worker(load, listening)
        else:
            self.supervise(listening, workers)

    def supervise(self, listening: socket.socket, workers: int) -> None:
        """Become the supervisor: a fresh interpreter, for it needs nothing of what this one has loaded."""
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)  # what comes meanwhile is its to take
        listening.set_inheritable(True)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(settings.BASE_DIR), os.environ.get("PYTHONPATH"))))
        warnings = [f"-W{option}" for option in sys.warnoptions]
        module = ["-m", "chat_server.server", "--fd", str(listening.fileno()), "--workers", str(workers)]
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *warnings, *module])  # no shell is wanted  # nosec B606
