"""The same `client_id` again."""

import pytest

from chat import services
from chat.models import Message
from tests.services.errors import refusal, refused

from .calls import SEND, in_conversation, numbers, of_message, say


def send(client, conversation, content="Hello", client_id="once", **fields):
    return client.post(SEND, {"conversation": conversation.pk, "content": content, "client_id": client_id, **fields})


def test_a_repeated_client_id_stores_one_message(alice, conversation, api):
    first = send(api(alice), conversation)
    again = send(api(alice), conversation)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Message.objects.count() == 1
    assert numbers(conversation) == (1, 1)


def test_what_is_the_same_after_trimming_is_the_same(alice, conversation, api):
    send(api(alice), conversation, "Hello")
    assert send(api(alice), conversation, "  Hello\n").status_code == 200


def test_a_repetition_from_another_session_is_one_too(alice, conversation, api):
    send(api(alice), conversation)
    assert send(api(alice), conversation).status_code == 200


def test_after_other_messages_the_first_one_comes_back(alice, bob, conversation, api):
    first = send(api(alice), conversation).json()
    say(bob, conversation)
    say(alice, conversation)
    again = send(api(alice), conversation)
    assert (again.status_code, again.json()) == (200, first)
    assert numbers(conversation) == (3, 3)


def test_a_repetition_does_not_move_the_marker(alice, bob, conversation, api):
    send(api(alice), conversation)
    say(bob, conversation)
    send(api(alice), conversation)
    assert api(alice).get(in_conversation(conversation)).json()["unread_count"] == 1


def test_another_content_is_a_conflict(alice, conversation, api):
    send(api(alice), conversation)
    assert refused(send(api(alice), conversation, "Something else")) == (409, "conflict")
    assert numbers(conversation) == (1, 1)


def test_another_reply_to_is_a_conflict(alice, bob, conversation, api):
    one, two = say(bob, conversation), say(bob, conversation)
    send(api(alice), conversation, reply_to=one.pk)
    for reply_to in (two.pk, None):
        assert refused(send(api(alice), conversation, reply_to=reply_to)) == (409, "conflict")
    assert send(api(alice), conversation, reply_to=one.pk).status_code == 200


def test_after_an_edit_the_first_content_still_counts(alice, conversation, api):
    first = send(api(alice), conversation, "First").json()
    services.edit_message(editor=alice, message_id=first["id"], content="Edited")
    again = send(api(alice), conversation, "First")
    assert (again.status_code, again.json()["content"], again.json()["version"]) == (200, "Edited", 2)
    assert refused(send(api(alice), conversation, "Edited")) == (409, "conflict")


def test_after_a_deletion_the_first_content_still_counts(alice, conversation, api):
    first = send(api(alice), conversation, "First").json()
    services.delete_message(deleter=alice, message_id=first["id"])
    again = send(api(alice), conversation, "First")
    assert (again.status_code, again.json()["id"], again.json()["is_deleted"]) == (200, first["id"], True)
    assert refused(send(api(alice), conversation, "Other")) == (409, "conflict")
    assert Message.objects.count() == 1


def test_a_repeated_reply_to_a_deleted_message_is_the_same(alice, bob, conversation, api):
    original = say(bob, conversation)
    first = send(api(alice), conversation, reply_to=original.pk).json()
    services.delete_message(deleter=bob, message_id=original.pk)
    again = send(api(alice), conversation, reply_to=original.pk)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])


def test_a_repetition_after_the_history_was_deleted_stores_nothing(alice, conversation, api):
    send(api(alice), conversation)
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    assert send(api(alice), conversation).status_code == 200
    assert refused(send(api(alice), conversation, "Other")) == (409, "conflict")
    assert numbers(conversation) == (1, 1)


def test_a_client_id_is_its_sender_s_own(alice, bob, conversation, api):
    assert send(api(alice), conversation).status_code == 201
    assert send(api(bob), conversation, "Mine").status_code == 201


def test_a_client_id_is_the_conversation_s_own(alice, conversation, group, api):
    assert send(api(alice), conversation).status_code == 201
    assert send(api(alice), group, "Other").status_code == 201


@pytest.mark.parametrize("fields", [{}, {"client_id": None}])
def test_without_a_client_id_every_send_is_a_message(fields, alice, conversation, api):
    for number in (1, 2):
        response = api(alice).post(SEND, {"conversation": conversation.pk, "content": "Hello", **fields})
        assert (response.status_code, response.json()["seq"], response.json()["client_id"]) == (201, number, None)


@pytest.mark.parametrize("client_id", ["x", "x" * 64, "a b", " a", " ", "é世👋", "0", "null", "A/b?c=d&e", '"\\'])
def test_client_ids_are_taken_as_they_are(client_id, alice, conversation, api):
    assert send(api(alice), conversation, client_id=client_id).json()["client_id"] == client_id
    assert send(api(alice), conversation, client_id=client_id).status_code == 200


@pytest.mark.parametrize(("one", "other"), [("abc", "ABC"), ("a", "a "), ("é", "e\u0301"), ("1", "01")])
def test_client_ids_that_differ_are_two(one, other, alice, conversation, api):
    assert send(api(alice), conversation, client_id=one).status_code == 201
    assert send(api(alice), conversation, client_id=other).status_code == 201


@pytest.mark.parametrize(
    "client_id", ["", "x" * 65, "a\nb", "\t", "\x00", "\x7f", "\u200b", "\u2028", "\ufeff", 5, True, [], {}, ["x"]]
)
def test_what_is_no_client_id_is_400(client_id, alice, conversation, api):
    status, _, attr = refusal(send(api(alice), conversation, client_id=client_id))
    assert (status, attr) == (400, "client_id")
    assert not Message.objects.exists()


def test_who_is_not_in_it_any_more_repeats_nothing(alice, bob, group, api):
    send(api(bob), group)
    services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)
    assert refused(send(api(bob), group)) == (404, "not_found")


def test_a_client_id_is_used_up_for_ever_also_by_who_came_back(alice, bob, group, api):
    first = send(api(bob), group).json()
    services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[bob.pk])
    again = send(api(bob), group)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert refused(send(api(bob), group, "Other")) == (409, "conflict")


def test_a_refused_send_does_not_use_up_its_client_id(alice, conversation, api):
    assert send(api(alice), conversation, "").status_code == 400
    assert send(api(alice), conversation, "Hello", reply_to=999_999_999).status_code == 400
    assert send(api(alice), conversation, "Hello").status_code == 201


def test_editing_leaves_the_client_id(alice, conversation, api):
    message = send(api(alice), conversation).json()
    assert api(alice).patch(of_message(message["id"]), {"content": "Edited"}).json()["client_id"] == "once"
