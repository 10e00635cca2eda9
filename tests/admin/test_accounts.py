"""What chat sees of accounts that are ended at the admin's pages; tests/authentication has the pages."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse

from chat import services
from chat.models import Message


@pytest.mark.parametrize("way", ["one", "selected"])
def test_the_messages_of_a_deleted_user_stay_and_its_groups_go_on(
    staff: Client, choose: Callable[..., str], group: Any, conversation: Any, alice: Any, bob: Any, way: str
) -> None:
    for place in (group, conversation):
        services.send_message(sender=alice, conversation_id=place.pk, content="I was here")
    if way == "one":
        staff.post(reverse("admin:authentication_user_delete", args=[alice.pk]), {"post": "yes"})
    else:
        choose("authentication_user", "delete_selected", alice, post="yes")
    said = Message.objects.filter(content="I was here")
    assert [message.sender for message in said] == [None, None]
    heir = group.participants.get()
    assert (heir.user, heir.is_admin) == (bob, True)


def test_a_deleted_user_leaves_a_dash(page: Callable[..., str], conversation: Any, alice: Any) -> None:
    from authentication.services import delete_account

    message, _ = services.send_message(sender=alice, conversation_id=conversation.pk, content="I was here")
    delete_account(user=alice)
    assert "I was here" in page("chat_message_changelist")
    assert "I was here" in page("chat_message_change", message.pk)
    assert "<bdi>bob</bdi></a>" in page("chat_conversation_changelist")


def press(model: str, action: str, pk: Any) -> tuple[str, dict[str, Any]]:
    return reverse(f"admin:authentication_{model}_changelist"), {
        "action": action,
        "_selected_action": [pk],
        "post": "yes",
    }


@pytest.mark.parametrize("action", ["deactivate", "end_sessions", "delete_selected", "form", "session"])
@pytest.mark.django_db(transaction=True)
async def test_the_sockets_of_who_is_shut_out_close(
    connect: Callable[..., Any], group: Any, bob: Any, boss: Any, action: str
) -> None:
    socket = await connect(bob, group)
    await socket.receive("connected")
    client = Client()
    await sync_to_async(client.force_login)(boss)
    url, form = press("user", action, bob.pk)
    if action == "form":
        url, form = reverse("admin:authentication_user_change", args=[bob.pk]), {"email": bob.email, "username": "bob"}
    elif action == "session":
        session = await bob.sessions.aget()
        url, form = press("session", "delete_selected", session.pk)
    assert (await sync_to_async(client.post)(url, form)).status_code == 302
    assert await socket.closed() in ((4401, 4403) if action == "delete_selected" else (4401,))
