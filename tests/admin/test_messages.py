"""Messages at the admin's pages: to read and to bury, never to write."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.urls import reverse
from rest_framework.exceptions import NotFound

from chat import services
from chat.exceptions import NotEditable
from chat.models import Message

LIST = "chat_message_changelist"


@pytest.fixture
def message(group: Any, bob: Any) -> Any:
    """What Bob said in the group, after the system message of its making."""
    message, _ = services.send_message(sender=bob, conversation_id=group.pk, content="Something rude")
    return message


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({}, True),
        ({"q": "RUDE"}, True),
        ({"q": "bob"}, True),
        ({"q": "alice"}, False),
        ({"type__exact": "text"}, True),
        ({"type__exact": "system"}, False),
        ({"deleted": "no"}, True),
        ({"deleted": "yes"}, False),
        ({"created_at__year": "2000"}, False),
    ],
)
def test_messages_are_listed_searched_and_filtered(
    page: Callable[..., str], message: Any, query: dict[str, str], is_found: bool
) -> None:
    assert ("Something rude" in page(LIST, **query)) is is_found


def test_a_list_shows_the_beginning_of_long_messages_only(page: Callable[..., str], group: Any, bob: Any) -> None:
    message, _ = services.send_message(sender=bob, conversation_id=group.pk, content="<i>" + "x" * 1000)
    assert "&lt;i&gt;" + "x" * 76 + "…" in page(LIST)
    assert "&lt;i&gt;" + "x" * 1000 in page("chat_message_change", message.pk)


def test_messages_are_not_written_or_edited_by_hand(staff: Client, message: Any) -> None:
    assert staff.get(reverse("admin:chat_message_add")).status_code == 403
    url = reverse("admin:chat_message_change", args=[message.pk])
    assert b"<textarea" not in staff.get(url).content
    assert staff.post(url, {"content": "Something nice"}).status_code == 403
    message.refresh_from_db()
    assert message.content == "Something rude"


def test_deleting_leaves_a_tombstone(staff: Client, page: Callable[..., str], message: Any) -> None:
    assert "tombstone" in page("chat_message_delete", message.pk)
    assert staff.post(reverse("admin:chat_message_delete", args=[message.pk]), {"post": "yes"}).status_code == 302
    message.refresh_from_db()
    assert (message.content, message.is_deleted, message.seq, message.version) == ("", True, 2, 3)
    assert "<em>deleted</em>" in page(LIST, deleted="yes")


def test_several_are_deleted_after_one_question_and_system_messages_stay(
    choose: Callable[..., str], group: Any, message: Any, bob: Any
) -> None:
    services.send_message(sender=bob, conversation_id=group.pk, content="And more")
    rows = list(group.messages.all())
    assert "Messages: 2" in choose("chat_message", "delete_selected", *rows)
    assert not group.messages.filter(deleted_at__isnull=False).exists()
    choose("chat_message", "delete_selected", *rows, post="yes")
    assert [each.is_deleted for each in group.messages.order_by("seq")] == [False, True, True]
    assert "stay as they are" in choose("chat_message", "delete_selected", *rows)


def test_what_is_fixed_has_no_delete_button(staff: Client, page: Callable[..., str], group: Any, message: Any) -> None:
    services.delete_message_as_operator(message_id=message.pk)
    for fixed in group.messages.all():
        url = reverse("admin:chat_message_delete", args=[fixed.pk])
        assert url not in page("chat_message_change", fixed.pk)
        assert staff.post(url, {"post": "yes"}).status_code == 403
    assert Message.objects.count() == 2


def test_who_may_only_look_cannot_delete(client: Client, make_user: Callable[..., Any], message: Any) -> None:
    from django.apps import apps
    from django.contrib.auth.management import create_permissions
    from django.contrib.auth.models import Permission

    create_permissions(apps.get_app_config("chat"), verbosity=0)  # a test that committed may have taken them

    reader = make_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_message"))
    client.force_login(reader)
    assert b"delete_selected" not in client.get(reverse(f"admin:{LIST}")).content
    assert client.post(reverse("admin:chat_message_delete", args=[message.pk]), {"post": "yes"}).status_code == 403


def test_the_operator_deletes_once_and_only_what_was_said(group: Any, message: Any) -> None:
    for _ in range(2):
        services.delete_message_as_operator(message_id=message.pk)
    message.refresh_from_db()
    assert message.version == 3
    with pytest.raises(NotEditable):
        services.delete_message_as_operator(message_id=group.messages.get(seq=1).pk)
    with pytest.raises(NotFound):
        services.delete_message_as_operator(message_id=0)


@pytest.mark.django_db(transaction=True)
async def test_the_sockets_hear_of_it(
    connect: Callable[..., Any], group: Any, message: Any, alice: Any, boss: Any
) -> None:
    socket = await connect(alice, group)
    await socket.receive("connected")
    client = Client()
    await sync_to_async(client.force_login)(boss)
    url = reverse("admin:chat_message_delete", args=[message.pk])
    assert (await sync_to_async(client.post)(url, {"post": "yes"})).status_code == 302
    frame = await socket.receive_until("message_deleted")
    assert (frame["message"]["id"], frame["message"]["content"], frame["version"]) == (message.pk, "", 3)
