"""`manage.py chat_conformance`: does a server keep the promise? Through its public REST and WebSocket API only."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.management import conformance
from chat.management.client import address, servers
from chat.management.conformance import Report, Stage


class Command(BaseCommand):
    help = (
        "Tries on a running server whether it keeps the promise of docs/protocol.md, as a client of its public API: "
        "registers throw-away people who talk, cut their connections, send twice and lose their rights. "
        "Exit code 1 where a point does not hold."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", action="append", help="where the server is; again for each process that has an address of its own"
        )
        parser.add_argument(
            "--token",
            action="append",
            default=[],
            help="an access token of somebody who may take part; one of each of three people or more, where nobody can "
            "be registered",
        )

        parser.add_argument(
            "--slow-reader", action="store_true", help="also wait until a socket that reads nothing is closed"
        )

    def handle(self, *args: Any, url: list[str] | None, token: list[str], slow_reader: bool, **options: Any) -> None:
        urls = list(dict.fromkeys(map(address, url or ["http://localhost:8000"])))
        try:
            broken = asyncio.run(self.try_out(urls, token, slow_reader))
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None
        if broken:
            points = ", ".join(map(str, broken))
            raise CommandError(f"The promise is broken: {'point' if len(broken) == 1 else 'points'} {points}.")

    async def try_out(self, urls: Sequence[str], tokens: Sequence[str], slow_reader: bool) -> list[int]:
        """Try it, take away what was made, however it ends, and print what was found; the points that do not hold."""
        report = Report()
        began = time.monotonic()
        async with servers(urls, name="chat_conformance") as found:
            stage = Stage(found)
            await stage.look()
            try:
                await stage.fill(tokens)
                length = "two minutes" if slow_reader else "a minute"
                self.say(f"{len(stage.people)} people talk on {', '.join(urls)}. This takes {length} or less.")
                await conformance.check(stage, report, self.say, slow_reader=slow_reader)
            finally:
                left = await stage.clear()
                for line in left:
                    self.say(line)
        self.say("")
        for line in report.lines():
            self.say(line)
        self.say("")
        if not report.broken:
            self.say(f"All that was tested holds. {time.monotonic() - began:.0f} s.")
        return report.broken

    def say(self, line: str) -> None:
        """One line, at once."""
        self.stdout.write(line)
        self.stdout.flush()
