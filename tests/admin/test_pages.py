"""Every page is there for staff only, and costs the same however much there is."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from authentication.models import Session
from chat import services
from chat.models import Conversation, ConversationParticipant, Message, PresenceLease

LISTS = [
    "chat_conversation_changelist",
    "chat_message_changelist",
    "authentication_user_changelist",
    "authentication_session_changelist",
]


@pytest.fixture
def fill(group: Any, alice: Any, bob: Any, make_user: Callable[..., Any]) -> Callable[[int], None]:
    """`fill(3)`: that many more users, sessions, conversations of either kind, participants and messages."""
    count = 0

    def more(rows: int) -> None:
        nonlocal count
        for _ in range(rows):
            count += 1
            user = make_user(f"user{count}")
            Session.objects.create(user=user)
            services.open_private_conversation(user=user, participant_ids=[bob.pk])
            services.create_group(creator=user, name=f"Group {count}", participant_ids=[alice.pk])
            services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[user.pk])
            first, _ = services.send_message(sender=alice, conversation_id=group.pk, content="First")
            services.send_message(sender=user, conversation_id=group.pk, content="Second", reply_to=first.pk)

    return more


def cost(page: Callable[..., str], name: str, *args: Any, **query: Any) -> int:
    page(name, *args, **query)  # what Django remembers of the first time does not count
    with CaptureQueriesContext(connection) as queries:
        page(name, *args, **query)
    return len(queries)


@pytest.mark.parametrize("query", [{}, {"q": "alice"}])
@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_the_same_with_3_rows_and_with_30(
    page: Callable[..., str], fill: Callable[[int], None], name: str, query: dict[str, str]
) -> None:
    fill(3)
    few = cost(page, name, **query)
    fill(27)
    assert cost(page, name, **query) == few <= 12


def test_a_conversation_costs_the_same_with_3_participants_and_with_300(
    page: Callable[..., str], group: Any, make_user: Callable[..., Any]
) -> None:
    few = cost(page, "chat_conversation_change", group.pk)
    many = [make_user(f"user{number}", password=None) for number in range(300)]
    services.create_group(creator=many[0], name="Large", participant_ids=[each.pk for each in many])
    large = Conversation.objects.get(name="Large")
    assert cost(page, "chat_conversation_change", large.pk) == few
    text = page("chat_conversation_change", large.pk, participants=6)
    assert "251–300 of 300" in text
    assert "user299" in text
    assert "<select" not in text


def test_a_message_costs_the_same_in_a_long_conversation(page: Callable[..., str], fill: Callable[[int], None]) -> None:
    fill(3)
    reply = Message.objects.filter(reply_to__isnull=False).earliest("pk")
    few = cost(page, "chat_message_change", reply.pk)
    fill(10)
    assert cost(page, "chat_message_change", reply.pk) == few


def test_no_page_offers_all_users_to_select(
    page: Callable[..., str], fill: Callable[[int], None], group: Any, alice: Any
) -> None:
    fill(5)
    pages = [page(name) for name in LISTS]
    pages.append(page("chat_conversation_change", group.pk))
    pages.append(page("chat_message_change", group.messages.first().pk))
    pages.append(page("authentication_user_change", alice.pk))
    pages.append(page("authentication_session_change", Session.objects.latest("created_at").pk))
    selects = re.findall(r"<select.*?</select>", "".join(pages), re.DOTALL)
    assert selects
    assert not any("user3" in select for select in selects)


@pytest.mark.parametrize("name", ["index", *LISTS])
def test_who_is_no_staff_is_sent_to_the_door(client: Client, alice: Any, name: str) -> None:
    url = reverse(f"admin:{name}")
    for someone in (None, alice):
        if someone:
            client.force_login(someone)
        answer = client.get(url)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={url}")


@pytest.mark.parametrize("model", [PresenceLease, ConversationParticipant])
def test_what_only_the_server_writes_has_no_pages(model: Any) -> None:
    assert not admin.site.is_registered(model)


def test_the_index_names_the_server(page: Callable[..., str]) -> None:
    assert "<title>Administration | Chat server</title>" in page("index")


@pytest.mark.parametrize("name", ["chat_conversation_change", "chat_message_change"])
@pytest.mark.parametrize("pk", ["0", "x", "9" * 30])
def test_a_page_of_nothing_leads_back(staff: Client, name: str, pk: str) -> None:
    assert staff.get(reverse(f"admin:{name}", args=[pk])).status_code == 302


@pytest.mark.parametrize("query", ["conversation__id__exact=x", "conversation__id__exact=" + "9" * 30, "q=%00", "p=x"])
def test_a_broken_address_is_no_server_error(staff: Client, query: str) -> None:
    assert staff.get(reverse("admin:chat_message_changelist") + f"?{query}", follow=True).status_code == 200
