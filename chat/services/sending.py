"""Saying something. Sends that arrive while a commit is under way share the next one, whichever door they came by.

One refused send fails alone. A conversation whose row somebody else holds does not hold up the others of its batch: its
sends wait for the row in a thread of their own, and go together once they have it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Hashable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, connection, transaction
from rest_framework.exceptions import APIException, NotFound, Throttled

from chat.exceptions import Conflict, DoesNotExist
from chat.models import Conversation, Message
from chat_server.batching import Batch, Ticket, fail
from chat_server.database import give_to_thread
from chat_server.throttling import take_each

from . import log, rows

if TYPE_CHECKING:
    from authentication.models import User

LOCK_SECONDS = 10  # that a send waits for a row which somebody else holds; then it is `unavailable`
CONTENDED_SECONDS = 0.5  # after a row was held
MANY_CONTENDED = 1000  # then those of which that is over are forgotten
stalling = ThreadPoolExecutor(max_workers=8, thread_name_prefix="stalled")


@dataclass(frozen=True, slots=True)
class Send:
    """What somebody wants to say."""

    sender: User
    conversation_id: int
    content: str
    client_id: str | None = None
    reply_to: int | None = None

    @property
    def digest(self) -> str:
        """What is said, kept to tell a repeated send from another one after the message was edited or deleted."""
        if self.client_id is None:
            return ""
        return hashlib.sha256(f"{self.reply_to or 0}:{self.content}".encode()).hexdigest()

    @property
    def place(self) -> tuple[int, int]:
        """Whose part in which conversation it takes."""
        return self.conversation_id, self.sender.pk

    @property
    def key(self) -> tuple[int, int, str | None]:
        """Under which it is stored once."""
        return self.conversation_id, self.sender.pk, self.client_id

    @property
    def once(self) -> Hashable:
        """The same for sends of which only one is stored."""
        return self.key if self.client_id is not None else id(self)


Stored = tuple[Message, bool]
SendTicket = Ticket[Send, Stored]


def send_message(
    *, sender: User, conversation_id: int, content: str, client_id: str | None = None, reply_to: int | None = None
) -> Stored:
    """Store a message once and publish it; returns it and whether it is new.

    With a `client_id` that the sender used here before, the first message comes back and nothing is stored or sent;
    `Conflict` where that one said something else. `NotFound`, `DoesNotExist` (reply_to), `Throttled`.
    """
    return _sends.run(Send(sender, conversation_id, content, client_id, reply_to))


async def asend_message(
    *, sender: User, conversation_id: int, content: str, client_id: str | None = None, reply_to: int | None = None
) -> Stored:
    """`send_message` for the event loop."""
    return await _sends.arun(Send(sender, conversation_id, content, client_id, reply_to))


def _commit(tickets: Sequence[SendTicket]) -> None:
    """Store what is said in conversations that nobody else holds, in one transaction, then answer."""
    tickets = [ticket for ticket in tickets if not (_wait_with_others(ticket) or _wait_behind_others(ticket))]
    if not tickets:
        return
    try:
        with transaction.atomic():
            desk = _Desk(tickets)
            answers = desk.store()
    except (OperationalError, InterfaceError):
        raise  # the database's fault, not that of one of them
    except Exception:
        if len(tickets) == 1:
            raise
        for ticket in tickets:
            _commit_alone(ticket)
        return
    _answer(answers)
    for ticket in desk.held:
        _note_contended(ticket.item.conversation_id)
        _stall(ticket)


def _commit_alone(ticket: SendTicket) -> None:
    try:
        _commit([ticket])
    except Exception as error:
        fail([ticket], error)


def _answer(answers: Iterable[tuple[SendTicket, Stored | APIException]]) -> None:
    for ticket, answer in answers:
        if isinstance(answer, APIException):
            fail([ticket], answer)
        else:
            ticket.answer.set_result(answer)


class _Desk:
    """The sends of one transaction: all that is needed to judge them is read at once, what is new is stored at once.

    Those of conversations that somebody else holds are `held` and left alone.
    """

    def __init__(self, tickets: Sequence[SendTicket]) -> None:
        sends = [ticket.item for ticket in tickets]
        known = rows.lock_and_read([(*send.place, send.client_id) for send in sends])
        at_hand = list(zip(tickets, known, strict=True))
        self.held = [ticket for ticket, what in at_hand if what.is_there and what.conversation is None]
        self.known = {ticket: what for ticket, what in at_hand if not what.is_there or what.conversation is not None}
        earlier = [what.said_id for what in self.known.values() if what.said_id is not None]
        quoted = {ticket.item.reply_to for ticket in self.known} - {None}
        found = Message.objects.with_people().in_bulk([*earlier, *quoted]) if earlier or quoted else {}
        self.quoted = {pk: found[pk] for pk in quoted if pk in found}
        self.said: dict[tuple[int, int, str | None], Message] = {
            ticket.item.key: found[what.said_id] for ticket, what in self.known.items() if what.said_id in found
        }
        self.refusals = self._count()
        self.new: dict[Conversation, list[Message]] = {}

    def _count(self) -> dict[Hashable, Throttled]:
        """Count each that will be new, for its sender's limit, once; the refusals, by `Send.once`."""
        allowed = [ticket.item for ticket, what in self.known.items() if what.part is not None]
        new = {send.once: send for send in allowed if send.once not in self.said}
        refusals = take_each("THROTTLE_MESSAGES", [str(send.sender.pk) for send in new.values()])
        return {once: refusal for once, refusal in zip(new, refusals, strict=True) if refusal is not None}

    def store(self) -> list[tuple[SendTicket, Stored | APIException]]:
        """Store what is new; the answer to each that is not held, good once it is committed."""
        answers: list[tuple[SendTicket, Stored | APIException]] = []
        for ticket, what in self.known.items():
            try:
                answers.append((ticket, self._take(ticket.item, what)))
            except APIException as refusal:
                answers.append((ticket, refusal))
        if self.new:
            log.store(list(self.new.items()))
        return answers

    def _take(self, send: Send, what: rows.Known) -> Stored:
        """The message, to be numbered and stored, and whether it is new; or the refusal."""
        if what.part is None or what.conversation is None:
            raise NotFound
        if send.client_id is not None and (first := self.said.get(send.key)):
            if first.client_digest != send.digest:
                raise Conflict
            return first, False
        if refusal := self.refusals.get(send.once):
            raise refusal
        message = Message(content=send.content, client_id=send.client_id, client_digest=send.digest)
        message.sender = what.part.user  # as stored now: a socket may know them by an older name
        if send.reply_to is not None:
            message.reply_to = self.quoted.get(send.reply_to)
            if message.reply_to is None or not what.part.sees(message.reply_to):
                raise DoesNotExist("reply_to", "There is no such message in this conversation.")
        self.new.setdefault(what.conversation, []).append(message)
        if send.client_id is not None:
            self.said[send.key] = message
        return message, True


# Conversations that somebody else holds ---------------------------------------------------------

_stalled: dict[int, list[SendTicket]] = {}
_contended: dict[int, float] = {}  # conversations that were held, until when that counts
_stalled_lock = threading.Lock()


def _wait_with_others(ticket: SendTicket) -> bool:
    """Whether sends of this conversation wait for its row already; this one then goes with them."""
    with _stalled_lock:
        waiting = _stalled.get(ticket.item.conversation_id)
        if waiting is not None:
            waiting.append(ticket)
        return waiting is not None


def _wait_behind_others(ticket: SendTicket) -> bool:
    """Whether the conversation was held a moment ago, by another process that sends there: then this one is stalled.

    To find its row free is luck then, and to find it held is a transaction for nothing.
    """
    until = _contended.get(ticket.item.conversation_id)
    if until is None:
        return False
    if until < time.monotonic():
        _contended.pop(ticket.item.conversation_id, None)
        return False
    _stall(ticket)
    return True


def _note_contended(conversation_id: int) -> None:
    now = time.monotonic()
    if len(_contended) >= MANY_CONTENDED:
        for old in [each for each, until in list(_contended.items()) if until < now]:
            _contended.pop(old, None)
    _contended[conversation_id] = now + CONTENDED_SECONDS


def _stall(ticket: SendTicket) -> None:
    """Wait for the conversation's row in another thread."""
    conversation_id = ticket.item.conversation_id
    with _stalled_lock:
        waiting = _stalled.setdefault(conversation_id, [])
        waiting.append(ticket)
        if len(waiting) == 1:
            give_to_thread(partial(_commit_once_free, conversation_id), stalling)


def _commit_once_free(conversation_id: int) -> None:
    tickets: list[SendTicket] = []
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            rows.lock(conversation_id)
            tickets = _leave_the_queue(conversation_id)
            desk = _Desk(tickets)
            answers = desk.store()
    except Exception as error:
        fail(tickets or _leave_the_queue(conversation_id), error)
    else:
        _answer(answers)
        for ticket in desk.held:  # it was not there to be locked, and then was
            _stall(ticket)


def _leave_the_queue(conversation_id: int) -> list[SendTicket]:
    with _stalled_lock:
        return _stalled.pop(conversation_id, [])


_sends: Batch[Send, Stored] = Batch(_commit)
