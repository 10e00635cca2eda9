"""What the database itself does not let happen."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from chat.models import Conversation, ConversationParticipant, Message

from .calls import say


def refuses(write):
    with pytest.raises(IntegrityError), transaction.atomic():
        write()


def message(conversation, sender, **fields):
    numbers = {"seq": 90, "version": 90, **fields}
    return Message.objects.create(conversation=conversation, sender=sender, created_at=timezone.now(), **numbers)


def test_two_have_one_private_conversation(conversation):
    now = timezone.now()
    key = conversation.private_key
    refuses(lambda: Conversation.objects.create(type="private", private_key=key, created_at=now, updated_at=now))


@pytest.mark.parametrize(("kind", "key"), [("private", None), ("group", "1:2")])
def test_private_ones_have_a_key_and_groups_have_none(kind, key, db):
    now = timezone.now()
    refuses(lambda: Conversation.objects.create(type=kind, private_key=key, created_at=now, updated_at=now))


def test_the_key_is_the_same_from_both_sides():
    assert Conversation.private_key_of(7, 12) == Conversation.private_key_of(12, 7) == "7:12"


def test_nobody_takes_part_twice(alice, group):
    now = timezone.now()
    refuses(lambda: ConversationParticipant.objects.create(conversation=group, user=alice, joined_at=now))


def test_a_seq_is_given_once(alice, conversation):
    say(alice, conversation)
    refuses(lambda: message(conversation, alice, seq=1))


def test_a_version_is_given_once(alice, conversation):
    say(alice, conversation)
    refuses(lambda: message(conversation, alice, version=1))


def test_a_client_id_is_its_sender_s_once_in_a_conversation(alice, bob, conversation, group):
    say(alice, conversation, client_id="once")
    refuses(lambda: message(conversation, alice, client_id="once"))
    message(conversation, bob, client_id="once")
    message(group, alice, client_id="once")


def test_any_number_of_messages_have_no_client_id(alice, conversation):
    message(conversation, alice, seq=90, version=90)
    message(conversation, alice, seq=91, version=91)


def test_a_tombstone_has_no_content(alice, conversation):
    refuses(lambda: message(conversation, alice, content="Still here", deleted_at=timezone.now()))


def test_a_marker_is_not_below_what_is_visible(alice, group):
    refuses(lambda: group.participants.filter(user=alice).update(visible_after_seq=5, last_read_seq=4))


def test_a_reply_s_original_is_not_taken_from_under_it(alice, conversation):
    original = say(alice, conversation)
    say(alice, conversation, reply_to=original.pk)

    def delete():
        Message.objects.filter(pk=original.pk).delete()
        from django.db import connection

        connection.check_constraints()  # SQLite and PostgreSQL look at the end of the transaction

    refuses(delete)
