"""`python -m chat_server.server --fd F`: what `manage.py serve --workers N` becomes, and what each worker runs."""

import argparse
import asyncio
import os
import socket
import sys

from .limits import Limits
from .start import Application, run_worker, use_uvloop
from .supervisor import supervise


def load() -> tuple[Application, Limits]:
    """The project's ASGI application and the limits of its settings."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat_server.settings")
    import django

    django.setup()
    from channels.routing import get_default_application
    from django.conf import settings

    limits = Limits(body_bytes=settings.MAX_BODY_BYTES, frame_bytes=settings.MAX_FRAME_BYTES)
    return get_default_application(), limits


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chat_server.server")
    parser.add_argument("--fd", type=int, required=True, help="the listening socket")
    parser.add_argument("--control", type=int, help="the supervisor's socket")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    listening = socket.socket(fileno=arguments.fd)
    if arguments.workers > 1:
        command = [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-m", "chat_server.server"]
        return asyncio.run(supervise(command, listening, arguments.workers))
    use_uvloop()
    run_worker(load, listening, socket.socket(fileno=arguments.control) if arguments.control else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
