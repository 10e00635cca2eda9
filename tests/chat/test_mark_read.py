"""POST conversations/<id>/mark-read/"""

import pytest

from chat import services
from tests.services.errors import refusal

from .calls import MISSING, in_conversation, numbers, part, say


def mark(client, conversation, body=None):
    return client.post(in_conversation(conversation, "mark-read/"), body)


@pytest.fixture
def three(bob, conversation):
    """Bob's three messages."""
    return [say(bob, conversation, f"Number {number}") for number in (1, 2, 3)]


@pytest.mark.parametrize("body", [None, {}, {"message_id": None}, {"unknown": 5}])
def test_without_a_message_everything_is_read(body, alice, conversation, three, api):
    assert mark(api(alice), conversation, body).json() == {"last_read_seq": 3, "unread_count": 0}


def test_up_to_and_including_a_message(alice, conversation, three, api):
    response = mark(api(alice), conversation, {"message_id": three[1].pk})
    assert (response.status_code, response.json()) == (200, {"last_read_seq": 2, "unread_count": 1})
    assert api(alice).get(in_conversation(conversation)).json()["unread_count"] == 1


def test_the_marker_never_moves_back(alice, conversation, three, api):
    client = api(alice)
    mark(client, conversation)
    assert mark(client, conversation, {"message_id": three[0].pk}).json() == {"last_read_seq": 3, "unread_count": 0}


def test_the_marker_shows_when_it_moved(alice, conversation, three, api):
    client = api(alice)
    assert part(conversation, alice).last_read_at is None
    mark(client, conversation)
    moved = part(conversation, alice).last_read_at
    assert moved is not None
    mark(client, conversation)
    mark(client, conversation, {"message_id": three[0].pk})
    assert part(conversation, alice).last_read_at == moved


def test_others_markers_stay(alice, bob, carol, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    before = part(group, bob).last_read_seq
    mark(api(carol), group)
    assert part(group, bob).last_read_seq == before


def test_an_empty_conversation_is_read(alice, conversation, api):
    assert mark(api(alice), conversation).json() == {"last_read_seq": 0, "unread_count": 0}


def test_reading_is_no_change_of_the_conversation(alice, conversation, three, api):
    before = numbers(conversation)
    mark(api(alice), conversation)
    assert numbers(conversation) == before


def test_a_deleted_message_can_be_read_up_to(alice, bob, conversation, three, api):
    services.delete_message(deleter=bob, message_id=three[1].pk)
    assert mark(api(alice), conversation, {"message_id": three[1].pk}).json()["last_read_seq"] == 2


def test_a_message_of_another_conversation_is_400(alice, bob, conversation, group, three, api):
    other = say(bob, group)
    for message_id in (other.pk, MISSING, 2**63 - 1):
        response = mark(api(alice), conversation, {"message_id": message_id})
        assert refusal(response) == (400, "does_not_exist", "message_id")
    assert part(conversation, alice).last_read_seq == 0


def test_a_message_from_before_one_joined_is_400(alice, carol, group, api):
    old = say(alice, group)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    assert refusal(mark(api(carol), group, {"message_id": old.pk})) == (400, "does_not_exist", "message_id")


def test_the_marker_is_shown_to_everyone(alice, bob, conversation, three, api):
    mark(api(alice), conversation, {"message_id": three[1].pk})
    shown = api(bob).get(in_conversation(conversation)).json()["participants"]
    assert {each["user"]["id"]: each["last_read_seq"] for each in shown} == {alice.pk: 2, bob.pk: 3}
    assert {each["user"]["id"]: each["last_read_at"] is None for each in shown} == {alice.pk: False, bob.pk: False}


def test_the_body_does_not_set_the_marker(alice, conversation, three, api):
    answer = mark(api(alice), conversation, {"message_id": three[0].pk, "last_read_seq": 3, "seq": 3, "user": 1})
    assert answer.json()["last_read_seq"] == 1
