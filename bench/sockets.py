"""Workloads over WebSockets."""

import asyncio
import json
from collections.abc import Sequence

from .load import Dialect, Socket
from .measure import Measurement, latency, measured
from .world import Person

TEXT = "What a message says is often about as long as this."


def _say(number: int) -> bytes:
    return json.dumps({"type": "chat_message", "content": TEXT, "client_id": str(number)}).encode()


OURS = Dialect(delivered=b'{"type":"chat_message"', answered=b'{"type":"ack"', say=_say, ready=b'{"type":"connected"')


async def open_all(sockets: Sequence[tuple[Socket, int]], *, at_once: int = 50) -> list[Socket]:
    """Open each at its port, so many at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(socket: Socket, port: int) -> Socket:
        async with gate:
            return await socket.open(port)

    return await asyncio.gather(*(one(socket, port) for socket, port in sockets))


def of_conversation(person: Person, conversation_id: int, *, since: int | None = None) -> Socket:
    """A socket of one conversation, not opened yet."""
    query = "" if since is None else f"?since={since}"
    return Socket(OURS, f"/ws/chat/{conversation_id}/{query}", f"Authorization: Bearer {person.token}\r\n")


async def fan_out(sockets: Sequence[Socket], parts: dict[str, list[int]], messages: int) -> Measurement:
    """Ten of the sockets (or all) say so much; everything reaches everybody once. A unit is one delivery."""
    senders = sockets[:10]
    each = max(1, messages // len(senders))
    before = [socket.received for socket in sockets]
    said = each * len(senders)
    with measured(parts, said * len(sockets)) as result:
        for sender in senders:
            sender.latencies.clear()
            sender.begin(each, window=4)
        wanted = zip(sockets, before, strict=True)
        await asyncio.gather(*(socket.until_received(count + said) for socket, count in wanted))
    await asyncio.sleep(0.2)
    if any(socket.received != count + said for socket, count in zip(sockets, before, strict=True)):
        raise AssertionError("a message was delivered twice")
    result.more |= latency([each for sender in senders for each in sender.latencies])
    return result


async def pairs(couples: Sequence[tuple[Socket, Socket]], parts: dict[str, list[int]], messages: int) -> Measurement:
    """In each couple one answers the other as soon as they have heard them. A unit is one message."""
    said = 0
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hears(socket: Socket, mine: dict[str, int]) -> None:
        # Of what is delivered to both every second message is the other's.
        def on_delivery(new: int) -> None:
            nonlocal said
            mine["heard"] += new
            if mine["heard"] % 2 == mine["turn"]:
                if said < messages:
                    said += 1
                    socket.begin(1, window=1)
                elif not done.done():
                    done.set_result(None)

        def on_lost(error: Exception) -> None:
            if not done.done():
                done.set_exception(error)

        socket.latencies.clear()
        socket.on_delivery, socket.on_lost = on_delivery, on_lost

    for number, socket in enumerate(socket for couple in couples for socket in couple):
        hears(socket, {"heard": 0, "turn": number % 2})
    with measured(parts) as result:
        for first, _ in couples:
            said += 1
            first.begin(1, window=1)
        await done
    result.units = messages
    result.more |= latency([each for couple in couples for socket in couple for each in socket.latencies])
    await asyncio.sleep(0.3)
    return result


async def come_back(backlog: Sequence[tuple[Socket, int]], parts: dict[str, list[int]], missed: int) -> Measurement:
    """All open at the same moment, and each is sent so many messages that it missed. A unit is one socket."""

    async def catch_up(socket: Socket, port: int) -> None:
        await socket.open(port)
        await socket.until_received(missed)

    with measured(parts, len(backlog)) as result:
        await asyncio.gather(*(catch_up(socket, port) for socket, port in backlog))
    for socket, _ in backlog:
        socket.close()
    return result
