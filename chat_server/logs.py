"""Keeps tokens out of the log lines that others write, and lines out of the log that say nothing new."""

import logging
import re
from typing import Any

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
