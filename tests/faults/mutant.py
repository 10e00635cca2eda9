"""A server that is broken on purpose: `python mutant.py <mutation> <port>` serves as `manage.py serve` does.

The checker must see it. Each mutation replaces one thing that the promise stands on, and fails where that is not there.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put `make(what is there)` in its place; what is not there is no mutation."""
    if name not in vars(owner):
        raise SystemExit(f"{owner} has no {name} to break: mend tests/faults/mutant.py")
    setattr(owner, name, make(getattr(owner, name)))


def publish_before_commit() -> None:
    """What is stored is told to the sockets before it is certain."""
    from chat import broadcast

    replace(broadcast, "publish_on_commit", lambda _: broadcast.publish_soon)


def ignore_client_id() -> None:
    """No send is known to be a repeated one. (The database's own constraint has to be gone too.)"""
    from chat.services import rows

    replace(rows, "lock_and_read", lambda read: lambda sends: [each._replace(said_id=None) for each in read(sends)])


def no_repair() -> None:
    """What the channel layer lost is not looked for."""
    from chat.room import Room

    replace(Room, "repair", lambda _: lambda self: None)


def no_membership_recheck() -> None:
    """A socket that was let in stays, whoever is removed."""
    from chat import broadcast, watch
    from chat.room import Room

    async def look_away(self: Any, *args: Any) -> None:
        return None

    replace(watch, "_is_lost", lambda _: lambda subscriber, participant_id, rights: False)
    replace(watch.Reconciliation, "_go_by", lambda _: look_away)
    replace(Room, "_look", lambda _: look_away)
    replace(broadcast, "LEAVING", lambda _: ())


MUTATIONS: dict[str, Callable[[], None]] = {
    mutation.__name__: mutation
    for mutation in (publish_before_commit, ignore_client_id, no_repair, no_membership_recheck)
}


def main(mutation: str, port: int) -> None:
    from chat_server.server.__main__ import load
    from chat_server.server.listening import bind
    from chat_server.server.start import run_worker, use_uvloop

    use_uvloop()

    def load_broken() -> Any:
        loaded = load()
        MUTATIONS[mutation]()
        return loaded

    listening = bind("127.0.0.1", port)
    run_worker(load_broken, listening)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat_server.settings")
    main(sys.argv[1], int(sys.argv[2]))
