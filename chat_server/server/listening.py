"""The listening socket: bound once, shared by every worker."""

import os
import socket
import sys

BACKLOG = 1024


class CannotListen(Exception):
    """One line for whoever started the server."""


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to one address of `host` (IPv4 where it has both; `::` takes both), port 0 meaning a free one."""
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except socket.gaierror as error:
        raise CannotListen(f"Cannot listen on {host}: {error.strerror}") from error
    except UnicodeError as error:  # a label that is too long, say
        raise CannotListen(f"Cannot listen on {host}: it is no host name") from error
    except OSError as error:
        raise CannotListen(f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}") from error


def announce(listening: socket.socket, workers: int) -> None:
    """Print the one line that says that the server is up."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"Listening on http://{shown}:{port} ({workers} worker{'s' if workers > 1 else ''})\n")
    sys.stdout.flush()
