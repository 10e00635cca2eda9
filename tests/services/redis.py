"""A real Redis that forgets everything when it ends."""

import shutil
import socket
from collections.abc import Sequence

from . import guard
from .service import Service


class RedisServer(Service):
    """redis-server on a free port, nothing on the disk."""

    name = "redis"

    def __init__(self) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            raise RuntimeError("redis-server is missing: `make test` installs it, or apt-get install redis-server")
        self.binary = binary
        super().__init__(guard.temporary_folder(self.name))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        return (
            *(self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *("--save", "", "--appendonly", "no", "--loglevel", "warning"),
        )

    def answers(self) -> bool:
        return self.ask("PING") == "+PONG"

    def flush(self) -> None:
        """Forget everything."""
        assert self.ask("FLUSHALL") == "+OK"

    def ask(self, command: str) -> str:
        """The first line of the answer, "" where there is none within a second."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(1000).decode().splitlines()[0]
        except OSError:
            return ""
