"""Point 6: who is online shows and heals; typing ends by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from chat.management.client import Frame, Person, Socket

from .report import Report
from .sending import over_socket
from .stage import Stage
from .together import together

SHOWS_WITHIN = 5.0
GONE_WITHIN = 10.0
TYPING = 6.0  # after the last word of it
SLACK = 2.0


async def check(stage: Stage, report: Report) -> None:
    """Point 6, as far as a client sees it. Both halves take their time, so they go on beside each other."""
    watcher, typist, guest = stage.people[0], stage.people[1], stage.people[-1]
    conversation = await stage.group(watcher, typist, guest)
    socket = await stage.connect(watcher, conversation)
    await together(
        _check_presence(stage, report, socket, guest, conversation),
        _check_typing(stage, report, socket, typist, conversation),
    )
    await socket.close()
    report.cannot_test(6, "a server process that is killed, Redis away or emptied")


async def _is_online(watcher: Person, guest: Person, wanted: bool, within: float) -> float | None:
    """After how many seconds `is_online` is as wanted on every server; None where it is not in time."""
    began = time.monotonic()
    while (took := time.monotonic() - began) <= within:
        path = f"/api/auth/users/{guest.id}/"
        answers = [await watcher.call("GET", path, server=server) for server in watcher.servers]
        if all(found["is_online"] == wanted for _, found in answers):
            return took
        await asyncio.sleep(0.25)
    return None


async def _check_presence(stage: Stage, report: Report, socket: Socket, guest: Person, conversation: int) -> None:
    watcher = stage.people[0]
    if await _is_online(watcher, guest, False, GONE_WITHIN) is None:
        if stage.are_ours:
            report.broke(6, f"is_online is still true {GONE_WITHIN:.0f} s after the last socket was closed")
        else:
            report.cannot_test(6, f"presence: {guest.username} is online elsewhere, too", is_partial=True)
        return
    start = len(socket.frames)
    sockets = [await stage.connect(guest, conversation) for _ in range(2)]
    came = await _is_online(watcher, guest, True, SHOWS_WITHIN)
    report.hold(6, came is not None, f"is_online is still false {SHOWS_WITHIN:.0f} s after a socket was let in")
    report.hold(6, guest.id in sockets[1].connected["online"], "`online` in `connected` leaves out who is online")
    await _shown(report, socket, guest, "online", start)
    await sockets[0].close()
    await asyncio.sleep(5)
    stays = await _is_online(watcher, guest, True, 0.5)
    report.hold(6, stays is not None, "is_online is false though one of two sockets is still open")
    start = len(socket.frames)
    sockets[1].drop()
    went = await _is_online(watcher, guest, False, GONE_WITHIN)
    report.hold(6, went is not None, f"is_online is still true {GONE_WITHIN:.0f} s after the last socket was cut")
    await _shown(report, socket, guest, "offline", start)
    if came is not None and went is not None:
        report.saw(
            6, f"online {came:.1f} s after the first socket was let in, offline {went:.1f} s after the last was cut"
        )


async def _shown(report: Report, socket: Socket, guest: Person, status: str, start: int) -> None:
    """The others are told."""

    def fits(frame: Frame) -> bool:
        return frame["type"] == "user_status" and (frame["user_id"], frame["status"]) == (guest.id, status)

    told = await socket.wait_for(fits, within=SHOWS_WITHIN, start=start)
    report.hold(6, told is not None, f"no user_status told that {guest.username} is {status}")


async def _check_typing(stage: Stage, report: Report, socket: Socket, typist: Person, conversation: int) -> None:
    own = await stage.connect(typist, conversation)
    typing = await stage.connect(typist, conversation)
    seconds = await _typing_ends(report, socket, typist, typing, "by itself", TYPING + SLACK)
    if seconds is not None:
        report.hold(
            6, seconds >= TYPING - SLACK, f"typing ended {seconds:.1f} s after it began, not after {TYPING:.0f}"
        )
        report.saw(6, f"typing ended by itself after {seconds:.1f} s, with the message, and with the socket")
    await _typing_ends(report, socket, typist, typing, "with the message", SLACK)
    await _typing_ends(report, socket, typist, typing, "with the socket", SLACK)
    seen = any(frame["type"] == "typing" and frame["user_id"] == typist.id for _, frame in own.frames)
    report.hold(6, not seen, "typing was shown to who typed")
    await own.close()


async def _typing_ends(
    report: Report, socket: Socket, typist: Person, typing: Socket, how: str, within: float
) -> float | None:
    """Type, make it end, and see both shown; how long it lasted, None where it is not seen to end."""

    def shows(is_typing: bool) -> Callable[[Frame], bool]:
        wanted = ("typing", typist.id, is_typing)
        return lambda frame: (frame["type"], frame.get("user_id"), frame.get("is_typing")) == wanted

    start = len(socket.frames)
    began = time.monotonic()
    await typing.say("typing", is_typing=True)
    if await socket.wait_for(shows(True), within=SHOWS_WITHIN, start=start) is None:
        report.broke(6, "typing is not shown to the others")
        return None
    if how == "with the message":
        await over_socket(typing, "There", "after typing")
    elif how == "with the socket":
        await typing.close()
    if await socket.wait_for(shows(False), within=within, start=start) is None:
        report.broke(6, f"typing did not end {how} within {within:.0f} s")
        return None
    return time.monotonic() - began
