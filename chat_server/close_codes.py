"""Every code that the server closes a socket with."""

from enum import IntEnum


class CloseCode(IntEnum):
    """4400, 4403, 4404 and 4413: do not come back by yourself. 4401: only with a new token. The others: come back."""

    BAD_FRAMES = 4400  # twenty in a row
    UNAUTHENTICATED = 4401  # no valid token, or it ran out, or the session ended
    NOT_PARTICIPANT = 4403  # no longer
    NOT_FOUND = 4404  # no such conversation for you, or no longer for anybody
    TOO_SLOW = 4408  # does not take what it is sent
    TOO_MANY_SOCKETS = 4409  # of one user in this process
    TOO_BIG = 4413  # a frame over 64 KiB
    FLOODING = 4429  # goes on though throttled
    RESTART = 4503  # the server ends, or a part of it is away: come back
