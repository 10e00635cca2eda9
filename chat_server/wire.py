"""The short way to a client: finished WebSocket frames and HTTP answers, written to the TCP connection at once.

The public way of a frame (Channels, Daphne, autobahn, Twisted) costs some 25 µs for each socket, and a turn of the
event loop. Only this file knows what lies between, and only by looking: behind an ASGI `send` that looks otherwise (a
test's, another server's) nothing is written here, and the frame goes the public way.
"""

import struct
from typing import Any

# What is looked for: in autobahn's protocol, which Daphne's is, and in Twisted's transport.
PROTOCOL = ("STATE_OPEN", "state", "send_queue", "_perMessageCompress")
BUFFERS = ("dataBuffer", "offset", "_tempDataLen")
TRANSPORT = (*BUFFERS, "_tempDataBuffer", "socket", "connected", "disconnecting", "write")


def octets(text: str) -> bytes:
    """A text frame of a server (RFC 6455, 5.2): the same for every socket."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def ping(payload: bytes) -> bytes:
    """A ping frame of a server, of at most 125 bytes (RFC 6455, 5.5.2)."""
    return struct.pack("!BB", 0x89, len(payload)) + payload


class Wire:
    """The connection below a protocol."""

    __slots__ = ("protocol", "transport")

    def __init__(self, protocol: Any) -> None:
        transport: Any = getattr(protocol, "transport", None)
        is_known = _has(protocol, PROTOCOL) and is_plain(transport)
        self.protocol: Any = protocol if is_known else None
        self.transport: Any = transport if _has(transport, BUFFERS) else None

    @classmethod
    def behind(cls, send: Any) -> "Wire":
        """That of an ASGI `send`: Daphne's is a partial with its protocol."""
        return cls(next(iter(getattr(send, "args", ())), None))

    def owed(self) -> int:
        """How many bytes wait in this process for the client; always 0 where nothing is known of the connection."""
        transport = self.transport
        if transport is None:
            return 0
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen

    def write(self, frames: bytes) -> bool:
        """Send finished frames behind all that was sent before; False where they have to go the public way."""
        protocol = self.protocol
        if protocol is None or protocol.state != protocol.STATE_OPEN or protocol.send_queue:
            return False
        if protocol._perMessageCompress is not None:  # agreed on in the handshake, when this was there already
            return False
        write_now(self.transport, frames)
        return True


def is_plain(transport: Any) -> bool:
    """Whether it is one that `write_now` knows, without TLS."""
    return _has(transport, TRANSPORT) and not getattr(transport, "TLS", False)


def write_now(transport: Any, data: bytes) -> None:
    """Write behind all that waits, and at once where nothing does."""
    if transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting or not transport.connected:
        transport.write(data)  # behind what waits
        return
    try:
        sent = transport.socket.send(data)
    except OSError:  # the client takes nothing now, or is gone: Twisted finds out which
        sent = 0
    if sent < len(data):
        transport.write(data[sent:])


def _has(thing: Any, names: tuple[str, ...]) -> bool:
    return all(hasattr(thing, name) for name in names)
