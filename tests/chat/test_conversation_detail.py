"""GET and PATCH conversations/<id>/"""

import pytest

from chat import services
from chat.models import Conversation
from tests.services.errors import refusal, refused

from .calls import events, in_conversation, numbers, say


def test_a_participant_sees_it(bob, group, api):
    shown = api(bob).get(in_conversation(group)).json()
    assert (shown["id"], shown["type"], shown["name"], shown["description"]) == (group.pk, "group", "The group", "")
    assert (shown["participant_count"], shown["last_seq"], shown["version"]) == (2, 1, 1)
    assert shown["last_message"]["event"]["action"] == "conversation_created"


def test_a_private_one_is_named_after_the_other(alice, bob, conversation, api):
    assert api(alice).get(in_conversation(conversation)).json()["name"] == "bob"
    assert api(bob).get(in_conversation(conversation)).json()["name"] == "alice"


def test_the_first_fifty_participants_are_shown_in_the_order_of_joining(alice, bob, group, fill, carol, api):
    members = fill(group, 60)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    shown = api(carol).get(in_conversation(group)).json()
    assert [each["user"]["id"] for each in shown["participants"]] == [
        alice.pk,
        bob.pk,
        *(user.pk for user in members[:48]),
    ]
    assert shown["participant_count"] == 63


def test_unread_is_what_came_since_one_read(alice, bob, group, api):
    client = api(alice)
    for _ in range(3):
        say(bob, group)
    assert client.get(in_conversation(group)).json()["unread_count"] == 3
    services.mark_read(reader=alice, conversation_id=group.pk)
    assert client.get(in_conversation(group)).json()["unread_count"] == 0


def test_system_and_deleted_messages_are_unread_too(alice, bob, group, api):
    services.update_group(editor=alice, conversation_id=group.pk, name="Other")
    services.delete_message(deleter=alice, message_id=say(alice, group).pk)
    assert api(bob).get(in_conversation(group)).json()["unread_count"] == 3


def test_sending_reads_what_came_before(alice, bob, group, api):
    say(alice, group)
    say(bob, group)
    assert api(bob).get(in_conversation(group)).json()["unread_count"] == 0
    assert api(alice).get(in_conversation(group)).json()["unread_count"] == 1


def test_what_makes_a_system_message_reads_what_came_before(alice, bob, group, api):
    say(bob, group)
    services.update_group(editor=alice, conversation_id=group.pk, name="Other")
    assert api(alice).get(in_conversation(group)).json()["unread_count"] == 0


def test_edits_and_deletions_are_not_unread(alice, bob, conversation, api):
    message = say(alice, conversation)
    services.mark_read(reader=bob, conversation_id=conversation.pk)
    services.edit_message(editor=alice, message_id=message.pk, content="Edited")
    services.delete_message(deleter=alice, message_id=message.pk)
    assert api(bob).get(in_conversation(conversation)).json()["unread_count"] == 0


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"name": "Renamed"}, ("Renamed", "")),
        ({"description": "What for"}, ("The group", "What for")),
        ({"name": " Renamed ", "description": " What for\n"}, ("Renamed", "What for")),
        ({"name": "é" * 100, "description": "é" * 1000}, ("é" * 100, "é" * 1000)),
    ],
)
def test_an_admin_changes_name_and_description(changes, shown, alice, bob, group, api):
    response = api(alice).patch(in_conversation(group), changes)
    assert response.status_code == 200
    assert (response.json()["name"], response.json()["description"]) == shown
    assert response.json() == api(alice).get(in_conversation(group)).json()


def test_a_description_can_be_taken_away(alice, group, api):
    api(alice).patch(in_conversation(group), {"description": "What for"})
    assert api(alice).patch(in_conversation(group), {"description": ""}).json()["description"] == ""


@pytest.mark.parametrize(
    "changes", [{}, {"name": "The group"}, {"name": " The group "}, {"description": ""}, {"name": "The group", "x": 1}]
)
def test_a_change_that_changes_nothing_leaves_no_trace(changes, alice, group, api):
    before = api(alice).get(in_conversation(group)).json()
    response = api(alice).patch(in_conversation(group), changes)
    assert (response.status_code, response.json()) == (200, before)
    assert numbers(group) == (1, 1)


def test_a_new_description_makes_no_message(alice, group, api):
    api(alice).patch(in_conversation(group), {"description": "What for"})
    assert numbers(group) == (1, 1)


@pytest.mark.parametrize(
    ("who", "where", "status", "code"),
    [
        ("bob", "group", 403, "permission_denied"),
        ("eve", "group", 404, "not_found"),
        ("alice", "conversation", 403, "permission_denied"),
        ("bob", "conversation", 403, "permission_denied"),
        ("eve", "conversation", 404, "not_found"),
    ],
)
@pytest.mark.parametrize("body", [{"name": "Mine"}, {}, {"name": 5}])
def test_who_may_not_change_it(who, where, status, code, body, alice, bob, eve, conversation, group, api, request):
    user, target = request.getfixturevalue(who), request.getfixturevalue(where)
    assert refused(api(user).patch(in_conversation(target), body)) == (status, code)
    assert set(Conversation.objects.values_list("name", flat=True)) == {"", "The group"}


@pytest.mark.parametrize(
    ("changes", "code", "attr"),
    [
        ({"name": ""}, "blank", "name"),
        ({"name": "\u200d\u3164 "}, "blank", "name"),
        ({"name": "x" * 101}, "max_length", "name"),
        ({"name": None}, "null", "name"),
        ({"description": "x" * 1001}, "max_length", "description"),
        ({"description": None}, "null", "description"),
    ],
)
def test_a_name_or_description_that_will_not_do(changes, code, attr, alice, group, api):
    assert refusal(api(alice).patch(in_conversation(group), changes)) == (400, code, attr)


def test_what_the_server_decides_is_not_set_by_the_body(alice, bob, group, api):
    before = api(alice).get(in_conversation(group)).json()
    mine = {"id": 1, "type": "private", "last_seq": 99, "version": 99, "created_at": "2001-01-01T00:00:00Z"}
    more = {"participants": [], "participant_count": 0, "unread_count": 7, "private_key": "1:2"}
    assert api(alice).patch(in_conversation(group), {**mine, **more}).json() == before


def test_put_is_no_method_of_a_conversation(alice, group, api):
    assert refused(api(alice).put(in_conversation(group), {"name": "Other"})) == (405, "method_not_allowed")


def test_a_rename_is_said_in_the_group(alice, group, api):
    api(alice).patch(in_conversation(group), {"name": "Renamed"})
    assert events(group)[-1] == ("alice", {"action": "conversation_renamed", "name": "Renamed"})
