"""GET messages/<id>/receipts/"""

import pytest

from chat import services
from chat.models import Message

from .calls import in_conversation, of_message, part, results, say


def readers(client, message):
    return [receipt["user"]["username"] for receipt in results(client.get(of_message(message, "receipts/")))]


@pytest.fixture
def message(alice, group):
    """Alice's message in the group."""
    return say(alice, group)


def test_nobody_has_read_a_new_message(alice, message, api):
    assert readers(api(alice), message) == []


def test_who_read_it_is_listed_with_the_time(alice, bob, group, message, api):
    api(bob).post(in_conversation(group, "mark-read/"))
    [receipt] = results(api(alice).get(of_message(message, "receipts/")))
    assert receipt["user"]["id"] == bob.pk
    assert receipt["read_at"] == part(group, bob).last_read_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_who_read_only_up_to_an_earlier_one_is_not(alice, bob, group, message, api):
    later = say(alice, group)
    services.mark_read(reader=bob, conversation_id=group.pk, message_id=message.pk)
    assert readers(api(alice), message) == ["bob"]
    assert readers(api(alice), later) == []


def test_who_answered_has_read_it(alice, bob, group, message, api):
    say(bob, group)
    assert readers(api(alice), message) == ["bob"]


def test_the_sender_is_never_listed(alice, bob, group, api):
    theirs = say(bob, group)
    services.mark_read(reader=alice, conversation_id=group.pk)
    services.mark_read(reader=bob, conversation_id=group.pk)
    assert readers(api(bob), theirs) == ["alice"]


def test_a_system_message_has_receipts_too(alice, bob, group, api):
    services.mark_read(reader=bob, conversation_id=group.pk)
    assert readers(api(alice), Message.objects.get(seq=1)) == ["bob"]


def test_everyone_may_see_them(alice, bob, carol, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    message = say(alice, group)
    services.mark_read(reader=bob, conversation_id=group.pk)
    assert readers(api(carol), message) == ["bob"]
    assert readers(api(bob), message) == ["bob"]


def test_who_came_later_has_not_read_it(alice, carol, group, message, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.mark_read(reader=carol, conversation_id=group.pk)
    assert readers(api(alice), message) == []


def test_who_left_is_no_longer_listed(alice, bob, group, message, api):
    services.mark_read(reader=bob, conversation_id=group.pk)
    services.remove_participant(remover=bob, conversation_id=group.pk, user_id=bob.pk)
    assert readers(api(alice), message) == []


def test_who_deleted_a_private_one_unread_has_not_read_it(alice, bob, conversation, api):
    message = say(alice, conversation)
    services.delete_conversation(user=bob, conversation_id=conversation.pk)
    assert readers(api(alice), message) == []


def test_a_message_whose_sender_is_gone_has_receipts(alice, bob, carol, group, api):
    from authentication.services import delete_account

    theirs = say(bob, group)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    delete_account(user=bob)
    assert readers(api(alice), theirs) == ["alice"]
