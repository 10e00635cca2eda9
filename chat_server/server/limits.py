"""What one client may cost this process."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    body_bytes: int = 1024 * 1024
    bodies_bytes: int = 64 * 1024 * 1024  # of all bodies that are held at once
    frame_bytes: int = 64 * 1024  # of a whole message: fragments count together
    head_seconds: float = 30  # to take in a request line and its headers
    body_seconds: float = 30  # to take in a body
    idle_seconds: float = 60  # a kept-alive connection without a request
    handshake_seconds: float = 10  # until the application has let a WebSocket in
    close_seconds: float = 3  # until the peer has answered a close frame
    linger_seconds: float = 5  # what a refused client still sends is thrown away this long, so that it can read why
    queued_frames: int = 64  # that a socket's consumer has not taken yet; past it the socket is not read
    side_frames: int = 500  # of a socket in `side_seconds`: pings, pongs, fragments; the application counts messages
    side_seconds: float = 10
    # From SIGTERM on; the process is gone within 10 s whatever happens.
    sockets_close_by: float = 5  # consumers close their own until then
    requests_end_by: float = 6.5  # requests under way are cut off then
    hooks_seconds: float = 2
    exit_by: float = 9
