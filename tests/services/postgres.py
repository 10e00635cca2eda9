"""A real PostgreSQL, fast because what it holds need not outlive the machine."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import psycopg

from . import guard
from .service import Service


def _binary(name: str) -> str:
    found = shutil.which(name) or next(
        (str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )
    if found is None:
        raise RuntimeError(f"PostgreSQL's {name} is missing: `make test` installs it, or apt-get install postgresql")
    return found


def _unprivileged_user() -> str | None:
    """Who PostgreSQL runs as: it refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


class PostgresServer(Service):
    """A cluster of its own on a free port; everyone on this machine may come in."""

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends the open connections
    root = guard.ROOT
    tuning = {
        "fsync": "off",  # a killed process loses nothing by it; only a machine that stops does
        "full_page_writes": "off",
        "lock_timeout": "30s",  # a test that waits for a lock for ever fails, and says where
        "log_checkpoints": "off",
        "dynamic_shared_memory_type": "mmap",  # in its folder: a killed one leaves nothing behind elsewhere
    }

    def __init__(self) -> None:
        self.binary = _binary("postgres")
        super().__init__(guard.temporary_folder(self.name, root=self.root))
        user = self.user()
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        subprocess.run(
            [
                *(_binary("initdb"), "--pgdata", str(self.folder / "cluster"), "--username", "chat"),
                *("--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            user=user,
            group=user and pwd.getpwnam(user).pw_gid,
            extra_groups=[] if user else None,
        )

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        return f"postgres://chat@127.0.0.1:{self.port}/{database}"

    def user(self) -> str | None:
        return _unprivileged_user()

    def command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            **self.tuning,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return (self.binary, "-D", str(self.folder / "cluster"), "-p", str(self.port), *options)

    def restart_immediately(self) -> None:
        """End it without a word to its clients, and start it again; it recovers what was committed."""
        self._end(signal.SIGQUIT, 15)
        self.start()

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, sql: str, *, database: str = "postgres") -> None:
        """Run one statement outside a transaction."""
        with psycopg.connect(self.database_url(database), autocommit=True, connect_timeout=2) as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Make a database, anew where there was one, and return its URL."""
        self.drop_database(name)
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.database_url(name)

    def drop_database(self, name: str) -> None:
        """Take a database away, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@cache
def the_postgres() -> PostgresServer:
    """The one cluster of this test run, started on the first call."""
    server = PostgresServer()
    server.start()
    return server
