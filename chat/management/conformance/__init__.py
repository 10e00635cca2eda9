"""What `manage.py chat_conformance` does: the promise of docs/protocol.md, tried on a server from outside.

The rule of this package: the public API only, and nothing that cannot be taken away again. So it talks in groups, which
can be deleted for everyone; a private conversation of two accounts would stay.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from chat.management.client import Refused

from . import once, presence, rights, slow, storm
from .report import Report
from .stage import Stage

__all__ = ["Report", "Stage", "check"]

Check = Callable[[Stage, Report], Awaitable[None]]

# What is done, the point that an unexpected refusal meanwhile breaks, and how.
CHECKS: Sequence[tuple[str, int, Check]] = (
    ("Everybody talks at once, edits and deletes; sockets are cut and come back …", 2, storm.check),
    ("The same message is sent again, over REST, sockets, and both at once …", 4, once.check),
    ("Somebody logs out, is removed, leaves; a group is deleted …", 5, rights.check),
    ("Somebody comes, types, and goes …", 6, presence.check),
)
SLOW_READER: tuple[str, int, Check] = (
    "Somebody does not read what the others say, and they say a lot …",
    7,
    slow.check,
)


async def check(stage: Stage, report: Report, say: Callable[[str], None], *, slow_reader: bool = False) -> None:
    """Try all seven points; what the server refuses and should not is a broken point, `NoAnswer` ends it."""
    if not slow_reader:
        text = "the close with 4408: --slow-reader does, in a minute more"
        report.cannot_test(7, text, is_partial=True)
    report.cannot_test(7, "the memory of the server")
    for words, point, do in [*CHECKS, SLOW_READER] if slow_reader else CHECKS:
        say(words)
        try:
            await do(stage, report)
        except Refused as error:
            report.broke(point, str(error))
        except (LookupError, TypeError, ValueError) as error:
            report.broke(point, f"what came was not of the shape that docs/protocol.md gives ({error!r})")
