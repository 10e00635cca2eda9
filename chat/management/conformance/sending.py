"""Sending through either door, and again where it is not known whether it was stored."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from django.core.management.base import CommandError

from chat.management.client import NoAnswer, Person, Refused, Socket

PATIENCE = 10.0  # seconds; for one answer, and for all that are tried
PAUSE = 1.0


@dataclass(frozen=True)
class Answer:
    """A 201, 200 or `ack`: the message is stored; `began` is when the send was begun that was answered so."""

    message_id: int
    seq: int
    is_new: bool
    began: float
    at: float


class Conflict(CommandError):
    """The `client_id` was used before, for something else."""


async def over_rest(person: Person, conversation: int, content: str, client_id: str) -> Answer:
    """Send until it is answered; a 429 is waited out. `Conflict`, `Refused`, `NoAnswer`."""
    body = {"conversation": conversation, "content": content, "client_id": client_id}
    while True:
        began = time.monotonic()
        status, said = await person.call("POST", "/api/chat/messages/create/", body, accept=[409, 429])
        if status == 409:
            raise Conflict(f"{client_id} was refused over REST: 409")
        if status != 429:
            return Answer(said["id"], said["seq"], status == 201, began, time.monotonic())
        await asyncio.sleep(PAUSE)


async def over_socket(socket: Socket, content: str, client_id: str) -> Answer:
    """Send until it is answered; `throttled` is waited out. `Conflict`, `Refused`, `NoAnswer`."""
    while True:
        began, start = time.monotonic(), len(socket.frames)
        if not await socket.say("chat_message", content=content, client_id=client_id):
            raise NoAnswer(f"The server has closed a socket ({socket.close_code}).")
        said = await socket.answer_to(client_id, within=PATIENCE, start=start)
        if said is None:
            end = "the socket was closed" if socket.closed_at else f"{PATIENCE:.0f} s long there was no answer"
            raise NoAnswer(f"A chat_message was sent and {end}.")
        if said["type"] == "ack":
            return Answer(said["message_id"], said["seq"], not said["duplicate"], began, time.monotonic())
        if said["code"] == "conflict":
            raise Conflict(f"{client_id} was refused over a socket: conflict")
        if said["code"] == "unavailable":
            raise NoAnswer(f"A chat_message was answered unavailable: {said['detail']}")
        if said["code"] != "throttled":
            raise Refused(f"A chat_message was answered {said['code']}: {said['detail']}", 0)
        await asyncio.sleep(said.get("retry_after") or PAUSE)


async def for_sure(person: Person, conversation: int, content: str, client_id: str, *, socket: Socket | None) -> Answer:
    """Send over the socket, or REST; where no answer comes, again over REST, for `PATIENCE`."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if socket is not None:
                return await over_socket(socket, content, client_id)
            return await over_rest(person, conversation, content, client_id)
        except NoAnswer:
            if time.monotonic() > end:
                raise
            socket = None
            await asyncio.sleep(0.3)
