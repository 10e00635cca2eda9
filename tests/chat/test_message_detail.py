"""GET, PUT and PATCH messages/<id>/"""

import pytest

from chat import services
from chat.models import Message
from tests.services.errors import refusal, refused

from .calls import MISSING, in_conversation, numbers, of_message, say


@pytest.fixture
def message(alice, group):
    """Alice's message in the group."""
    return say(alice, group, "Before", client_id="mine")


def test_participants_see_it(bob, message, api):
    shown = api(bob).get(of_message(message)).json()
    assert (shown["id"], shown["content"], shown["sender"]["username"]) == (message.pk, "Before", "alice")


def test_a_message_that_is_not_there_is_404(alice, api):
    assert refused(api(alice).get(of_message(MISSING))) == (404, "not_found")


def test_a_message_from_before_one_joined_is_404(alice, carol, group, message, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    assert refused(api(carol).get(of_message(message))) == (404, "not_found")


@pytest.mark.parametrize("method", ["put", "patch"])
def test_its_sender_edits_it(method, alice, group, message, api):
    before = api(alice).get(of_message(message)).json()
    response = getattr(api(alice), method)(of_message(message), {"content": " After "})
    assert response.status_code == 200
    shown = response.json()
    assert shown["edited_at"] is not None
    assert shown == {
        **before,
        "content": "After",
        "version": 3,
        "is_edited": True,
        "edited_at": shown["edited_at"],
    }
    assert shown == api(alice).get(of_message(message)).json()
    assert numbers(group) == (2, 3)


def test_every_edit_is_a_version(alice, group, message, api):
    for number in range(3):
        api(alice).patch(of_message(message), {"content": f"Edit {number}"})
    assert numbers(group) == (2, 5)


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("content", ["Before", "  Before\n"])
def test_the_same_content_makes_no_version(method, content, alice, group, message, api):
    response = getattr(api(alice), method)(of_message(message), {"content": content})
    assert (response.status_code, response.json()["version"], response.json()["is_edited"]) == (200, 2, False)
    assert numbers(group) == (2, 2)


def test_a_patch_without_content_changes_nothing(alice, group, message, api):
    assert api(alice).patch(of_message(message), {}).json()["is_edited"] is False
    assert numbers(group) == (2, 2)


@pytest.mark.parametrize(
    ("method", "body", "code"),
    [
        ("put", {}, "required"),
        ("put", {"content": ""}, "blank"),
        ("patch", {"content": "\u200b"}, "blank"),
        ("patch", {"content": "x" * 4001}, "max_length"),
        ("patch", {"content": None}, "null"),
        ("patch", {"content": "a\x00"}, "null_characters_not_allowed"),
    ],
)
def test_content_that_will_not_do(method, body, code, alice, message, api):
    assert refusal(getattr(api(alice), method)(of_message(message), body)) == (400, code, "content")
    assert Message.objects.get(pk=message.pk).content == "Before"


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [("bob", 403, "permission_denied"), ("eve", 404, "not_found"), (None, 401, "not_authenticated")],
)
@pytest.mark.parametrize("method", ["put", "patch"])
def test_nobody_else_edits_it(who, status, code, method, bob, eve, message, api, request):
    client = api(who and request.getfixturevalue(who))
    assert refused(getattr(client, method)(of_message(message), {"content": "After"})) == (status, code)
    assert Message.objects.get(pk=message.pk).content == "Before"


def test_a_group_admin_does_not_edit_what_another_said(alice, bob, group, api):
    theirs = say(bob, group)
    assert refused(api(alice).patch(of_message(theirs), {"content": "After"})) == (403, "permission_denied")


def test_a_deleted_message_is_not_edited(alice, group, message, api):
    services.delete_message(deleter=alice, message_id=message.pk)
    for body in ({"content": "After"}, {"content": "Before"}):
        assert refused(api(alice).patch(of_message(message), body)) == (403, "not_editable")
    assert Message.objects.get(pk=message.pk).content == ""


def test_a_system_message_is_not_edited(alice, group, api):
    system = Message.objects.get(type="system")
    assert refused(api(alice).patch(of_message(system), {"content": "After"})) == (403, "not_editable")


def test_who_left_no_longer_edits_what_they_said(bob, group, api):
    theirs = say(bob, group)
    services.remove_participant(remover=bob, conversation_id=group.pk, user_id=bob.pk)
    assert refused(api(bob).patch(of_message(theirs), {"content": "After"})) == (404, "not_found")


def test_who_came_back_does_not_edit_what_they_said_before(alice, bob, group, api):
    theirs = say(bob, group)
    services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[bob.pk])
    assert refused(api(bob).patch(of_message(theirs), {"content": "After"})) == (404, "not_found")


def test_what_the_server_decides_is_not_set_by_the_body(alice, bob, conversation, group, message, api):
    mine = {"sender": bob.pk, "seq": 9, "version": 99, "type": "system", "conversation": conversation.pk}
    more = {"is_deleted": True, "created_at": "2001-01-01T00:00:00Z", "reply_to": message.pk, "client_id": "other"}
    before = api(alice).get(of_message(message)).json()
    shown = api(alice).put(of_message(message), {"content": "After", **mine, **more}).json()
    assert shown == {
        **before,
        "content": "After",
        "version": 3,
        "is_edited": True,
        "edited_at": shown["edited_at"],
    }


def test_an_edit_does_not_move_the_conversation_up(alice, group, message, api):
    before = api(alice).get(in_conversation(group)).json()["updated_at"]
    api(alice).patch(of_message(message), {"content": "After"})
    assert api(alice).get(in_conversation(group)).json()["updated_at"] == before


def test_a_message_is_not_deleted_at_its_own_address(alice, message, api):
    assert refused(api(alice).delete(of_message(message))) == (405, "method_not_allowed")
