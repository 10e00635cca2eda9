"""GET unread/: how much is unread, in all and in each conversation that has any."""

from .calls import UNREAD, in_conversation, say


def unread(client):
    response = client.get(UNREAD)
    assert response.status_code == 200
    return response.json()


def test_what_others_said_is_counted_by_conversation(alice, bob, conversation, group, api):
    for place in (conversation, group, group):
        say(bob, place)
    assert unread(api(alice)) == {
        "total_unread": 3,
        "conversations": {str(conversation.pk): 1, str(group.pk): 2},
    }


def test_a_conversation_without_any_is_left_out(alice, bob, conversation, group, api):
    say(alice, conversation)
    assert unread(api(alice)) == {"total_unread": 0, "conversations": {}}
    assert unread(api(bob))["conversations"] == {str(conversation.pk): 1, str(group.pk): 1}


def test_what_was_read_is_not_counted(alice, bob, conversation, api):
    say(bob, conversation)
    client = api(alice)
    client.post(in_conversation(conversation, "mark-read/"))
    assert unread(client) == {"total_unread": 0, "conversations": {}}


def test_a_deleted_private_conversation_is_not_counted_until_it_comes_back(alice, bob, conversation, api):
    say(bob, conversation)
    client = api(alice)
    client.delete(in_conversation(conversation, "delete/"))
    assert unread(client)["total_unread"] == 0
    say(bob, conversation)
    assert unread(client) == {"total_unread": 1, "conversations": {str(conversation.pk): 1}}


def test_it_says_what_the_conversations_say(alice, bob, conversation, group, api):
    say(bob, conversation)
    say(bob, group)
    client = api(alice)
    for pk, count in unread(client)["conversations"].items():
        assert client.get(in_conversation(pk)).json()["unread_count"] == count


def test_a_stranger_has_nothing_unread(bob, eve, conversation, api):
    say(bob, conversation)
    assert unread(api(eve)) == {"total_unread": 0, "conversations": {}}


def test_without_a_token_it_is_401(api, db):
    assert api().get(UNREAD).status_code == 401
