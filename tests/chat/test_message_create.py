"""POST messages/create/"""

import pytest

from chat import services
from chat.models import Message
from tests.services.errors import refusal, refused

from .calls import MISSING, SEND, in_conversation, numbers, part, say


def send(client, conversation, content="Hello", **fields):
    return client.post(SEND, {"conversation": conversation.pk, "content": content, **fields})


def test_a_message_is_stored(alice, conversation, api):
    response = send(api(alice), conversation)
    assert response.status_code == 201
    stored = Message.objects.get()
    assert (stored.pk, stored.content, stored.sender) == (response.json()["id"], "Hello", alice)


@pytest.mark.parametrize("where", ["conversation", "group"])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_every_participant_may_send(who, where, alice, bob, conversation, group, api, request):
    assert send(api(request.getfixturevalue(who)), request.getfixturevalue(where)).status_code == 201


def test_messages_are_numbered(alice, bob, conversation, api):
    shown = [send(api(user), conversation).json() for user in (alice, bob, alice)]
    assert [(message["seq"], message["version"]) for message in shown] == [(1, 1), (2, 2), (3, 3)]
    assert numbers(conversation) == (3, 3)


def test_every_conversation_counts_for_itself(alice, conversation, group, api):
    assert send(api(alice), conversation).json()["seq"] == 1
    assert send(api(alice), group).json()["seq"] == 2
    assert send(api(alice), conversation).json()["seq"] == 2


def test_the_sender_s_marker_moves(alice, bob, conversation, api):
    send(api(alice), conversation)
    assert (part(conversation, alice).last_read_seq, part(conversation, bob).last_read_seq) == (1, 0)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("  Hello \n", "Hello"),
        ("\u3000Hello\u2003", "Hello"),
        ("a\n\n  b", "a\n\n  b"),
        ("x" * 4000, "x" * 4000),
        (" " * 500 + "x" * 4000 + "\n" * 500, "x" * 4000),
        ("👋🏽" * 2000, "👋🏽" * 2000),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("0", "0"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("a\u200bb", "a\u200bb"),
        ("مرحبا", "مرحبا"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_content_is_trimmed_and_else_left_as_it_is(sent, stored, alice, conversation, api):
    assert send(api(alice), conversation, sent).json()["content"] == stored
    assert Message.objects.get().content == stored


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "blank"),
        (" ", "blank"),
        (" \t\r\n\x0b\x0c", "blank"),
        ("\u00a0\u2003\u3000", "blank"),
        ("\u200b", "blank"),
        ("\u200b\u200c\u200d\u2060\ufeff", "blank"),
        ("\u202e\u202c", "blank"),
        ("\u00ad", "blank"),
        ("\u3164", "blank"),
        ("\u115f\u1160\uffa0", "blank"),
        ("\u2800", "blank"),
        ("\u180e", "blank"),
        ("\U000e0020\U000e007f", "blank"),
        ("\ufe0f", "blank"),
        ("\x01\x1f\x7f", "blank"),
        ("x" * 4001, "max_length"),
        ("👋" * 4001, "max_length"),
        (None, "null"),
        ("a\x00b", "null_characters_not_allowed"),
    ],
)
def test_content_that_will_not_do(content, code, alice, conversation, api):
    assert refusal(send(api(alice), conversation, content)) == (400, code, "content")
    assert not Message.objects.exists()


@pytest.mark.parametrize("left_out", ["conversation", "content"])
def test_what_a_message_needs(left_out, alice, conversation, api):
    body = {"conversation": conversation.pk, "content": "Hello"}
    del body[left_out]
    assert refusal(api(alice).post(SEND, body)) == (400, "required", left_out)


def test_a_reply_names_its_original(alice, bob, conversation, api):
    original = say(alice, conversation, "Question")
    reply = send(api(bob), conversation, "Answer", reply_to=original.pk).json()["reply_to"]
    author = {"id": alice.pk, "username": "alice", "display_name": "alice", "avatar": None}
    assert reply == {"id": original.pk, "seq": 1, "sender": author, "content": "Question"}


@pytest.mark.parametrize("kind", ["system", "deleted", "reply", "own"])
def test_everything_that_the_sender_sees_can_be_replied_to(kind, alice, bob, group, api):
    original = Message.objects.get(seq=1) if kind == "system" else say(bob, group)
    if kind == "deleted":
        services.delete_message(deleter=bob, message_id=original.pk)
    elif kind == "reply":
        original = say(alice, group, reply_to=original.pk)
    elif kind == "own":
        original = say(alice, group)
    assert send(api(alice), group, reply_to=original.pk).json()["reply_to"]["id"] == original.pk


def test_a_null_reply_to_is_none(alice, conversation, api):
    assert send(api(alice), conversation, reply_to=None).json()["reply_to"] is None


@pytest.mark.parametrize("what", ["another conversation of theirs", "a foreign one", "nothing", "the largest number"])
def test_a_reply_to_what_is_not_in_this_conversation_is_400(what, alice, bob, carol, conversation, group, api):
    foreign = services.create_group(creator=carol, name="Foreign", participant_ids=[])
    original = {
        "another conversation of theirs": say(bob, group).pk,
        "a foreign one": say(carol, foreign).pk,
        "nothing": MISSING,
        "the largest number": 2**63 - 1,
    }[what]
    assert refusal(send(api(alice), conversation, reply_to=original)) == (400, "does_not_exist", "reply_to")
    assert numbers(conversation) == (0, 0)


def test_a_reply_to_what_the_sender_does_not_see_is_400(alice, carol, group, api):
    old = say(alice, group)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    assert refusal(send(api(carol), group, reply_to=old.pk)) == (400, "does_not_exist", "reply_to")


@pytest.mark.parametrize("number", [MISSING, 2**63 - 1])
def test_a_conversation_that_is_not_there_is_404(number, alice, api):
    assert refused(api(alice).post(SEND, {"conversation": number, "content": "Hello"})) == (404, "not_found")


def test_a_message_is_the_conversation_s_latest_activity(alice, conversation, api):
    before = api(alice).get(in_conversation(conversation)).json()
    message = send(api(alice), conversation).json()
    after = api(alice).get(in_conversation(conversation)).json()
    assert after["last_message"] == message
    assert after["updated_at"] > before["updated_at"]
    assert after["created_at"] == before["created_at"]
