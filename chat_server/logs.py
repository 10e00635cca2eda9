"""Keeps tokens and what people say out of the log lines that others write, and lines that say nothing new."""

import logging
import re
import traceback
from types import TracebackType
from typing import Any

from django.db import OperationalError

# Also where the name or the `=` is percent-encoded, as a client may send it.
TOKEN = re.compile(r"(token(?:=|%3D))[^&\s\"'>\])]*", re.IGNORECASE)


QUERY = re.compile(r"\?[^\s\"'>\])]+")


def mask(text: str) -> str:
    """The text without what follows a `?` in a path, however it is encoded, and without the value of any `…token=`."""
    return TOKEN.sub(r"\1***", QUERY.sub("?***", text))


class TokenMask(logging.Filter):
    """For a handler: masks whatever line passes, and its arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = mask(message)
        if masked != message:
            record.msg, record.args = masked, None
        return True


class Stacks(logging.Formatter):
    """Writes exceptions with their stack, but without their text, unless they are about a connection.

    What a text quotes is nobody's business: a database that refuses a row shows the whole row.
    """

    SPEAK = (OperationalError, OSError)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        lines: list[str] = []
        error, seen = ei[1], set[int]()
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            text = f": {error}" if isinstance(error, self.SPEAK) else ""
            stack = "".join(traceback.format_tb(error.__traceback__)).rstrip()
            lines[:0] = [stack, f"{type(error).__module__}.{type(error).__qualname__}{text}"]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(["Traceback (the text of most exceptions is left out):", *filter(None, lines)])


class FaultsOnly(logging.Filter):
    """For `django.request`: passes what is a fault of ours; refusals and 503 are in the access log, and said once."""

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", 500)
        return bool(status >= 500 and status != 503)


def mask_daphne_access_log() -> None:
    """The plain `daphne` command writes its access log to a stream and not through logging: mask it there."""
    from daphne.access import AccessLogGenerator

    if getattr(AccessLogGenerator.write_entry, "masks_tokens", False):
        return
    write_entry = AccessLogGenerator.write_entry

    def masked(self: Any, host: Any, date: Any, request: str, *args: Any, **kwargs: Any) -> None:
        write_entry(self, host, date, mask(request), *args, **kwargs)

    masked.masks_tokens = True  # type: ignore[attr-defined]
    AccessLogGenerator.write_entry = masked
