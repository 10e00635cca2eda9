"""POST conversations/create/"""

import pytest

from chat import services
from chat.models import Conversation, ConversationParticipant, Message
from tests.services.errors import refusal
from tests.services.threads import at_once

from .calls import CONVERSATIONS, CREATE, MISSING, in_conversation, part, results, say


def private(*users):
    return {"type": "private", "participant_ids": [getattr(user, "pk", user) for user in users]}


def group(name="A group", *users, **fields):
    return {"type": "group", "name": name, "participant_ids": [getattr(user, "pk", user) for user in users], **fields}


def test_a_private_conversation_is_made(alice, bob, api):
    response = api(alice).post(CREATE, private(bob))
    assert response.status_code == 201
    shown = response.json()
    assert (shown["type"], shown["name"], shown["description"]) == ("private", "bob", "")
    assert [each["user"]["id"] for each in shown["participants"]] == [alice.pk, bob.pk]
    assert [each["is_admin"] for each in shown["participants"]] == [False, False]
    assert (shown["participant_count"], shown["last_message"], shown["last_seq"]) == (2, None, 0)
    assert not Message.objects.exists()


def test_its_name_is_the_other_s_display_name(alice, make_user, api):
    zoe = make_user("zoe", first_name="Zoé", last_name="Z.")
    shown = api(alice).post(CREATE, private(zoe)).json()
    assert shown["name"] == "Zoé Z."
    assert api(zoe).get(in_conversation(shown["id"])).json()["name"] == "alice"


def test_a_private_conversation_that_is_there_is_found(alice, bob, api):
    first = api(alice).post(CREATE, private(bob))
    again = api(alice).post(CREATE, private(bob))
    from_the_other_side = api(bob).post(CREATE, private(alice))
    assert [each.status_code for each in (first, again, from_the_other_side)] == [201, 200, 200]
    assert first.json()["id"] == again.json()["id"] == from_the_other_side.json()["id"]
    assert ConversationParticipant.objects.count() == 2


def test_one_s_own_id_and_repeats_are_ignored(alice, bob, carol, api):
    assert api(alice).post(CREATE, private(alice, bob, bob, alice)).status_code == 201
    shown = api(alice).post(CREATE, group("G", bob, alice, carol, bob)).json()
    assert [each["user"]["id"] for each in shown["participants"]] == [alice.pk, bob.pk, carol.pk]


def test_name_and_description_are_not_for_private_ones(alice, bob, api):
    shown = api(alice).post(CREATE, {**private(bob), "name": "Mine", "description": "All mine"}).json()
    assert (shown["name"], shown["description"]) == ("bob", "")


@pytest.mark.django_db(transaction=True)
def test_both_sides_at_the_same_moment_get_one_conversation(alice, bob, api):
    sides = [(api(alice), bob), (api(bob), alice)] * 5
    answers = at_once(
        [lambda client=client, other=other: client.post(CREATE, private(other)) for client, other in sides]
    )
    assert sorted(each.status_code for each in answers) == [200] * 9 + [201]
    assert len({each.json()["id"] for each in answers}) == 1
    assert Conversation.objects.count() == 1
    assert ConversationParticipant.objects.count() == 2


@pytest.mark.parametrize(
    ("whom", "code"),
    [
        ("nobody", "does_not_exist"),
        ("oneself", "does_not_exist"),
        ("two others", "does_not_exist"),
        ("an unknown user", "does_not_exist"),
        ("an inactive user", "does_not_exist"),
    ],
)
def test_a_private_conversation_needs_exactly_one_other_active_user(whom, code, alice, bob, carol, make_user, api):
    gone = make_user("gone", is_active=False)
    users = {
        "nobody": (),
        "oneself": (alice,),
        "two others": (bob, carol),
        "an unknown user": (MISSING,),
        "an inactive user": (gone,),
    }[whom]
    assert refusal(api(alice).post(CREATE, private(*users))) == (400, code, "participant_ids")
    assert not Conversation.objects.exists()


def test_creating_it_again_brings_back_what_was_deleted_with_an_empty_history(alice, bob, conversation, api):
    say(bob, conversation)
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    client = api(alice)
    assert results(client.get(CONVERSATIONS)) == []
    response = client.post(CREATE, private(bob))
    assert (response.status_code, response.json()["id"]) == (200, conversation.pk)
    assert [each["id"] for each in results(client.get(CONVERSATIONS))] == [conversation.pk]
    assert results(client.get(in_conversation(conversation, "messages/"))) == []
    assert response.json()["last_message"] is None


def test_creating_it_again_brings_it_back_for_oneself_only(alice, bob, conversation, api):
    services.delete_conversation(user=alice, conversation_id=conversation.pk)
    api(bob).post(CREATE, private(alice))
    assert results(api(alice).get(CONVERSATIONS)) == []


def test_a_group_is_made_with_its_creator_as_its_admin(alice, bob, carol, api):
    response = api(alice).post(CREATE, group("  Friends ", carol, bob, description=" Of mine\n"))
    assert response.status_code == 201
    shown = response.json()
    assert (shown["type"], shown["name"], shown["description"]) == ("group", "Friends", "Of mine")
    assert {each["user"]["id"]: each["is_admin"] for each in shown["participants"]} == {
        alice.pk: True,
        bob.pk: False,
        carol.pk: False,
    }
    assert shown["participant_count"] == 3


def test_a_group_may_begin_with_its_creator_alone(alice, api):
    shown = api(alice).post(CREATE, group("Alone")).json()
    assert [each["user"]["id"] for each in shown["participants"]] == [alice.pk]


def test_groups_of_the_same_name_are_two(alice, api):
    first, second = (api(alice).post(CREATE, group("Same")).json()["id"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("fields", "code", "attr"),
    [
        ({"name": ""}, "blank", "name"),
        ({"name": " \t\u200b\u2060 "}, "blank", "name"),
        ({"name": "x" * 101}, "max_length", "name"),
        ({"name": None}, "null", "name"),
        ({"description": "x" * 1001}, "max_length", "description"),
        ({"participant_ids": [MISSING]}, "does_not_exist", "participant_ids"),
        ({"participant_ids": None}, "null", "participant_ids"),
        ({"type": "channel"}, "invalid_choice", "type"),
    ],
)
def test_a_group_that_cannot_be_is_refused(fields, code, attr, alice, api):
    assert refusal(api(alice).post(CREATE, {**group("Name"), **fields})) == (400, code, attr)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("left_out", ["type", "name", "participant_ids"])
def test_what_a_group_needs(left_out, alice, api):
    body = group("Name")
    del body[left_out]
    assert refusal(api(alice).post(CREATE, body)) == (400, "required", left_out)


def test_an_inactive_user_is_not_made_a_participant(alice, make_user, api):
    gone = make_user("gone", is_active=False)
    assert refusal(api(alice).post(CREATE, group("G", gone))) == (400, "does_not_exist", "participant_ids")


def test_names_as_long_as_may_be(alice, api):
    shown = api(alice).post(CREATE, group("é" * 100, description="ü" * 1000)).json()
    assert (shown["name"], shown["description"]) == ("é" * 100, "ü" * 1000)


def test_a_group_holds_a_thousand(alice, crowd, api):
    everyone = crowd(1000)
    assert refusal(api(alice).post(CREATE, group("Too many", *everyone)))[:2] == (400, "group_full")
    response = api(alice).post(CREATE, group("Full", *everyone[:999], alice, *everyone[:5]))
    assert response.status_code == 201
    assert response.json()["participant_count"] == 1000
    assert len(response.json()["participants"]) == 50


def test_repeats_of_one_id_are_ignored_however_many_they_are(alice, bob, api):
    assert api(alice).post(CREATE, group("G", *[bob] * 5000)).json()["participant_count"] == 2


def test_what_the_server_decides_is_not_set_by_the_body(alice, bob, api):
    mine = {"last_seq": 9, "version": 9, "id": 4711, "created_at": "2001-01-01T00:00:00Z", "private_key": "1:2"}
    shown = api(alice).post(CREATE, group("G", bob, **mine, is_admin=[bob.pk], unread_count=7)).json()
    assert (shown["last_seq"], shown["version"], shown["unread_count"]) == (1, 1, 0)
    assert shown["id"] != 4711
    assert not shown["created_at"].startswith("2001")
    assert not part(Conversation.objects.get(), bob).is_admin
