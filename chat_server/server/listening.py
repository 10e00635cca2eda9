"""The listening socket: bound once, shared by every worker.

It takes connections only once a worker can answer them: until then clients are refused at once, and go to another
process or come back, where they would else wait for a start that takes seconds.
"""

import os
import socket
import sys

BACKLOG = 1024


class CannotListen(Exception):
    """One line for whoever started the server."""


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to one address of `host` (IPv4 where it has both; `::` takes both), port 0 meaning a free one.

    Raises `CannotListen`, also where somebody else listens there.
    """
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
            bound.bind(address[:2])
        except OSError:
            bound.close()
            raise
        return bound
    except socket.gaierror as error:
        raise CannotListen(f"Cannot listen on {host}: {error.strerror}") from error
    except UnicodeError as error:  # a label that is too long, say
        raise CannotListen(f"Cannot listen on {host}: it is no host name") from error
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}") from error


def listen(bound: socket.socket) -> None:
    """Take connections from now on; each worker says so, and the first one counts. Ends the process if it cannot."""
    try:
        bound.listen(BACKLOG)
    except OSError as error:  # somebody else was bound to it at the same time, and was faster
        raise SystemExit(f"Cannot listen: {os.strerror(error.errno or 0)}") from None


def announce(listening: socket.socket, workers: int) -> None:
    """Print the one line that says that the server is up."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"Listening on http://{shown}:{port} ({workers} worker{'s' if workers > 1 else ''})\n")
    sys.stdout.flush()
