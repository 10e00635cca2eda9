"""GET conversations/"""

import pytest

from chat import services
from chat.models import Conversation
from tests.services.errors import refusal, refused

from .calls import CONVERSATIONS, results, say


def ids(response):
    return [each["id"] for each in results(response)]


def test_who_is_in_nothing_has_an_empty_list(eve, conversation, group, api):
    assert api(eve).get(CONVERSATIONS).json() == {"next": None, "previous": None, "results": []}


def test_the_list_holds_one_s_own_conversations_only(alice, bob, carol, conversation, group, api):
    theirs, _ = services.open_private_conversation(user=bob, participant_ids=[carol.pk])
    assert set(ids(api(alice).get(CONVERSATIONS))) == {conversation.pk, group.pk}
    assert set(ids(api(bob).get(CONVERSATIONS))) == {conversation.pk, group.pk, theirs.pk}


def test_the_latest_activity_comes_first(alice, bob, conversation, group, api):
    third = services.create_group(creator=bob, name="Third", participant_ids=[alice.pk])
    client = api(alice)
    assert ids(client.get(CONVERSATIONS)) == [third.pk, group.pk, conversation.pk]
    say(bob, conversation)
    assert ids(client.get(CONVERSATIONS)) == [conversation.pk, third.pk, group.pk]
    services.update_group(editor=alice, conversation_id=group.pk, name="New name")
    assert ids(client.get(CONVERSATIONS)) == [group.pk, conversation.pk, third.pk]


@pytest.mark.parametrize(("kind", "index"), [("private", 0), ("group", 1)])
def test_the_list_is_filtered_by_type(kind, index, alice, conversation, group, api):
    assert ids(api(alice).get(CONVERSATIONS, {"type": kind})) == [(conversation.pk, group.pk)[index]]


def test_unread_true_leaves_what_has_unread_messages(alice, bob, conversation, group, api):
    client = api(alice)
    assert ids(client.get(CONVERSATIONS, {"unread": "true"})) == []
    say(bob, group)
    assert ids(client.get(CONVERSATIONS, {"unread": "true"})) == [group.pk]
    services.mark_read(reader=alice, conversation_id=group.pk)
    assert ids(client.get(CONVERSATIONS, {"unread": "true"})) == []


def test_unread_true_leaves_out_what_was_deleted(alice, bob, conversation, api):
    say(bob, conversation)
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    assert ids(api(alice).get(CONVERSATIONS, {"unread": "true"})) == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"type": "channel"}, "invalid_choice"),
        ({"type": ""}, "invalid_choice"),
        ({"type": "Group"}, "invalid_choice"),
        ({"unread": "yes"}, "invalid_choice"),
        ({"unread": "1"}, "invalid_choice"),
        ({"unread": ""}, "invalid_choice"),
        ({"search": "\x00"}, "invalid"),
    ],
)
def test_a_filter_with_a_value_that_it_does_not_know_is_400(query, code, alice, api):
    status, found, attr = refusal(api(alice).get(CONVERSATIONS, query))
    assert (status, found, attr) == (400, code, next(iter(query)))


@pytest.mark.parametrize("term", ["bo", "BOB", "Robert", "ert Bur", "ns", "  bob "])
def test_a_private_conversation_is_found_by_the_other_s_name(term, alice, make_user, api):
    robert = make_user("bobby", first_name="Robert", last_name="Burns")
    conversation, _ = services.open_private_conversation(user=alice, participant_ids=[robert.pk])
    if term == "BOB" or term.strip() == term:
        assert ids(api(alice).get(CONVERSATIONS, {"search": term})) == [conversation.pk]
    assert ids(api(alice).get(CONVERSATIONS, {"search": term})) == [conversation.pk]


def test_a_private_conversation_is_not_found_by_one_s_own_name(alice, conversation, api):
    assert ids(api(alice).get(CONVERSATIONS, {"search": "alice"})) == []


@pytest.mark.parametrize("term", ["The group", "group", "GROUP", "he gr"])
def test_a_group_is_found_by_a_part_of_its_name(term, alice, conversation, group, api):
    assert ids(api(alice).get(CONVERSATIONS, {"search": term})) == [group.pk]


def test_a_group_is_not_found_by_the_name_of_who_is_in_it(alice, group, api):
    assert ids(api(alice).get(CONVERSATIONS, {"search": "bob"})) == []


@pytest.mark.parametrize("term", ["%", "_", "\\", "'", '"', "*", "(", "[", "\U0001f47b", "x" * 100])
def test_signs_in_a_search_mean_themselves(term, alice, conversation, group, api):
    client = api(alice)
    assert ids(client.get(CONVERSATIONS, {"search": term})) == []
    named = services.create_group(creator=alice, name=f"{term}"[:100], participant_ids=[])
    assert ids(client.get(CONVERSATIONS, {"search": term})) == [named.pk]


def test_filters_go_together(alice, bob, conversation, group, api):
    say(bob, conversation)
    say(bob, group)
    query = {"type": "private", "unread": "true", "search": "bob"}
    assert ids(api(alice).get(CONVERSATIONS, query)) == [conversation.pk]
    assert ids(api(alice).get(CONVERSATIONS, {**query, "search": "group"})) == []


def test_the_newest_message_is_shown(alice, bob, group, api):
    message = say(bob, group, "Newest")
    [shown] = results(api(alice).get(CONVERSATIONS))
    assert shown["last_message"]["id"] == message.pk
    assert (shown["last_seq"], shown["version"], shown["unread_count"]) == (2, 2, 1)


def test_a_conversation_without_messages_has_no_last_one(alice, conversation, api):
    [shown] = results(api(alice).get(CONVERSATIONS))
    assert shown["last_message"] is None
    assert (shown["last_seq"], shown["version"], shown["unread_count"]) == (0, 0, 0)


def test_the_list_is_not_changed_by_another_method(alice, conversation, api):
    assert refused(api(alice).post(CONVERSATIONS, {"type": "group"})) == (405, "method_not_allowed")
    assert Conversation.objects.count() == 1
