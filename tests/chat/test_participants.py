"""GET and POST conversations/<id>/participants/, PATCH and DELETE conversations/<id>/participants/<user_id>/"""

import pytest

from chat import services
from chat.models import ConversationParticipant
from tests.services.errors import refusal, refused

from .calls import MISSING, events, in_conversation, numbers, part, participant, results


def add(client, group, *users):
    return client.post(
        in_conversation(group, "participants/"), {"user_ids": [getattr(user, "pk", user) for user in users]}
    )


def members(group):
    return set(ConversationParticipant.objects.filter(conversation=group).values_list("user", flat=True))


# The list ---------------------------------------------------------------------------------------


def test_everyone_is_listed_in_the_order_of_joining(alice, bob, carol, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    listed = results(api(bob).get(in_conversation(group, "participants/")))
    assert [(each["user"]["username"], each["is_admin"]) for each in listed] == [
        ("alice", True),
        ("bob", False),
        ("carol", False),
    ]
    assert listed[2]["last_read_seq"] == 1


def test_a_private_one_lists_both(alice, bob, conversation, api):
    listed = results(api(alice).get(in_conversation(conversation, "participants/")))
    assert [each["user"]["id"] for each in listed] == [alice.pk, bob.pk]


def test_all_of_a_large_group_can_be_read(alice, group, fill, api):
    fill(group, 110)
    first = api(alice).get(in_conversation(group, "participants/"), {"limit": 100})
    rest = api(alice).get(first.json()["next"])
    ids = [each["user"]["id"] for response in (first, rest) for each in results(response)]
    assert (len(results(first)), len(ids), len(set(ids))) == (100, 112, 112)


# Adding -----------------------------------------------------------------------------------------


def test_an_admin_adds_users(alice, bob, carol, dave, group, api):
    response = add(api(alice), group, dave, carol)
    assert response.status_code == 201
    added = response.json()["results"]
    assert [(each["user"]["id"], each["is_admin"]) for each in added] == [(dave.pk, False), (carol.pk, False)]
    assert members(group) == {alice.pk, bob.pk, carol.pk, dave.pk}


def test_only_those_really_added_are_answered(alice, bob, carol, group, api):
    response = add(api(alice), group, bob, carol, alice, carol)
    assert [each["user"]["id"] for each in response.json()["results"]] == [carol.pk]
    assert ConversationParticipant.objects.count() == 3


def test_adding_who_is_there_changes_nothing(alice, bob, group, api):
    response = add(api(alice), group, bob, alice)
    assert (response.status_code, response.json()) == (201, {"results": []})
    assert numbers(group) == (1, 1)


def test_who_is_added_finds_it_in_their_list(alice, carol, group, api):
    add(api(alice), group, carol)
    [shown] = results(api(carol).get("/api/chat/conversations/"))
    assert (shown["id"], shown["unread_count"]) == (group.pk, 1)
    assert shown["last_message"]["event"] == {"action": "participant_added", "user_id": carol.pk}


def test_each_of_several_newcomers_begins_with_their_own_coming(alice, carol, dave, group, api):
    add(api(alice), group, dave, carol)
    seen = {}
    for user in (carol, dave):
        history = results(api(user).get(in_conversation(group, "messages/")))
        seen[user.username] = [message["event"]["user_id"] for message in history]
    assert seen == {"dave": [dave.pk, carol.pk], "carol": [carol.pk]}
    assert api(dave).get(in_conversation(group)).json()["unread_count"] == 2
    assert api(carol).get(in_conversation(group)).json()["unread_count"] == 1


@pytest.mark.parametrize("whom", ["an unknown user", "an inactive user", "one of two is unknown"])
def test_who_is_not_there_is_not_added(whom, alice, carol, make_user, group, api):
    gone = make_user("gone", is_active=False)
    users = {"an unknown user": [MISSING], "an inactive user": [gone], "one of two is unknown": [carol, MISSING]}[whom]
    assert refusal(add(api(alice), group, *users)) == (400, "does_not_exist", "user_ids")
    assert len(members(group)) == 2
    assert numbers(group) == (1, 1)


@pytest.mark.parametrize(
    ("body", "code", "attr"),
    [
        ({}, "required", "user_ids"),
        ({"user_ids": []}, "empty", "user_ids"),
        ({"user_ids": None}, "null", "user_ids"),
        ({"user_ids": ["1"]}, "invalid", "user_ids.0"),
    ],
)
def test_what_adding_needs(body, code, attr, alice, group, api):
    assert refusal(api(alice).post(in_conversation(group, "participants/"), body)) == (400, code, attr)


def test_a_group_takes_a_thousand_and_no_more(alice, bob, carol, dave, group, fill, api):
    fill(group, 997)
    client = api(alice)
    assert refusal(add(client, group, carol, dave)) == (400, "group_full", "user_ids")
    assert add(client, group, carol).status_code == 201
    assert refusal(add(client, group, dave)) == (400, "group_full", "user_ids")
    assert add(client, group, bob).json() == {"results": []}
    assert len(members(group)) == 1000


def test_what_the_server_decides_is_not_set_by_the_body(alice, carol, group, api):
    body = {"user_ids": [carol.pk], "is_admin": True, "joined_at": "2001-01-01T00:00:00Z", "visible_after_seq": 0}
    [added] = api(alice).post(in_conversation(group, "participants/"), body).json()["results"]
    assert added["is_admin"] is False
    assert not added["joined_at"].startswith("2001")
    assert part(group, carol).visible_after_seq == 1


# Admins -----------------------------------------------------------------------------------------


def test_an_admin_makes_another_one_and_takes_it_back(alice, bob, group, api):
    client = api(alice)
    for is_admin in (True, False):
        response = client.patch(participant(group, bob), {"is_admin": is_admin})
        assert response.status_code == 200
        assert (response.json()["user"]["id"], response.json()["is_admin"]) == (bob.pk, is_admin)
        assert part(group, bob).is_admin is is_admin


def test_an_admin_gives_up_their_own_right(alice, bob, group, api):
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    assert api(alice).patch(participant(group, alice), {"is_admin": False}).json()["is_admin"] is False
    assert refused(api(alice).patch(participant(group, alice), {"is_admin": True})) == (403, "permission_denied")


def test_the_last_admin_s_right_is_not_taken(alice, bob, group, api):
    assert refused(api(alice).patch(participant(group, alice), {"is_admin": False})) == (409, "last_admin")
    assert part(group, alice).is_admin
    assert numbers(group) == (1, 1)


@pytest.mark.parametrize(("who", "is_admin"), [("alice", True), ("bob", False)])
def test_the_right_that_they_have_already_changes_nothing(who, is_admin, alice, bob, group, api, request):
    user = request.getfixturevalue(who)
    response = api(alice).patch(participant(group, user), {"is_admin": is_admin})
    assert (response.status_code, response.json()["is_admin"]) == (200, is_admin)
    assert numbers(group) == (1, 1)


def test_the_body_sets_nothing_but_the_right(alice, bob, group, api):
    body = {"is_admin": True, "last_read_seq": 99, "joined_at": "2001-01-01T00:00:00Z", "user": alice.pk}
    shown = api(alice).patch(participant(group, bob), body).json()
    assert (shown["last_read_seq"], shown["user"]["id"]) == (0, bob.pk)
    assert not shown["joined_at"].startswith("2001")


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "required"), ({"is_admin": None}, "null"), ({"is_admin": "true"}, "invalid"), ({"is_admin": 1}, "invalid")],
)
def test_what_a_right_needs(body, code, alice, bob, group, api):
    assert refusal(api(alice).patch(participant(group, bob), body)) == (400, code, "is_admin")


# Taking out -------------------------------------------------------------------------------------


def test_an_admin_removes_somebody(alice, bob, group, api):
    response = api(alice).delete(participant(group, bob))
    assert (response.status_code, response.content) == (204, b"")
    assert members(group) == {alice.pk}
    assert events(group)[-1] == ("alice", {"action": "participant_removed", "user_id": bob.pk})


def test_an_admin_removes_another_admin(alice, bob, group, api):
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    assert api(bob).delete(participant(group, alice)).status_code == 204
    assert members(group) == {bob.pk}


def test_anyone_leaves(bob, group, api):
    assert api(bob).delete(participant(group, bob)).status_code == 204
    assert events(group)[-1] == ("bob", {"action": "participant_left", "user_id": bob.pk})


def test_the_last_admin_who_leaves_hands_over(alice, bob, group, api):
    assert api(alice).delete(participant(group, alice)).status_code == 204
    assert part(group, bob).is_admin


def test_the_last_one_who_leaves_takes_the_group_with_them(alice, bob, group, api):
    for user in (bob, alice):
        assert api(user).delete(participant(group, user)).status_code == 204
    assert not type(group).objects.filter(pk=group.pk).exists()


def test_who_was_removed_is_a_stranger(alice, bob, group, api):
    api(alice).delete(participant(group, bob))
    assert refused(api(bob).get(in_conversation(group))) == (404, "not_found")
    assert results(api(bob).get("/api/chat/conversations/")) == []


# Who may not ------------------------------------------------------------------------------------

CALLS = {
    "add": lambda client, where, users: add(client, where, users["carol"]),
    "grant": lambda client, where, users: client.patch(participant(where, users["bob"]), {"is_admin": True}),
    "revoke": lambda client, where, users: client.patch(participant(where, users["alice"]), {"is_admin": False}),
    "remove": lambda client, where, users: client.delete(participant(where, users["alice"])),
    "remove a stranger": lambda client, where, users: client.delete(participant(where, users["carol"])),
    "grant a stranger": lambda client, where, users: client.patch(
        participant(where, users["carol"]), {"is_admin": True}
    ),
    "leave": lambda client, where, users: client.delete(participant(where, users["alice"])),
}


@pytest.mark.parametrize(
    ("who", "where", "call", "status", "code"),
    [
        ("bob", "group", "add", 403, "permission_denied"),
        ("bob", "group", "grant", 403, "permission_denied"),
        ("bob", "group", "revoke", 403, "permission_denied"),
        ("bob", "group", "remove", 403, "permission_denied"),
        ("bob", "group", "remove a stranger", 403, "permission_denied"),
        ("alice", "group", "remove a stranger", 404, "not_found"),
        ("alice", "group", "grant a stranger", 404, "not_found"),
        ("eve", "group", "add", 404, "not_found"),
        ("eve", "group", "grant", 404, "not_found"),
        ("eve", "group", "remove", 404, "not_found"),
        ("alice", "conversation", "add", 403, "permission_denied"),
        ("alice", "conversation", "grant", 403, "permission_denied"),
        ("bob", "conversation", "remove", 403, "permission_denied"),
        ("alice", "conversation", "leave", 403, "permission_denied"),
    ],
)
def test_who_may_not(who, where, call, status, code, alice, bob, carol, eve, conversation, group, api, request):
    user, target = request.getfixturevalue(who), request.getfixturevalue(where)
    users = {"alice": alice, "bob": bob, "carol": carol}
    assert refused(CALLS[call](api(user), target, users)) == (status, code)
    assert members(target) == {alice.pk, bob.pk}
    assert not part(target, bob).is_admin
