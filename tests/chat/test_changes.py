"""GET conversations/<id>/changes/"""

import pytest

from chat import services
from tests.services.errors import refusal

from .calls import in_conversation, say


def changes(client, conversation, **query):
    response = client.get(in_conversation(conversation, "changes/"), query)
    assert response.status_code == 200, response.json()
    return response.json()


@pytest.fixture
def changed(alice, bob, conversation):
    """Three messages, then the first was edited and the second deleted: versions 3, 4 and 5 are left."""
    first, second, _ = (say(alice, conversation, f"Number {number}") for number in (1, 2, 3))
    services.edit_message(editor=alice, message_id=first.pk, content="Edited")
    services.delete_message(deleter=alice, message_id=second.pk)
    return conversation


def test_all_that_was_new_edited_or_deleted_comes_by_version(bob, changed, api):
    answer = changes(api(bob), changed)
    assert (answer["version"], answer["has_more"]) == (5, False)
    assert [(message["version"], message["seq"], message["content"]) for message in answer["results"]] == [
        (3, 3, "Number 3"),
        (4, 1, "Edited"),
        (5, 2, ""),
    ]
    assert [(message["is_edited"], message["is_deleted"]) for message in answer["results"]] == [
        (False, False),
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("since", "versions"), [(0, [3, 4, 5]), (2, [3, 4, 5]), (3, [4, 5]), (4, [5]), (5, []), (6, []), (10**30, [])]
)
def test_since_leaves_out_what_the_client_has(since, versions, bob, changed, api):
    answer = changes(api(bob), changed, since=since)
    assert [message["version"] for message in answer["results"]] == versions
    assert (answer["version"], answer["has_more"]) == (5, False)


def test_an_empty_conversation_has_no_changes(alice, conversation, api):
    assert changes(api(alice), conversation) == {"version": 0, "has_more": False, "results": []}


@pytest.mark.parametrize(("limit", "lengths"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3]), (4, [3])])
def test_has_more_leads_through_all(limit, lengths, bob, changed, api):
    client, since, found, pages = api(bob), 0, [], []
    while True:
        answer = changes(client, changed, since=since, limit=limit)
        assert answer["version"] == 5
        found += [message["version"] for message in answer["results"]]
        pages.append(len(answer["results"]))
        if not answer["has_more"]:
            break
        since = answer["results"][-1]["version"]
    assert found == [3, 4, 5]
    assert pages == lengths


def test_fifty_come_where_no_limit_is_given(alice, bob, conversation, api):
    for _ in range(52):
        say(alice, conversation)
    answer = changes(api(bob), conversation)
    assert (len(answer["results"]), answer["has_more"], answer["version"]) == (50, True, 52)


@pytest.mark.parametrize("value", ["abc", "", "-1", "1.5", "null"])
@pytest.mark.parametrize("name", ["since", "limit"])
def test_what_is_no_number_is_400(name, value, alice, conversation, api):
    response = api(alice).get(in_conversation(conversation, "changes/"), {name: value})
    assert refusal(response) == (400, "invalid", name)


def test_what_a_newcomer_may_not_see_does_not_change_for_them(alice, carol, group, api):
    old = say(alice, group, "Before")
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.edit_message(editor=alice, message_id=old.pk, content="Edited")
    answer = changes(api(carol), group)
    assert [message["event"]["action"] for message in answer["results"]] == ["participant_added"]
    assert answer["version"] == 4


def test_what_was_before_a_deletion_does_not_change_for_who_deleted(alice, bob, conversation, api):
    old = say(bob, conversation, "Before")
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    services.edit_message(editor=bob, message_id=old.pk, content="Edited")
    say(bob, conversation, "After")
    assert [message["content"] for message in changes(api(alice), conversation)["results"]] == ["After"]
    assert [message["content"] for message in changes(api(bob), conversation)["results"]] == ["Edited", "After"]
