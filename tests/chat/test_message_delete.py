"""DELETE messages/<id>/delete/"""

import pytest

from chat import services
from chat.models import Message
from tests.services.errors import refused

from .calls import in_conversation, numbers, of_message, results, say


def delete(client, message):
    return client.delete(of_message(message, "delete/"))


@pytest.fixture
def message(bob, group):
    """Bob's message in the group."""
    return say(bob, group, "Said")


@pytest.mark.parametrize("who", ["bob", "alice"])
def test_its_sender_and_every_group_admin_deletes_it(who, alice, bob, group, message, api, request):
    response = delete(api(request.getfixturevalue(who)), message)
    assert (response.status_code, response.content) == (204, b"")
    shown = api(bob).get(of_message(message)).json()
    assert (shown["is_deleted"], shown["content"], shown["version"], shown["seq"]) == (True, "", 3, 2)
    assert shown["deleted_at"] is not None
    assert shown["sender"]["id"] == bob.pk
    assert numbers(group) == (2, 3)


def test_it_stays_in_the_history_as_a_tombstone(alice, bob, group, message, api):
    delete(api(bob), message)
    shown = results(api(alice).get(in_conversation(group, "messages/")))
    assert [(each["seq"], each["is_deleted"], each["content"]) for each in shown] == [(1, False, ""), (2, True, "")]


def test_deleting_it_again_changes_nothing(alice, bob, group, message, api):
    assert delete(api(bob), message).status_code == 204
    before = api(bob).get(of_message(message)).json()
    for user in (bob, alice):
        assert delete(api(user), message).status_code == 204
    assert api(bob).get(of_message(message)).json() == before
    assert numbers(group) == (2, 3)


def test_what_was_edited_is_still_shown_as_edited(bob, group, message, api):
    services.edit_message(editor=bob, message_id=message.pk, content="Edited")
    delete(api(bob), message)
    shown = api(bob).get(of_message(message)).json()
    assert (shown["is_edited"], shown["is_deleted"], shown["content"]) == (True, True, "")


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [("carol", 403, "permission_denied"), ("eve", 404, "not_found"), (None, 401, "not_authenticated")],
)
def test_nobody_else_deletes_it(who, status, code, alice, bob, carol, eve, group, api, request):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    message = say(bob, group, "Said")
    assert refused(delete(api(who and request.getfixturevalue(who)), message)) == (status, code)
    assert Message.objects.get(pk=message.pk).content == "Said"


def test_in_a_private_one_nobody_deletes_what_the_other_said(alice, bob, conversation, api):
    theirs = say(bob, conversation)
    assert refused(delete(api(alice), theirs)) == (403, "permission_denied")


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_system_message_is_not_deleted(who, alice, bob, group, api, request):
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    system = Message.objects.get(seq=1)
    assert refused(delete(api(request.getfixturevalue(who)), system)) == (403, "not_editable")


def test_a_system_message_is_not_deleted_by_a_member(bob, group, api):
    assert delete(api(bob), Message.objects.get(seq=1)).status_code == 403
    assert numbers(group) == (1, 1)


def test_an_admin_deletes_what_somebody_said_who_left(alice, bob, group, message, api):
    services.remove_participant(remover=bob, conversation_id=group.pk, user_id=bob.pk)
    assert delete(api(alice), message).status_code == 204
    assert refused(delete(api(bob), message)) == (404, "not_found")


def test_an_admin_does_not_delete_what_was_said_before_they_came(alice, bob, carol, group, message, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=carol.pk, is_admin=True)
    assert refused(delete(api(carol), message)) == (404, "not_found")


def test_the_newest_message_is_shown_as_a_tombstone(alice, bob, group, message, api):
    delete(api(bob), message)
    shown = api(alice).get(in_conversation(group)).json()["last_message"]
    assert (shown["id"], shown["is_deleted"], shown["content"]) == (message.pk, True, "")
