"""What is left of somebody whose account is deleted."""

import pytest

from authentication.services import delete_account
from chat import services
from chat.models import Conversation, ConversationParticipant, Message

from .calls import CONVERSATIONS, events, in_conversation, of_message, part, results, say


def test_their_messages_stay_with_sender_null(alice, bob, conversation, api):
    message = say(bob, conversation, "Still here")
    reply = say(alice, conversation, "Yes", reply_to=message.pk)
    delete_account(user=bob)
    client = api(alice)
    shown = client.get(of_message(message)).json()
    assert (shown["sender"], shown["content"], shown["seq"]) == (None, "Still here", 1)
    assert client.get(of_message(reply)).json()["reply_to"]["sender"] is None
    assert [each["sender"] is None for each in results(client.get(in_conversation(conversation, "messages/")))] == [
        True,
        False,
    ]


def test_a_private_conversation_is_named_deleted_user(alice, bob, conversation, api):
    say(bob, conversation)
    delete_account(user=bob)
    [shown] = results(api(alice).get(CONVERSATIONS))
    assert (shown["name"], shown["participant_count"]) == ("Deleted user", 1)
    assert [each["user"]["id"] for each in shown["participants"]] == [alice.pk]
    assert shown["last_message"]["sender"] is None
    assert shown["unread_count"] == 1


def test_an_empty_private_conversation_is_named_so_too(alice, bob, conversation, api):
    delete_account(user=bob)
    assert api(alice).get(in_conversation(conversation)).json()["name"] == "Deleted user"


def test_who_is_left_reads_and_deletes_the_private_conversation(alice, bob, conversation, api):
    say(bob, conversation)
    delete_account(user=bob)
    client = api(alice)
    assert client.post(in_conversation(conversation, "mark-read/")).json() == {"last_read_seq": 1, "unread_count": 0}
    assert client.delete(in_conversation(conversation, "delete/")).status_code == 204
    assert results(client.get(CONVERSATIONS)) == []


def test_groups_go_on_as_if_they_had_left(alice, bob, group, api):
    delete_account(user=bob)
    assert [each.user_id for each in group.participants.all()] == [alice.pk]
    assert events(group)[1][1]["action"] == "participant_left"
    [shown] = results(api(alice).get(in_conversation(group, "messages/?after=1")))
    assert (shown["sender"], shown["event"]["action"], shown["seq"]) == (None, "participant_left", 2)


def test_the_last_admin_s_groups_are_handed_over(alice, bob, group, api):
    services.update_group(editor=alice, conversation_id=group.pk, name="Renamed")
    delete_account(user=alice)
    assert part(group, bob).is_admin
    assert [(who, event["action"]) for who, event in events(group)] == [
        (None, "conversation_created"),
        (None, "conversation_renamed"),
        (None, "participant_left"),
        (None, "admin_granted"),
    ]


def test_a_group_with_nobody_left_is_deleted(alice, api):
    alone = services.create_group(creator=alice, name="Alone", participant_ids=[])
    say(alice, alone)
    delete_account(user=alice)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


def test_a_private_conversation_goes_with_the_second_of_the_two(alice, bob, conversation, api):
    delete_account(user=alice)
    assert Conversation.objects.exists()
    delete_account(user=bob)
    assert not Conversation.objects.exists()


def test_seq_and_version_go_on(alice, bob, group, api):
    say(bob, group)
    delete_account(user=bob)
    assert say(alice, group).seq == 4
    assert list(Message.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4]


def test_the_same_client_id_of_two_deleted_accounts_is_no_conflict(alice, bob, carol, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    for user in (bob, carol):
        say(user, group, client_id="same")
    delete_account(user=bob)
    delete_account(user=carol)
    assert Message.objects.filter(client_id="same", sender=None).count() == 2


def test_their_part_in_everything_is_gone(alice, bob, conversation, group, api):
    delete_account(user=bob)
    assert set(ConversationParticipant.objects.values_list("user", flat=True)) == {alice.pk}


def test_nobody_can_be_added_who_is_gone(alice, bob, group, api):
    gone = bob.pk
    delete_account(user=bob)
    response = api(alice).post(in_conversation(group, "participants/"), {"user_ids": [gone]})
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_what_they_said_is_nobody_s_to_edit_but_an_admin_s_to_delete(method, alice, bob, group, api):
    message = say(bob, group)
    delete_account(user=bob)
    client = api(alice)
    if method == "patch":
        assert client.patch(of_message(message), {"content": "Mine"}).status_code == 403
    else:
        assert client.delete(of_message(message, "delete/")).status_code == 204
