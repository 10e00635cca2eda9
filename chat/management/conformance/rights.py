"""Point 5: nothing reaches a socket once its user has lost the right, and it is closed within 2 s."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence

from chat.management.client import Person, Refused, Socket

from .listener import DURABLE
from .report import Report
from .sending import over_rest
from .stage import Stage
from .together import ended, together

CLOSED_WITHIN = 2.0
LOOKS_FOR = 4.0
CHATTER_EVERY = 0.4


async def check(stage: Stage, report: Report) -> None:
    """Point 5, as far as a client can lose its rights."""
    admin, talker, member = stage.people[:3]
    conversation = await stage.group(admin, talker, member)
    chatter = asyncio.create_task(_chatter(talker, conversation))
    try:
        if stage.are_ours:
            await _check_logout(stage, report, member, conversation)
        else:
            report.cannot_test(5, "logging out: the sessions of the given tokens are not ours to end")
        await _check_removal(stage, report, conversation)
        await _check_leaving(stage, report, conversation)
    finally:
        await ended(chatter)
    await _check_deletion(stage, report, conversation)
    report.cannot_test(5, "deactivation, and a token that runs out: a client cannot bring them about, or must wait")


async def _chatter(talker: Person, conversation: int) -> None:
    """Somebody talks all the while: so there is something to be had that must not be."""
    number = 0
    while True:
        number += 1
        await over_rest(talker, conversation, f"chatter {number}", f"chatter {number}")
        await asyncio.sleep(CHATTER_EVERY)


async def _open(stage: Stage, person: Person, conversation: int) -> list[Socket]:
    """A socket on every server, two where there is one."""
    servers = stage.servers if len(stage.servers) > 1 else [*stage.servers] * 2
    return [await stage.connect(person, conversation, server=server) for server in servers]


async def _closed(report: Report, sockets: Sequence[Socket], code: int, what: str, act: Awaitable[object]) -> None:
    """Do it, and see every socket closed with that code in time."""
    await act
    done = time.monotonic()
    await together(*(socket.wait_until_closed(LOOKS_FOR) for socket in sockets))
    longest = 0.0
    for socket in sockets:
        if socket.closed_at is None:
            report.broke(5, f"{what}: a socket is still open {LOOKS_FOR:.0f} s later")
            continue
        took = max(0.0, socket.closed_at - done)
        longest = max(longest, took)
        report.hold(5, took <= CLOSED_WITHIN, f"{what}: a socket was closed only after {took:.1f} s")
        report.hold(5, socket.close_code == code, f"{what}: a socket was closed with {socket.close_code}, not {code}")
    report.saw(5, f"{what}: {len(sockets)} sockets closed with {code}, the last after {longest:.2f} s")


async def _check_logout(stage: Stage, report: Report, member: Person, conversation: int) -> None:
    session = await stage.second_session(member)
    others = await _open(stage, member, conversation)
    sockets = await _open(stage, session, conversation)
    await _closed(report, sockets, 4401, "logged out", session.logout())
    status, _ = await session.call("GET", "/api/auth/profile/", accept=[401])
    report.hold(5, status == 401, f"logged out: the access token still works over REST ({status})")
    await _refused(report, session, conversation, 4401, "logged out")
    open_still = all(socket.closed_at is None for socket in others)
    report.hold(5, open_still, "logged out: sockets of another session of the same user were closed, too")
    await stage.close(others)


async def _check_removal(stage: Stage, report: Report, conversation: int) -> None:
    admin, member = stage.people[0], stage.people[2]
    sockets = await _open(stage, member, conversation)
    await asyncio.sleep(CHATTER_EVERY)
    path = f"/api/chat/conversations/{conversation}/participants/{member.id}/"
    await _closed(report, sockets, 4403, "removed", admin.call("DELETE", path))
    nothing_after(report, sockets, "participant_removed", member)
    status, _ = await member.call("GET", f"/api/chat/conversations/{conversation}/", accept=[404])
    report.hold(5, status == 404, f"removed: the conversation is still there over REST ({status})")
    await _refused(report, member, conversation, 4404, "removed")
    await admin.call("POST", f"/api/chat/conversations/{conversation}/participants/", {"user_ids": [member.id]})


async def _check_leaving(stage: Stage, report: Report, conversation: int) -> None:
    member = stage.people[2]
    sockets = await _open(stage, member, conversation)
    path = f"/api/chat/conversations/{conversation}/participants/{member.id}/"
    await _closed(report, sockets, 4403, "left", member.call("DELETE", path))
    nothing_after(report, sockets, "participant_left", member)


def nothing_after(report: Report, sockets: Sequence[Socket], action: str, member: Person) -> None:
    """The message of the removal is the last one that they were given."""
    for socket in sockets:
        heard = [frame["message"] for _, frame in socket.frames if frame["type"] in DURABLE]
        events = [message["event"] or {} for message in heard]
        ends = [n for n, event in enumerate(events) if event.get("action") == action and event["user_id"] == member.id]
        later = len(heard) - 1 - ends[0] if ends else 0
        report.hold(5, later == 0, f"{action}: {later} later messages reached who is no longer in it")


async def _check_deletion(stage: Stage, report: Report, conversation: int) -> None:
    admin, talker = stage.people[:2]
    sockets = await _open(stage, talker, conversation)
    path = f"/api/chat/conversations/{conversation}/delete/?for_everyone=true"
    await _closed(report, sockets, 4404, "deleted for everyone", admin.call("DELETE", path))


async def _refused(report: Report, person: Person, conversation: int, code: int, what: str) -> None:
    """No new socket is let in."""
    try:
        socket = await person.connect(conversation)
    except Refused as refused:
        report.hold(5, refused.status == code, f"{what}: a new socket was refused with {refused.status}, not {code}")
    else:
        await socket.close()
        report.broke(5, f"{what}: a new socket was let in")
