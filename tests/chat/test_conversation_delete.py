"""DELETE conversations/<id>/delete/"""

import pytest

from chat import services
from chat.models import Conversation, ConversationParticipant, Message
from tests.services.errors import refusal, refused

from .calls import CONVERSATIONS, events, in_conversation, of_message, part, results, say


def delete(client, conversation, **query):
    path = in_conversation(conversation, "delete/")
    return client.delete(path, QUERY_STRING="&".join(f"{name}={value}" for name, value in query.items()))


def listed(client):
    return [each["id"] for each in results(client.get(CONVERSATIONS))]


# Private ----------------------------------------------------------------------------------------


def test_a_private_one_is_gone_from_the_list_with_its_history(alice, bob, conversation, api):
    message = say(bob, conversation, "Before")
    client = api(alice)
    response = delete(client, conversation)
    assert (response.status_code, response.content) == (204, b"")
    assert listed(client) == []
    assert results(client.get(in_conversation(conversation, "messages/"))) == []
    assert client.get(in_conversation(conversation, "changes/")).json()["results"] == []
    assert refused(client.get(of_message(message))) == (404, "not_found")


def test_the_other_side_keeps_everything(alice, bob, conversation, api):
    message = say(bob, conversation, "Before")
    delete(api(alice), conversation)
    client = api(bob)
    assert listed(client) == [conversation.pk]
    assert [each["id"] for each in results(client.get(in_conversation(conversation, "messages/")))] == [message.pk]


def test_by_its_id_it_is_still_there_and_empty(alice, bob, conversation, api):
    say(bob, conversation, "Before")
    delete(api(alice), conversation)
    shown = api(alice).get(in_conversation(conversation)).json()
    assert (shown["id"], shown["last_message"], shown["unread_count"]) == (conversation.pk, None, 0)
    assert shown["participant_count"] == 2


@pytest.mark.parametrize("sender", ["alice", "bob"])
def test_a_new_message_brings_it_back_without_what_was_before(sender, alice, bob, conversation, api, request):
    say(bob, conversation, "Before")
    client = api(alice)
    delete(client, conversation)
    after = say(request.getfixturevalue(sender), conversation, "After")
    assert listed(client) == [conversation.pk]
    assert [each["id"] for each in results(client.get(in_conversation(conversation, "messages/")))] == [after.pk]
    assert client.get(in_conversation(conversation)).json()["unread_count"] == (1 if sender == "bob" else 0)


def test_an_empty_one_is_gone_too(alice, conversation, api):
    delete(api(alice), conversation)
    assert listed(api(alice)) == []


def test_the_edit_of_an_older_message_does_not_bring_it_back(alice, bob, conversation, api):
    message = say(bob, conversation, "Before")
    client = api(alice)
    delete(client, conversation)
    services.edit_message(editor=bob, message_id=message.pk, content="Edited")
    services.delete_message(deleter=bob, message_id=message.pk)
    assert listed(client) == []
    assert client.get(in_conversation(conversation, "changes/")).json()["results"] == []
    assert client.get(in_conversation(conversation)).json()["last_message"] is None


def test_deleting_it_again_takes_the_new_messages_too(alice, bob, conversation, api):
    client = api(alice)
    for _ in range(2):
        say(bob, conversation)
        assert delete(client, conversation).status_code == 204
        assert listed(client) == []
    assert results(client.get(in_conversation(conversation, "messages/"))) == []


def test_who_deleted_it_neither_edits_nor_deletes_nor_quotes_what_was_before(alice, bob, conversation, api):
    mine = say(alice, conversation, "Mine")
    client = api(alice)
    delete(client, conversation)
    assert refused(client.patch(of_message(mine), {"content": "Edited"})) == (404, "not_found")
    assert refused(client.delete(of_message(mine, "delete/"))) == (404, "not_found")
    assert refused(client.get(of_message(mine, "receipts/"))) == (404, "not_found")
    answer = {"conversation": conversation.pk, "content": "Yes", "reply_to": mine.pk}
    assert refusal(client.post("/api/chat/messages/create/", answer)) == (400, "does_not_exist", "reply_to")
    read = client.post(in_conversation(conversation, "mark-read/"), {"message_id": mine.pk})
    assert refusal(read) == (400, "does_not_exist", "message_id")


def test_both_sides_may_delete_it(alice, bob, conversation, api):
    say(bob, conversation)
    for user in (alice, bob):
        assert delete(api(user), conversation).status_code == 204
        assert listed(api(user)) == []
    assert Conversation.objects.filter(pk=conversation.pk).exists()


def test_private_ones_are_not_deleted_for_everyone(alice, conversation, api):
    assert refused(delete(api(alice), conversation, for_everyone="true")) == (403, "permission_denied")
    assert listed(api(alice)) == [conversation.pk]


# Groups -----------------------------------------------------------------------------------------


def test_who_deletes_a_group_leaves_it(alice, bob, group, api):
    assert delete(api(bob), group).status_code == 204
    assert listed(api(bob)) == []
    assert refused(api(bob).get(in_conversation(group))) == (404, "not_found")
    assert events(group)[-1] == ("bob", {"action": "participant_left", "user_id": bob.pk})
    assert [each.user_id for each in group.participants.all()] == [alice.pk]


def test_the_last_admin_hands_over_to_the_longest_standing(alice, bob, carol, dave, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[dave.pk, carol.pk])
    delete(api(alice), group)
    assert part(group, bob).is_admin
    delete(api(bob), group)
    assert {each.user_id: each.is_admin for each in group.participants.all()} == {dave.pk: True, carol.pk: False}


def test_with_another_admin_nobody_inherits(alice, bob, carol, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=carol.pk, is_admin=True)
    delete(api(alice), group)
    assert not part(group, bob).is_admin
    assert part(group, carol).is_admin


def test_who_came_back_stands_behind_who_stayed(alice, bob, carol, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[bob.pk])
    delete(api(alice), group)
    assert part(group, carol).is_admin
    assert not part(group, bob).is_admin


def test_with_nobody_left_it_is_deleted(alice, bob, group, api):
    say(alice, group, "Quoted")
    delete(api(bob), group)
    assert delete(api(alice), group).status_code == 204
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert not ConversationParticipant.objects.exists()


def test_an_admin_deletes_it_for_everyone(alice, bob, group, api):
    quoted = say(bob, group, "Quoted")
    say(alice, group, "Quoting", reply_to=quoted.pk)
    assert delete(api(alice), group, for_everyone="true").status_code == 204
    for user in (alice, bob):
        assert listed(api(user)) == []
        assert refused(api(user).get(in_conversation(group))) == (404, "not_found")
        assert refused(api(user).get(of_message(quoted))) == (404, "not_found")
    assert not Message.objects.exists()


def test_other_conversations_stay(alice, bob, conversation, group, api):
    say(alice, conversation)
    delete(api(alice), group, for_everyone="true")
    assert listed(api(bob)) == [conversation.pk]
    assert Message.objects.count() == 1


def test_for_everyone_false_is_leaving(alice, bob, group, api):
    assert delete(api(alice), group, for_everyone="false").status_code == 204
    assert listed(api(bob)) == [group.pk]


@pytest.mark.parametrize(
    ("who", "value", "status", "code"),
    [
        ("bob", "true", 403, "permission_denied"),
        ("eve", "true", 404, "not_found"),
        ("eve", "false", 404, "not_found"),
        ("alice", "yes", 400, "invalid_choice"),
        ("alice", "", 400, "invalid_choice"),
        ("alice", "1", 400, "invalid_choice"),
    ],
)
def test_who_may_not_and_what_will_not_do(who, value, status, code, alice, bob, eve, group, api, request):
    assert refused(delete(api(request.getfixturevalue(who)), group, for_everyone=value)) == (status, code)
    assert ConversationParticipant.objects.count() == 2
