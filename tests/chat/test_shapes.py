"""The shapes of the contract, key by key."""

import re

import pytest

from chat import services
from chat.models import Message

from .calls import CONVERSATIONS, CREATE, SEND, in_conversation, of_message, participant, results, say

AUTHOR = {"id", "username", "display_name", "avatar"}
USER = AUTHOR | {"is_online", "last_seen"}
PARTICIPANT = {"user", "is_admin", "joined_at", "last_read_seq", "last_read_at"}
MESSAGE = {
    "id", "conversation", "seq", "version", "type", "sender", "content", "reply_to", "client_id", "event",
    "is_edited", "edited_at", "is_deleted", "deleted_at", "created_at",
}  # fmt: skip
REPLY = {"id", "seq", "sender", "content"}
CONVERSATION = {
    "id", "type", "name", "description", "participants", "participant_count", "last_message", "unread_count",
    "last_seq", "version", "created_at", "updated_at",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def check_message(message):
    assert message.keys() == MESSAGE
    assert message["sender"] is None or message["sender"].keys() == AUTHOR
    assert message["reply_to"] is None or message["reply_to"].keys() == REPLY
    assert type(message["id"]) is type(message["seq"]) is type(message["version"]) is int
    assert type(message["conversation"]) is int
    assert message["type"] in ("text", "system")
    assert (message["event"] is None) == (message["type"] == "text")
    assert (message["edited_at"] is not None) is message["is_edited"]
    assert (message["deleted_at"] is not None) is message["is_deleted"]


def check_participant(shown):
    assert shown.keys() == PARTICIPANT
    assert shown["user"].keys() == USER
    assert type(shown["is_admin"]) is bool
    assert type(shown["last_read_seq"]) is int


def check_conversation(shown):
    assert shown.keys() == CONVERSATION
    for each in shown["participants"]:
        check_participant(each)
    if shown["last_message"] is not None:
        check_message(shown["last_message"])


def check_times(value):
    """Everything that looks like a time ends in Z."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.endswith("_at") or name == "last_seen":
                assert inner is None or TIME.fullmatch(inner), (name, inner)
            check_times(inner)
    elif isinstance(value, list):
        for inner in value:
            check_times(inner)


@pytest.fixture
def told(alice, bob, group):
    """A group with a message, a reply to it, an edited one and a deleted one."""
    first = say(alice, group, "First", client_id="one")
    say(bob, group, "Second", reply_to=first.pk)
    services.edit_message(editor=bob, message_id=say(bob, group, "Thrid").pk, content="Third")
    services.delete_message(deleter=bob, message_id=say(bob, group, "Fourth").pk)
    return group


def test_every_list_and_object_has_its_shape(alice, bob, told, api):
    client = api(alice)
    first = Message.objects.get(client_id="one")
    for each in results(client.get(CONVERSATIONS)):
        check_conversation(each)
    check_conversation(client.get(in_conversation(told)).json())
    history = results(client.get(in_conversation(told, "messages/")))
    assert len(history) == 5
    changes = client.get(in_conversation(told, "changes/")).json()
    assert changes.keys() == {"version", "has_more", "results"}
    for message in [*history, *changes["results"], client.get(of_message(first)).json()]:
        check_message(message)
    for each in results(client.get(in_conversation(told, "participants/"))):
        check_participant(each)
    for receipt in results(client.get(of_message(first, "receipts/"))):
        assert receipt.keys() == {"user", "read_at"}
        assert receipt["user"].keys() == USER
    assert client.post(in_conversation(told, "mark-read/")).json().keys() == {"last_read_seq", "unread_count"}


def test_every_write_answers_with_its_shape(alice, bob, carol, group, api):
    client = api(alice)
    check_conversation(client.post(CREATE, {"type": "private", "participant_ids": [bob.pk]}).json())
    check_conversation(client.post(CREATE, {"type": "group", "name": "New", "participant_ids": []}).json())
    check_conversation(client.patch(in_conversation(group), {"name": "Renamed"}).json())
    added = client.post(in_conversation(group, "participants/"), {"user_ids": [carol.pk]}).json()
    assert added.keys() == {"results"}
    check_participant(added["results"][0])
    check_participant(client.patch(participant(group, bob), {"is_admin": True}).json())
    sent = client.post(SEND, {"conversation": group.pk, "content": "Hello"}).json()
    check_message(sent)
    check_message(client.patch(of_message(sent["id"]), {"content": "Hello again"}).json())
    check_message(client.put(of_message(sent["id"]), {"content": "And again"}).json())


def test_every_time_is_utc_and_ends_in_z(alice, told, api):
    client = api(alice)
    first = Message.objects.get(client_id="one")
    paths = [in_conversation(told, rest) for rest in ("", "messages/", "changes/", "participants/")]
    for path in [CONVERSATIONS, *paths, of_message(first, "receipts/")]:
        answer = client.get(path).json()
        assert TIME.search(str(answer))
        check_times(answer)


def test_nobody_else_s_address_is_ever_shown(alice, bob, told, api):
    client = api(alice)
    first = Message.objects.get(client_id="one")
    for path in [
        CONVERSATIONS,
        *(in_conversation(told, rest) for rest in ("", "messages/", "changes/", "participants/")),
        *(of_message(first, rest) for rest in ("", "receipts/")),
    ]:
        assert "@example.com" not in client.get(path).content.decode()


def test_a_new_message_looks_like_this(alice, conversation, api):
    answer = api(alice).post(SEND, {"conversation": conversation.pk, "content": " Hello\n", "client_id": "a b"}).json()
    stored = Message.objects.get()
    assert answer == {
        "id": stored.pk,
        "conversation": conversation.pk,
        "seq": 1,
        "version": 1,
        "type": "text",
        "sender": {"id": alice.pk, "username": "alice", "display_name": "alice", "avatar": None},
        "content": "Hello",
        "reply_to": None,
        "client_id": "a b",
        "event": None,
        "is_edited": False,
        "edited_at": None,
        "is_deleted": False,
        "deleted_at": None,
        "created_at": stored.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def test_a_message_is_the_same_for_everyone_and_in_every_list(alice, bob, told, api):
    first = Message.objects.get(client_id="one")
    seen = [api(user).get(of_message(first)).json() for user in (alice, bob)]
    for user in (alice, bob):
        for rest in ("messages/", "changes/"):
            listed = api(user).get(in_conversation(told, rest)).json()["results"]
            seen += [message for message in listed if message["id"] == first.pk]
    assert len(seen) == 6
    assert all(each == seen[0] for each in seen)


def test_a_display_name_is_first_and_last_or_the_username(make_user, alice, api):
    zoe = make_user("zoe", first_name="Zoé", last_name="Z.")
    first_only = make_user("only", first_name="Only")
    group = services.create_group(creator=alice, name="Names", participant_ids=[zoe.pk, first_only.pk])
    shown = api(alice).get(in_conversation(group)).json()["participants"]
    assert [each["user"]["display_name"] for each in shown] == ["alice", "Zoé Z.", "Only"]


def test_who_is_offline_is_shown_with_when_they_were_seen_last(alice, bob, conversation, api):
    shown = {
        each["user"]["id"]: each["user"]
        for each in api(alice).get(in_conversation(conversation)).json()["participants"]
    }
    assert shown[bob.pk]["is_online"] is False
    assert shown[bob.pk]["last_seen"] is None


@pytest.mark.parametrize(("length", "shown"), [(139, 139), (140, 140), (141, 140), (4000, 140)])
def test_a_reply_shows_the_first_140_characters(length, shown, alice, bob, conversation, api):
    original = say(alice, conversation, "é" * length)
    reply = say(bob, conversation, "Yes", reply_to=original.pk)
    quoted = api(alice).get(of_message(reply)).json()["reply_to"]
    assert quoted["content"] == "é" * shown
    assert (quoted["id"], quoted["seq"], quoted["sender"]["id"]) == (original.pk, 1, alice.pk)


def test_a_reply_shows_the_original_as_it_is_now(alice, bob, conversation, api):
    original = say(alice, conversation, "Befor")
    reply = say(bob, conversation, "Yes", reply_to=original.pk)
    services.edit_message(editor=alice, message_id=original.pk, content="After")
    assert api(bob).get(of_message(reply)).json()["reply_to"]["content"] == "After"
    services.delete_message(deleter=alice, message_id=original.pk)
    assert api(bob).get(of_message(reply)).json()["reply_to"]["content"] == ""


def test_a_reply_shows_the_original_also_to_who_does_not_see_the_original(alice, carol, group, api):
    original = say(alice, group, "Long ago")
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    reply = say(alice, group, "As I said", reply_to=original.pk)
    assert api(carol).get(of_message(original)).status_code == 404
    assert api(carol).get(of_message(reply)).json()["reply_to"]["content"] == "Long ago"


def test_a_tombstone_has_no_content_left_anywhere(alice, bob, conversation, api):
    message = say(alice, conversation, "A secret")
    services.delete_message(deleter=alice, message_id=message.pk)
    for path in (
        CONVERSATIONS,
        in_conversation(conversation),
        in_conversation(conversation, "messages/"),
        of_message(message),
    ):
        assert "A secret" not in api(bob).get(path).content.decode()
    shown = api(bob).get(of_message(message)).json()
    assert (shown["content"], shown["is_deleted"], shown["seq"]) == ("", True, 1)
    assert Message.objects.get().content == ""


def test_json_comes_out_in_utf_8(alice, conversation, api):
    answer = api(alice).post(SEND, {"conversation": conversation.pk, "content": "Grüße, 世界 👋"})
    assert answer["Content-Type"] == "application/json"
    assert "Grüße, 世界 👋".encode() in answer.content
