"""Point 7, on request: so much is said that whoever does not read must be let go of."""

from __future__ import annotations

import asyncio
import socket
import time
from urllib.parse import urlsplit

from chat.management.client import NoAnswer, Person

from .listener import Listener, compare, read_changes
from .report import Report
from .sending import Answer, over_rest
from .stage import Stage
from .together import together

MOST = 600  # messages, 9 MiB: more than the network between us holds, and fewer than the 1000 that can be resumed
SECONDS = 40.0  # in which the default rate limits let four people say that much
CONTENT = "🐢" * 4000  # 16 KB, the most that a message may say
ARRIVES_WITHIN = 5.0
READS_WITHIN = 30.0  # all of it, over whatever network
NARROW, WIDE = 4096, 2**20  # bytes that our side of the connection holds: while it does not read, and then


def _small_pipe(url: str) -> socket.socket:
    """A connection that holds little by itself."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    for family, kind, protocol, _, found in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        pipe = socket.socket(family, kind, protocol)
        try:
            pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
            pipe.connect(found)
        except OSError:
            pipe.close()
            continue
        return pipe
    raise NoAnswer(f"No server answers at {url}.")


async def check(stage: Stage, report: Report, *, seconds: float = SECONDS) -> None:
    """The rest of point 7: one socket does not read while a great deal is said, and another one does."""
    admin, *others = stage.people
    conversation = await stage.group(admin, *others)
    server = stage.servers[0]
    reader = await Listener(stage, admin, conversation, server).open()
    slow = Listener(stage, others[0], conversation, server)
    # Without pings of its own: reading nothing, our side would miss their answers and end the connection itself.
    pipe = await asyncio.to_thread(_small_pipe, server.url)
    await slow.open(ping_interval=None, sock=pipe)
    slow.socket.connection.transport.pause_reading()
    talks = await together(
        *(_talk(person, conversation, seconds, MOST // len(stage.people)) for person in stage.people)
    )
    answers = [answer for talk in talks for answer in talk]
    stored = await read_changes(admin, conversation, server)
    head = stored[-1]["version"]
    in_time = await reader.wait_for_version(head, within=ARRIVES_WITHIN)
    report.hold(7, in_time, "the others did not get everything in time while one socket did not read")
    heard = {frame["message"]["id"]: at for at, frame in reader.heard}
    late = max((heard[each.message_id] - each.at for each in answers if each.message_id in heard), default=0.0)
    report.hold(7, late <= ARRIVES_WITHIN, f"another socket waited {late:.1f} s while one did not read")
    pipe.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WIDE)
    await _read_on(report, slow, head, len(stored))
    frames = [frame for _, frame in slow.heard]
    for line in compare(frames, stored, conversation=conversation, since=slow.since).lines(
        "the socket that did not read"
    ):
        report.broke(7, line)
    await stage.close([reader.socket, slow.socket])


async def _talk(person: Person, conversation: int, seconds: float, most: int) -> list[Answer]:
    answers: list[Answer] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(answers) < most:
        answers.append(await over_rest(person, conversation, CONTENT, f"{person.id} long {len(answers)}"))
    return answers


async def _read_on(report: Report, slow: Listener, head: int, count: int) -> None:
    """Now it reads: what was kept for it, and the end of it; then it resumes."""
    slow.socket.connection.transport.resume_reading()
    await slow.wait_for_version(head, within=READS_WITHIN)
    size = count * len(CONTENT.encode()) / 2**20
    if slow.socket.closed_at is None:
        report.cannot_test(7, f"the close with 4408: {size:.0f} MiB were on their way or kept", is_partial=True)
        return
    code, kept = slow.socket.close_code, len(slow.heard)
    report.hold(7, code in (4408, 1006), f"a socket that did not read was closed with {code}, not 4408")
    await slow.resume()
    await slow.wait_for_version(head, within=READS_WITHIN)
    report.saw(
        7, f"one that did not read {size:.0f} MiB was closed ({code}) after {kept} of {count} messages, and resumed"
    )
