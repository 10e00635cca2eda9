"""Conversations at the admin's pages."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from chat import services
from chat.models import Conversation, Message

LIST = "chat_conversation_changelist"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"The group", "alice and bob"}),
        ({"type__exact": "group"}, {"The group"}),
        ({"type__exact": "private"}, {"alice and bob"}),
        ({"q": "the gro"}, {"The group"}),
        ({"q": "ALICE"}, {"The group", "alice and bob"}),
        ({"q": "eve"}, set()),
    ],
)
def test_conversations_are_listed_searched_and_filtered(
    page: Callable[..., str], conversation: Any, group: Any, eve: Any, query: dict[str, str], found: set[str]
) -> None:
    text = page(LIST, **query).replace("<bdi>", "").replace("</bdi>", "")
    assert {name for name in ("The group", "alice and bob") if name in text} == found


def test_a_conversation_leads_to_its_messages(
    page: Callable[..., str], group: Any, conversation: Any, bob: Any
) -> None:
    services.send_message(sender=bob, conversation_id=conversation.pk, content="Elsewhere")
    services.send_message(sender=bob, conversation_id=group.pk, content="Here")
    assert f'href="/admin/chat/message/?conversation__id__exact={group.pk}"' in page(
        "chat_conversation_change", group.pk
    )
    messages = page("chat_message_changelist", conversation__id__exact=group.pk)
    assert "Here" in messages
    assert "Elsewhere" not in messages


def test_names_are_text_and_keep_their_direction_to_themselves(page: Callable[..., str], alice: Any) -> None:
    group = services.create_group(creator=alice, name="<b>\u2069\u202eäh", participant_ids=[])
    for text in (page(LIST), page("chat_message_changelist"), page("chat_conversation_delete", group.pk)):
        assert "<bdi>\u2068&lt;b&gt;äh\u2069</bdi>" in text
        assert "\u202e" not in text


def test_titles_and_the_log_keep_a_names_direction_to_itself(
    staff: Client, page: Callable[..., str], alice: Any
) -> None:
    group = services.create_group(creator=alice, name="\u2069\u202eäh", participant_ids=[])
    assert "<title>\u2068äh\u2069 | View conversation" in page("chat_conversation_change", group.pk)
    url = reverse("admin:chat_conversation_delete", args=[group.pk])
    answer = staff.post(url, {"post": "yes"}, follow=True).content.decode()
    assert "The conversation “\u2068äh\u2069” was deleted" in answer
    assert LogEntry.objects.get().object_repr == "\u2068äh\u2069"


def test_conversations_are_not_made_or_changed_by_hand(staff: Client, group: Any) -> None:
    assert staff.get(reverse("admin:chat_conversation_add")).status_code == 403
    assert staff.post(reverse("admin:chat_conversation_change", args=[group.pk]), {"name": "Mine"}).status_code == 403
    group.refresh_from_db()
    assert group.name == "The group"


def test_what_goes_with_a_conversation_is_counted_and_not_loaded(
    page: Callable[..., str], group: Any, alice: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        services.send_message(sender=alice, conversation_id=group.pk, content="Hello")
    with django_assert_max_num_queries(6) as queries:
        assert "2 participants, 21 messages" in page("chat_conversation_delete", group.pk)
    assert not any("chat_message" in query["sql"] for query in queries)


def test_a_conversation_is_deleted_with_all_that_was_said(staff: Client, group: Any) -> None:
    assert staff.post(reverse("admin:chat_conversation_delete", args=[group.pk]), {"post": "yes"}).status_code == 302
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


def test_several_conversations_are_deleted_after_one_question(
    choose: Callable[..., str], group: Any, conversation: Any
) -> None:
    assert "cannot be undone" in choose("chat_conversation", "delete_selected", group, conversation)
    assert Conversation.objects.count() == 2
    choose("chat_conversation", "delete_selected", group, conversation, post="yes")
    assert not Conversation.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_the_sockets_of_a_deleted_conversation_close(
    connect: Callable[..., Any], boss: Any, group: Any, alice: Any
) -> None:
    from asgiref.sync import sync_to_async

    socket = await connect(alice, group)
    await socket.receive("connected")
    client = Client()
    await sync_to_async(client.force_login)(boss)
    url = reverse("admin:chat_conversation_delete", args=[group.pk])
    assert (await sync_to_async(client.post)(url, {"post": "yes"})).status_code == 302
    assert await socket.closed() == 4404
