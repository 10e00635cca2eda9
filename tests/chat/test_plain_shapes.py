"""What is shaped by plain functions of columns is what the serializers say, which the OpenAPI document is made of."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from rest_framework.renderers import JSONRenderer

from authentication.serializers import ProfileSerializer, UserSerializer
from authentication.shapes import USER, columns, profile_shape, user_shape
from chat import reads, services
from chat.models import Conversation, ConversationParticipant, Message
from chat.serializers import (
    ConversationSerializer,
    MessageSerializer,
    ParticipantSerializer,
    ReceiptSerializer,
)
from chat.shapes import message_shape, participant_shape, receipt_shape, shown_to_each
from chat_server.rendering import FastJSONRenderer, timestamp

from .calls import CONVERSATIONS, in_conversation, of_message, results, say


@pytest.fixture
def everything(alice, bob, make_user):
    """A group in which all has happened that can: every kind of message, sender and participant is there."""
    zoe = make_user("zoe", first_name="Zoé", last_name="Z\u2028", is_online=True)
    seen = make_user("seen", first_name="Seen", last_seen=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    gone = make_user("gone")
    members = [bob.pk, zoe.pk, seen.pk, gone.pk]
    group = services.create_group(creator=alice, name="Grüße", participant_ids=members, description="👋\x7f")
    first = say(zoe, group, 'A "quoted" text \\ with\ttabs, \u2028 and \u2029', client_id="one")
    say(seen, group, "é" * 200, reply_to=first.pk)
    long = say(bob, group, "x" * 4000)
    say(alice, group, "Yes", reply_to=long.pk)
    services.edit_message(editor=bob, message_id=say(bob, group, "Thrid").pk, content="Third")
    deleted = say(bob, group, "A secret")
    say(zoe, group, "To what goes", reply_to=deleted.pk)
    services.delete_message(deleter=bob, message_id=deleted.pk)
    of_gone = say(gone, group, "Of who goes")
    say(alice, group, "To who goes", reply_to=of_gone.pk)
    services.update_group(editor=alice, conversation_id=group.pk, name="Renamed")
    services.mark_read(reader=bob, conversation_id=group.pk)
    gone.delete()
    return Conversation.objects.get(pk=group.pk)


def test_messages(everything):
    messages = list(Message.objects.with_people().filter(conversation=everything).order_by("seq"))
    assert {message.type for message in messages} == {"text", "system"}
    assert {None} < {message.sender_id for message in messages}
    assert any(message.reply_to and message.reply_to.sender is None for message in messages)
    expected = [dict(MessageSerializer(message).data) for message in messages]
    assert [message_shape(message) for message in messages] == expected
    assert [list(message_shape(message)) for message in messages] == [list(each) for each in expected]
    assert reads.history(everything.pk, 0, everything.last_seq) == expected
    mine = ConversationParticipant.objects.get(conversation=everything, user__username="alice")
    by_version = sorted(expected, key=lambda message: message["version"])
    assert reads.changes(mine, 0, 100) == by_version


def test_people(everything):
    parts = list(everything.participants.select_related("user").order_by("joined_at", "id"))
    assert [participant_shape(part) for part in parts] == [ParticipantSerializer(part).data for part in parts]
    assert [receipt_shape(part) for part in parts] == [ReceiptSerializer(part).data for part in parts]
    for user in (part.user for part in parts):
        assert user_shape(*columns(user, USER)) == UserSerializer(user).data
        assert profile_shape(user) == ProfileSerializer(user).data
        assert list(profile_shape(user)) == list(ProfileSerializer.Meta.fields)


def expected_conversation(conversation, user):
    """A conversation's shape, by the serializers of it and of its parts."""
    parts = list(conversation.participants.select_related("user").order_by("joined_at", "id"))
    mine = next(part for part in parts if part.user_id == user.pk)
    last = Message.objects.with_people().filter(conversation=conversation, seq=conversation.last_seq).first()
    others = [part.user.display_name for part in parts if part is not mine]
    conversation.participant_count = len(parts)
    conversation.last_message = last if last is not None and mine.sees(last) else None
    conversation.unread_count = mine.unread_in(conversation)
    shape = dict(ConversationSerializer(Shown(conversation, participants=parts[:50])).data)
    return shape if conversation.is_group else {**shape, "name": (others or ["Deleted user"])[0]}


class Shown:
    """A conversation, of which one attribute is another."""

    def __init__(self, conversation, participants):
        self.conversation, self.participants = conversation, participants

    def __getattr__(self, name):
        return getattr(self.conversation, name)


def all_conversations():
    return Conversation.objects.order_by("-updated_at", "-id")


@pytest.fixture
def more(alice, bob, carol, make_user, everything, fill):
    """Private ones: said in, empty, deleted, of one whose other is gone; and a group of more than are shown."""
    private, _ = services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    say(bob, private)
    services.delete_conversation(user=alice, conversation_id=private.pk)
    say(bob, private, "Again")
    services.open_private_conversation(user=alice, participant_ids=[carol.pk])
    left = make_user("left")
    alone, _ = services.open_private_conversation(user=alice, participant_ids=[left.pk])
    say(left, alone)
    left.delete()
    fill(services.create_group(creator=alice, name="Many", participant_ids=[]), 60)


def test_conversations(alice, more, api):
    expected = [expected_conversation(conversation, alice) for conversation in all_conversations()]
    assert {"Deleted user", "Renamed", "bob", "carol", "Many"} == {each["name"] for each in expected}
    client = api(alice)
    assert results(client.get(CONVERSATIONS)) == expected
    assert [client.get(in_conversation(each["id"])).json() for each in expected] == expected
    assert list(results(client.get(CONVERSATIONS))[0]) == list(ConversationSerializer.Meta.fields)


def test_a_hidden_conversation_by_its_id(alice, bob, conversation, api):
    say(bob, conversation)
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    assert results(api(alice).get(CONVERSATIONS)) == []
    hidden = Conversation.objects.get()
    assert api(alice).get(in_conversation(hidden)).json() == expected_conversation(hidden, alice)


def test_a_conversation_in_frames(alice, bob, everything):
    for part in everything.participants.all():
        user = part.user
        assert shown_to_each(everything, [part]) == {user.pk: reads.conversation_for(everything.pk, user.pk)}


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05.000006Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC), "2026-01-02T03:04:05.600000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:04:05.000006Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_microseconds(moment, text):
    assert timestamp(moment) == text


ODD = [
    None,
    {},
    [],
    {"a": 'é世👋\u2028\u2029"\\/\b\f\n\r\t\x00\x1f\x7f<>&', "b": [1, -1, 2**63, 0.5, True, None], "c": {"d": {}}},
    {1: 2},
    {"big": 2**70},
    {"moment": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)},
    {"lone": "\udc80"},
]


@pytest.mark.parametrize("data", ODD)
def test_json_is_that_of_rest_framework_to_the_byte(data):
    def written(renderer):
        try:
            return renderer.render(data, "application/json", {})
        except ValueError as error:
            return type(error)

    assert written(FastJSONRenderer()) == written(JSONRenderer())


def test_a_line_separator_is_escaped_in_every_answer(alice, everything, api):
    message = Message.objects.get(client_id="one")
    for path in (of_message(message), in_conversation(everything, "messages/"), CONVERSATIONS):
        assert b"\xe2\x80\xa8" not in api(alice).get(path).content
