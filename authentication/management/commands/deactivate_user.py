from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db.models import Q

from authentication import services
from authentication.models import User


class Command(BaseCommand):
    help = "Shuts users out: at once no token of theirs works, their sockets close, and they cannot log in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="+", metavar="name", help="an e-mail address or a username, in any case")
        parser.add_argument("--undo", action="store_true", help="let them log in again")

    def handle(self, *args: Any, names: list[str], undo: bool, **options: Any) -> None:
        users = [self._find(name) for name in names]  # all of them, before anything is done
        for user in users:
            if undo:
                services.activate_user(user=user)
            else:
                services.deactivate_user(user=user)
            self.stdout.write(f"{user} is {'active' if undo else 'deactivated'}.")

    def _find(self, name: str) -> User:
        user = User.objects.filter(Q(email=name.lower()) | Q(username__iexact=name)).first()
        if user is None:
            raise CommandError(f"Nobody is called {name!r}.")
        return user
