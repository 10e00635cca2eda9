"""`manage.py chat_audit`: is what is stored twice the same twice?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from chat.models import Conversation, Message
from chat.services.audit import audit


class Command(BaseCommand):
    help = (
        "Recounts what is stored beside the messages (seq, version, markers, times, keys, who is online) against the "
        "rows, while the server runs. Prints each drift in a line; exit code 1 where there is one that is not mended."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="mend what can be mended, and say what cannot be")

    def handle(self, *args: Any, repair: bool, verbosity: int, **options: Any) -> None:
        self.is_told = verbosity > 1 or self.stderr.isatty()
        try:
            self.report(repair)
        except DatabaseError as error:
            raise CommandError(f"The database does not answer as it should: {str(error).splitlines()[0]}") from None

    def report(self, repair: bool) -> None:
        """Print each drift as it is found, and what it comes to."""
        mended = left = 0
        for drift in audit(repair=repair, progress=self.progress):
            self.stdout.write(str(drift))
            mended += bool(drift.mended)
            left += not drift.mended
        counted = f"{Conversation.objects.count()} conversations with {Message.objects.count()} messages"
        done = f"{mended} mended, " if mended else ""
        if left:
            raise CommandError(f"{done}{left} {'drift' if left == 1 else 'drifts'} in {counted}.")
        self.stdout.write(f"{done}no drift{' left' if mended else ''} in {counted}.")

    def progress(self, words: str) -> None:
        """For somebody at a terminal: it may take a while."""
        if self.is_told:
            self.stderr.write(f"… {words}", self.style.NOTICE)
