"""Reads and checks the settings that come from the environment or `.env`; a wrong one ends the start with one line."""

import fcntl
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import environ

RATE = re.compile(r"(?P<count>[1-9][0-9]{0,8})/(?P<seconds>[1-9][0-9]{0,8})s")
REDIS_DATABASE = re.compile(r"[a-z]+://[^/?#]+(/[0-9]{0,4})?")
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
DATABASE_SCHEMES = {"sqlite", "postgres", "postgresql"}
EMAIL_SCHEMES = {"consolemail", "smtp", "smtp+tls", "smtp+ssl", "filemail", "memorymail", "dummymail"}
LOG_LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` events in a burst, refilled at `count` per `seconds`."""

    count: int
    seconds: int


def refuse(name: str, reason: str) -> NoReturn:
    """End the start with one line that names the setting and says what it takes."""
    raise SystemExit(f"chat_server: the setting {name} is wrong: {reason}")


class Environment:
    """The process's environment over a `.env` file; empty values count as left out."""

    def __init__(self, dotenv: Path) -> None:
        if dotenv.is_file():
            try:
                environ.Env.read_env(dotenv, overwrite=False)
            except (OSError, UnicodeDecodeError) as error:
                raise SystemExit(f"chat_server: {dotenv} cannot be read: {error}") from None
        self.values = {name: value.strip() for name, value in os.environ.items() if value.strip()}

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def boolean(self, name: str, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value not in TRUE | FALSE:
            refuse(name, f"{value!r} is neither True nor False")
        return value in TRUE

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,18}", value) or not minimum <= int(value) <= maximum:
            refuse(name, f"{value!r} is not a whole number from {minimum} to {maximum}")
        return int(value)

    def rate(self, name: str, default: str) -> Rate | None:
        """`<count>/<seconds>s`; None for `off`."""
        value = self.text(name, default)
        if value == "off":
            return None
        match = RATE.fullmatch(value)
        if match is None:
            refuse(name, f"{value!r} is not <count>/<seconds>s (like {default}) and not off")
        return Rate(int(match["count"]), int(match["seconds"]))

    def choice(self, name: str, default: str, choices: set[str]) -> str:
        value = self.text(name, default).upper()
        if value not in choices:
            refuse(name, f"{value!r} is none of {', '.join(sorted(choices))}")
        return value

    def items(self, name: str, default: str = "") -> list[str]:
        """Comma-separated values."""
        return [item.strip() for item in self.text(name, default).split(",") if item.strip()]

    def origins(self, name: str) -> list[str]:
        """Comma-separated `scheme://host[:port]`, without a path."""
        for origin in (values := self.items(name)):
            self._check_url(name, origin, {"http", "https"}, path_allowed=False)
        return values

    def web_url(self, name: str, default: str) -> str:
        value = self.text(name, default).rstrip("/")
        self._check_url(name, value, {"http", "https"})
        if "?" in value or "#" in value:
            refuse(name, "a path may be appended to it, so it has no ? and no #")
        return value

    def redis_urls(self, name: str) -> list[str]:
        """Comma-separated shards; empty means that there is no Redis."""
        for url in (values := self.items(name)):
            self._check_url(name, url, {"redis", "rediss", "unix"}, host_needed=not url.startswith("unix:"))
            if not url.startswith("unix:") and not REDIS_DATABASE.fullmatch(url):
                refuse(name, "after the host comes at most the number of a database, like /0")
        return values

    def database(self, name: str, default: str) -> dict[str, Any]:
        value = self.text(name, default)
        self._check_url(name, value, DATABASE_SCHEMES, host_needed=False)
        if not urlsplit(value).path.strip("/"):
            refuse(name, "the URL names no database")
        return self._parsed(name, environ.Env.db_url_config, value)

    def email(self, name: str, default: str) -> dict[str, Any]:
        value = self.text(name, default)
        self._check_url(name, value, EMAIL_SCHEMES, host_needed=value.startswith("smtp"))
        return self._parsed(name, environ.Env.email_url_config, value)

    def _check_url(
        self, name: str, value: str, schemes: set[str], *, host_needed: bool = True, path_allowed: bool = True
    ) -> None:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port  # a bad port raises
        except ValueError as error:
            refuse(name, f"it is no URL ({error})")
        if parts.scheme not in schemes:
            refuse(name, f"the scheme {parts.scheme!r} is none of {', '.join(sorted(schemes))}")
        if host_needed and not host:
            refuse(name, "the URL names no host")
        if not path_allowed and (parts.path or parts.query or parts.fragment or parts.username):
            refuse(name, f"{value!r} is more than scheme://host[:port]")

    def _parsed(self, name: str, parse: Callable[[str], Any], value: str) -> dict[str, Any]:
        try:
            return dict(parse(value))
        except (ValueError, KeyError, environ.ImproperlyConfigured) as error:
            refuse(name, f"it cannot be read ({error})")


def kept_secret(path: Path) -> str:
    """The key in `path`, made once, readable by its owner only; processes that start together agree on it."""
    if not path.exists() or not path.stat().st_size:
        try:
            _make_secret(path)
        except OSError as error:
            refuse("SECRET_KEY", f"it is not set, and {path} cannot be written ({error.strerror})")
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        with path.open(encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # until who makes it has written all of it
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        refuse("SECRET_KEY", f"it is not set, and {path} cannot be read ({error})")


def _make_secret(path: Path) -> None:
    """Write a new key into an empty file; does nothing where another process was first."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the file's end lets go of it
        if not file.read():
            file.write(secrets.token_urlsafe(64))
