"""The world that random requests are made in: what is there, and what stays there whatever they do."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction

from authentication import tokens
from authentication.models import PasswordResetToken, Session
from chat import services
from tests.services.environment import PASSWORD

SMALL = 2**31  # smaller numbers stand for something that is there, larger ones for nothing


@dataclass
class World:
    """Alice is the admin of a group with Bob, and talks with him in private; what Eve has is not hers to know of."""

    access: str
    there: dict[str, list[Any]]  # by the name of a field or parameter: values that mean something

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever is done meanwhile, logging out included, is undone; the threads that it started are through."""
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
        for thread in threading.enumerate():  # what it draws by chance would show in the next case
            if thread.name == "password-reset":
                thread.join(10)

    def meant(self, name: str, value: Any) -> Any:
        """The value, or one of those that mean something; which one follows from the value."""
        there = self.there.get(name, ())
        if isinstance(value, list):
            return [self.meant(name, each) for each in value]
        if isinstance(value, str) and there and len(value) % 2:
            return there[len(value) % len(there)]
        if type(value) is int and there and 0 < value < SMALL:
            return there[value % len(there)]
        return value


@pytest.fixture
def connection_stays(transactional_db: None) -> Iterator[None]:
    """As Django's own test client does it: a request leaves the connection, and the transaction on it, as they are."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(
    connection_stays: None, make_user: Callable[..., Any], alice: Any, bob: Any, eve: Any, group: Any, conversation: Any
) -> World:
    def say(sender: Any, place: Any, **said: Any) -> int:
        message, _ = services.send_message(sender=sender, conversation_id=place.pk, content="Hello", **said)
        return int(message.pk)

    gone = make_user("gone", is_active=False)
    hers = services.create_group(creator=eve, name="Eve's", participant_ids=[])
    question, deleted = say(bob, group), say(alice, group)
    services.delete_message(deleter=alice, message_id=deleted)
    system = group.messages.get(seq=1).pk
    messages = [
        say(alice, group, reply_to=question),
        say(alice, conversation),
        question,
        system,
        deleted,
        say(eve, hers),
    ]
    session, other = Session(user=alice), Session(user=alice)
    pair = tokens.issue_pair(session)
    tokens.issue_pair(other)
    PasswordResetToken.objects.create(user=alice, token_hash=hashlib.sha256(b"mailed").hexdigest())
    conversations, users = [group.pk, group.pk, group.pk, conversation.pk, hers.pk], [bob.pk, eve.pk, alice.pk, gone.pk]
    return World(
        pair["access"],
        {
            **dict.fromkeys(("conversation_id", "conversation"), conversations),
            **dict.fromkeys(("user_id", "user_ids", "participant_ids"), users),
            **dict.fromkeys(("message_id", "reply_to"), messages),
            "session_id": [session.pk, other.pk],
            "refresh": [pair["refresh"]],
            "token": ["mailed"],
            "email": [alice.email],
            "old_password": [PASSWORD],
        },
    )
