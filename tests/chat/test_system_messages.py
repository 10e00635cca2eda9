"""What a group tells of itself: which messages, of what shape, by whom, and when there are none."""

import pytest

from chat import services
from chat.models import Message

from .calls import CREATE, events, in_conversation, numbers, participant, results, say


@pytest.fixture
def calls(alice, bob, carol, group, api):
    """What makes a system message, by its action."""
    client = api(alice)
    return {
        "conversation_renamed": lambda: client.patch(in_conversation(group), {"name": "Renamed"}),
        "participant_added": lambda: client.post(in_conversation(group, "participants/"), {"user_ids": [carol.pk]}),
        "participant_removed": lambda: client.delete(participant(group, bob)),
        "participant_left": lambda: api(bob).delete(participant(group, bob)),
        "admin_granted": lambda: client.patch(participant(group, bob), {"is_admin": True}),
    }


@pytest.mark.parametrize(
    ("action", "who", "fields"),
    [
        ("conversation_renamed", "alice", {"name": "Renamed"}),
        ("participant_added", "alice", {"user_id": "carol"}),
        ("participant_removed", "alice", {"user_id": "bob"}),
        ("participant_left", "bob", {"user_id": "bob"}),
        ("admin_granted", "alice", {"user_id": "bob"}),
    ],
)
def test_each_action_has_one_message(action, who, fields, alice, bob, carol, group, calls, api):
    assert calls[action]().status_code < 300
    fields = {name: {"bob": bob.pk, "carol": carol.pk}.get(value, value) for name, value in fields.items()}
    assert events(group)[1:] == [(who, {"action": action, **fields})]
    assert numbers(group) == (2, 2)


def test_taking_a_right_has_one_message(alice, bob, group, api):
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    api(alice).patch(participant(group, bob), {"is_admin": False})
    assert events(group)[2:] == [("alice", {"action": "admin_revoked", "user_id": bob.pk})]


def test_a_new_group_has_one_message_and_none_for_its_first_participants(alice, bob, carol, api):
    body = {"type": "group", "name": "New", "participant_ids": [bob.pk, carol.pk]}
    shown = api(alice).post(CREATE, body).json()
    [message] = Message.objects.filter(conversation=shown["id"])
    assert (message.sender, message.event) == (alice, {"action": "conversation_created", "name": "New"})
    assert (shown["last_seq"], shown["version"], shown["unread_count"]) == (1, 1, 0)


def test_private_conversations_have_none(alice, bob, conversation, api):
    say(alice, conversation)
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    assert events(conversation) == []
    assert numbers(conversation) == (1, 1)


def test_handing_over_is_told_after_leaving(alice, bob, group, api):
    api(alice).delete(participant(group, alice))
    assert events(group)[1:] == [
        ("alice", {"action": "participant_left", "user_id": alice.pk}),
        ("alice", {"action": "admin_granted", "user_id": bob.pk}),
    ]


def test_several_newcomers_have_one_message_each_in_the_order_given(alice, carol, dave, group, api):
    api(alice).post(in_conversation(group, "participants/"), {"user_ids": [dave.pk, carol.pk]})
    assert [event["user_id"] for _, event in events(group)[1:]] == [dave.pk, carol.pk]
    assert numbers(group) == (3, 3)


def test_deleting_a_group_as_a_participant_is_leaving_it(bob, group, api):
    api(bob).delete(in_conversation(group, "delete/"))
    assert events(group)[1:] == [("bob", {"action": "participant_left", "user_id": bob.pk})]


def test_a_description_is_not_told(alice, group, api):
    api(alice).patch(in_conversation(group), {"description": "What for"})
    assert len(events(group)) == 1


def test_name_and_description_together_are_one_message(alice, group, api):
    api(alice).patch(in_conversation(group), {"name": "Renamed", "description": "What for"})
    assert events(group)[1:] == [("alice", {"action": "conversation_renamed", "name": "Renamed"})]


def test_they_are_messages_like_any_other(alice, bob, group, api):
    api(alice).patch(in_conversation(group), {"name": "Renamed"})
    history = results(api(bob).get(in_conversation(group, "messages/")))
    assert [(each["seq"], each["version"], each["type"]) for each in history] == [(1, 1, "system"), (2, 2, "system")]
    shown = history[1]
    assert shown["event"] == {"action": "conversation_renamed", "name": "Renamed"}
    assert (shown["content"], shown["client_id"], shown["reply_to"]) == ("", None, None)
    assert (shown["is_edited"], shown["is_deleted"]) == (False, False)
    assert shown["sender"] == {"id": alice.pk, "username": "alice", "display_name": "alice", "avatar": None}
    assert api(bob).get(f"/api/chat/messages/{shown['id']}/").json() == shown
    assert api(bob).get(in_conversation(group)).json()["unread_count"] == 2


def test_they_move_the_conversation_up(alice, group, calls, api):
    before = api(alice).get(in_conversation(group)).json()["updated_at"]
    calls["admin_granted"]()
    assert api(alice).get(in_conversation(group)).json()["updated_at"] > before


def test_refused_calls_leave_none(alice, bob, carol, group, api):
    client = api(bob)
    client.patch(in_conversation(group), {"name": "Renamed"})
    client.post(in_conversation(group, "participants/"), {"user_ids": [carol.pk]})
    client.patch(participant(group, bob), {"is_admin": True})
    client.delete(participant(group, alice))
    api(alice).patch(participant(group, alice), {"is_admin": False})
    api(alice).post(in_conversation(group, "participants/"), {"user_ids": [carol.pk, 999_999_999]})
    assert len(events(group)) == 1
    assert numbers(group) == (1, 1)
