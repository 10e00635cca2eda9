"""One world in which everybody stands somewhere else to a group."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conftest import token_for

from .table import ROLES


@pytest.fixture
def people(make_user: Callable[..., Any]) -> Mapping[str, Any]:
    """By role, who has it (`nobody` is None); beside them `other`, a member, and `newcomer`, who may be added."""
    users = {name: make_user(name) for name in (*ROLES[1:], "other", "newcomer")}
    return {"nobody": None, **users}


@pytest.fixture
def ids(people: Mapping[str, Any]) -> dict[str, Any]:
    """By name, what the calls are about: people, a group and what was said in it, another group of its admin, a
    private conversation of admin and member, a session of `other`."""
    from authentication.models import Session
    from chat import services

    def say(sender: Any, conversation_id: int) -> int:
        message, _ = services.send_message(sender=sender, conversation_id=conversation_id, content="Hello")
        return message.pk

    admin = people["admin"]
    talking = [people[name] for name in ("admin", "member", "other", "removed", "left")]
    group = services.create_group(creator=admin, name="A", participant_ids=[user.pk for user in talking])
    another = services.create_group(creator=admin, name="B", participant_ids=[])
    private, _ = services.open_private_conversation(user=admin, participant_ids=[people["member"].pk])
    said = {f"by_{user.username}": say(user, group.pk) for user in talking}
    services.remove_participant(remover=admin, conversation_id=group.pk, user_id=people["removed"].pk)
    services.remove_participant(remover=people["left"], conversation_id=group.pk, user_id=people["left"].pk)
    token_for(people["other"])
    return {
        **said,
        **{name: user.pk for name, user in people.items() if user is not None},
        "group": group.pk,
        "private": private.pk,
        "system": group.messages.get(seq=1).pk,
        "elsewhere": say(admin, another.pk),
        "in_private": say(admin, private.pk),
        "session": Session.objects.get(user=people["other"]).pk,
    }
