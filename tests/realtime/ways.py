"""`manage.py serve` that says which way each frame took; as `public` both short ways are switched off."""

import sys
from typing import Any

from chat_server.server.__main__ import load
from chat_server.server.limits import Limits
from chat_server.server.listening import bind
from chat_server.server.start import Application, run_worker, use_uvloop


def told(name: str, way: Any) -> Any:
    def tell(*args: Any) -> bool:
        is_taken = bool(way(*args))
        sys.stdout.write(f"{name} {is_taken}\n")
        sys.stdout.flush()
        return is_taken

    return tell


def load_told() -> tuple[Application, Limits]:
    application, limits = load()

    from chat_server.server.websocket import Socket
    from chat_server.wire import Wire

    if way == "public":
        Wire.write = Socket.take_plain_frame = lambda *args: False  # type: ignore[assignment,method-assign]
    Wire.write = told("out", Wire.write)  # type: ignore[method-assign]
    Socket.take_plain_frame = told("in", Socket.take_plain_frame)  # type: ignore[method-assign]
    return application, limits


if __name__ == "__main__":
    way, port = sys.argv[1:]
    listening = bind("127.0.0.1", int(port))
    use_uvloop()
    run_worker(load_told, listening)
