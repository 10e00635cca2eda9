"""What is said on the socket and over REST: stored, shown to everyone, acknowledged to who said it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from tests.realtime.frames import HELLO, answer, contents, durable, until_pong

MESSAGE_KEYS = set(
    "id conversation seq version type sender content reply_to client_id event is_edited edited_at is_deleted"
    " deleted_at created_at".split()
)


# Said -----------------------------------------------------------------------------------------------


async def test_a_message_reaches_the_others_as_rest_shows_it(here: Any, there: Any, stored: Any) -> None:
    await here.send(HELLO)
    [frame] = await durable(there, 1)
    assert [frame["message"]] == await stored()
    assert frame.keys() == {"type", "message", "version"}
    assert (frame["type"], frame["version"]) == ("chat_message", 1)
    assert frame["message"].keys() == MESSAGE_KEYS


async def test_a_message_has_the_shape_that_was_promised(here: Any, there: Any, alice: Any, conversation: Any) -> None:
    await here.send(HELLO)
    message = (await durable(there, 1))[0]["message"]
    created_at = message.pop("created_at")
    assert isinstance(message.pop("id"), int)
    assert message == {
        "conversation": conversation.pk,
        "seq": 1,
        "version": 1,
        "type": "text",
        "sender": {"id": alice.pk, "username": "alice", "display_name": "alice", "avatar": None},
        "content": "Hello",
        "reply_to": None,
        "client_id": "1",
        "event": None,
        "is_edited": False,
        "edited_at": None,
        "is_deleted": False,
        "deleted_at": None,
    }
    assert parse_datetime(created_at) is not None
    assert created_at.endswith("Z")


async def test_one_s_own_message_comes_once_beside_its_ack(here: Any) -> None:
    await here.send(HELLO)
    kinds = sorted([(await here.receive())["type"], (await here.receive())["type"]])
    assert kinds == ["ack", "chat_message"]
    assert await until_pong(here) == []


async def test_one_s_own_message_comes_to_every_socket_of_oneself(
    here: Any, enter: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    also_here = await enter(alice, conversation)
    await here.send(HELLO)
    assert await durable(also_here, 1) == await durable(here, 1)
    assert await until_pong(also_here) == []  # the ack is for the socket that asked


async def test_the_ack_says_which_message_it_was(here: Any, stored: Any) -> None:
    ack = await answer(here, HELLO)
    [message] = await stored()
    assert ack == {
        "type": "ack",
        "client_id": "1",
        "message_id": message["id"],
        "seq": message["seq"],
        "created_at": message["created_at"],
        "duplicate": False,
    }


async def test_without_a_client_id_there_is_no_ack(here: Any, stored: Any) -> None:
    await here.send({"type": "chat_message", "content": "Hello"})
    assert (await durable(here, 1))[0]["message"]["client_id"] is None
    assert await until_pong(here) == []
    assert len(await stored()) == 1


async def test_messages_are_stored_and_shown_in_the_order_in_which_they_were_sent(here: Any, there: Any) -> None:
    said = [str(number) for number in range(30)]
    for content in said:
        await here.send({"type": "chat_message", "content": content})
    assert contents(await durable(there, 30)) == said


async def test_a_message_reaches_nobody_else(
    here: Any, enter: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    elsewhere = [await enter(alice, group), await enter(bob, group)]
    await answer(here, HELLO)
    assert [await until_pong(socket) for socket in elsewhere] == [[], []]


async def test_everybody_of_a_group_gets_the_message(
    enter: Callable[..., Any], add: Callable[..., Any], post: Callable[..., Any],
    alice: Any, bob: Any, carol: Any, group: Any,
) -> None:  # fmt: skip
    await add(group, alice, carol)
    sockets = [await enter(user, group) for user in (alice, bob, carol)]
    message = await post(bob, group)
    assert [(await durable(socket, 1))[0]["message"] for socket in sockets] == [message] * 3


async def test_a_message_sent_over_rest_is_shown_as_it_was_answered(
    here: Any, post: Callable[..., Any], bob: Any, conversation: Any
) -> None:
    message = await post(bob, conversation, client_id="1")
    assert (await here.receive_until("chat_message"))["message"] == message


async def test_the_message_carries_the_name_that_its_sender_has_now(
    here: Any, there: Any, rest: Callable[..., Any], alice: Any, stored: Any
) -> None:
    await rest(alice, "patch", "/api/auth/profile/", {"first_name": "Alice", "username": "alice.b"})
    await here.send(HELLO)
    [frame] = await durable(there, 1)
    assert [frame["message"]] == await stored()
    assert frame["message"]["sender"]["display_name"] == "Alice"


@pytest.mark.parametrize("content", ["<b>&\"'", "😀 é \u202e", "a\nb\tc", "x" * 4000, "😀" * 4000], ids=ascii)
async def test_what_was_said_is_shown_letter_by_letter(here: Any, there: Any, content: str) -> None:
    await here.send({"type": "chat_message", "content": content})
    assert contents(await durable(there, 1)) == [content]


async def test_white_space_around_a_message_is_trimmed_and_does_not_count(here: Any, there: Any) -> None:
    await here.send({"type": "chat_message", "content": f"  \n{'x' * 4000} \t"})
    assert contents(await durable(there, 1)) == ["x" * 4000]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({}, "required"),
        ({"content": ""}, "blank"),
        ({"content": " \n\t "}, "blank"),
        ({"content": "\u200b\u00a0\u2060"}, "blank"),
        ({"content": "x" * 4001}, "max_length"),
        ({"content": "a\u0000b"}, "invalid"),
    ],
    ids=ascii,
)
async def test_what_is_no_message_is_refused_and_nothing_is_stored(
    here: Any, stored: Any, frame: dict[str, Any], code: str
) -> None:
    error = await answer(here, {"type": "chat_message", "client_id": "1", **frame})
    assert (error["type"], error["code"], error["client_id"]) == ("error", code, "1")
    assert await until_pong(here) == []
    assert await stored() == []


async def test_nobody_posts_elsewhere_or_as_somebody_else_by_what_a_frame_says(
    here: Any, enter: Callable[..., Any], alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    elsewhere = await enter(bob, group)
    forged = {
        "conversation_id": group.pk,
        "conversation": group.pk,
        "sender": bob.pk,
        "sender_id": bob.pk,
        "user_id": bob.pk,
        "seq": 99,
        "version": 99,
        "id": 99,
        "event": {"action": "participant_left", "user_id": bob.pk},
        "created_at": "2000-01-01T00:00:00Z",
    }
    await here.send({**HELLO, **forged})
    message = (await durable(here, 1))[0]["message"]
    assert (message["conversation"], message["sender"]["id"]) == (conversation.pk, alice.pk)
    assert (message["seq"], message["version"], message["type"], message["event"]) == (1, 1, "text", None)
    assert message["created_at"] > "2020"
    assert await until_pong(elsewhere) == []


@pytest.mark.parametrize("wrong", ["x", None, [], 2**70])
async def test_a_conversation_id_that_is_none_is_ignored_too(here: Any, wrong: Any) -> None:
    ack = await answer(here, {**HELLO, "conversation_id": wrong, "conversation": wrong, "sender": wrong})
    assert ack["type"] == "ack"


# Replies --------------------------------------------------------------------------------------------


async def test_a_reply_shows_the_message_replied_to(
    here: Any, there: Any, post: Callable[..., Any], bob: Any, conversation: Any, stored: Any
) -> None:
    original = await post(bob, conversation, "x" * 200)
    await here.send({**HELLO, "reply_to": original["id"]})
    reply = (await durable(there, 2))[1]["message"]
    quoted = {name: original[name] for name in ("id", "seq", "sender")}
    assert reply["reply_to"] == {**quoted, "content": "x" * 140}
    assert (await stored())[1] == reply


async def test_a_reply_to_null_is_no_reply(here: Any) -> None:
    await here.send({**HELLO, "reply_to": None})
    assert (await durable(here, 1))[0]["message"]["reply_to"] is None


async def test_a_reply_to_a_deleted_message_shows_none_of_it(
    here: Any, call: Callable[..., Any], post: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    original = await post(alice, conversation, "secret")
    await call(alice, "delete", f"messages/{original['id']}/delete/")
    await here.send({**HELLO, "reply_to": original["id"]})
    assert (await durable(here, 3))[2]["message"]["reply_to"]["content"] == ""


async def test_a_reply_to_a_message_of_another_conversation_is_refused(
    here: Any, post: Callable[..., Any], alice: Any, group: Any, stored: Any
) -> None:
    foreign = await post(alice, group)
    error = await answer(here, {**HELLO, "reply_to": foreign["id"]})
    assert (error["type"], error["code"], error["client_id"]) == ("error", "does_not_exist", "1")
    assert await stored() == []


async def test_a_reply_to_a_message_from_before_one_s_time_is_refused(
    enter: Callable[..., Any], add: Callable[..., Any], post: Callable[..., Any], alice: Any, carol: Any, group: Any
) -> None:
    old = await post(alice, group)
    await add(group, alice, carol)
    error = await answer(await enter(carol, group), {**HELLO, "reply_to": old["id"]})
    assert (error["code"], error["client_id"]) == ("does_not_exist", "1")


async def test_a_refused_message_leaves_its_client_id_free(here: Any) -> None:
    assert (await answer(here, {**HELLO, "reply_to": 10**9}))["type"] == "error"
    assert (await answer(here, HELLO))["duplicate"] is False


# What the server says -------------------------------------------------------------------------------


async def test_system_messages_arrive_like_any_other(
    enter: Callable[..., Any], call: Callable[..., Any], alice: Any, bob: Any, carol: Any, group: Any
) -> None:
    socket = await enter(bob, group)
    await call(alice, "patch", f"conversations/{group.pk}/", {"name": "Renamed"})
    await call(alice, "post", f"conversations/{group.pk}/participants/", {"user_ids": [carol.pk]})
    await call(alice, "patch", f"conversations/{group.pk}/participants/{carol.pk}/", {"is_admin": True})
    await call(alice, "patch", f"conversations/{group.pk}/participants/{carol.pk}/", {"is_admin": False})
    await call(alice, "delete", f"conversations/{group.pk}/participants/{carol.pk}/")
    frames = await durable(socket, 5)
    assert [frame["type"] for frame in frames] == ["chat_message"] * 5
    assert [(frame["message"]["type"], frame["message"]["sender"]["id"]) for frame in frames] == [
        ("system", alice.pk)
    ] * 5
    assert [frame["message"]["event"] for frame in frames] == [
        {"action": "conversation_renamed", "name": "Renamed"},
        {"action": "participant_added", "user_id": carol.pk},
        {"action": "admin_granted", "user_id": carol.pk},
        {"action": "admin_revoked", "user_id": carol.pk},
        {"action": "participant_removed", "user_id": carol.pk},
    ]
    shown = (await call(bob, "get", f"conversations/{group.pk}/messages/"))["results"]
    assert [frame["message"] for frame in frames] == shown[1:]


async def test_who_leaves_is_told_of_to_the_others(
    enter: Callable[..., Any], remove: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    socket = await enter(alice, group)
    await remove(group, bob, bob)
    [frame] = await durable(socket, 1)
    assert frame["message"]["event"] == {"action": "participant_left", "user_id": bob.pk}


async def test_a_change_that_changes_nothing_is_not_told(
    enter: Callable[..., Any], call: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    socket = await enter(bob, group)
    await call(alice, "patch", f"conversations/{group.pk}/", {"name": "The group"})
    await call(alice, "patch", f"conversations/{group.pk}/participants/{alice.pk}/", {"is_admin": True})
    await call(alice, "patch", f"conversations/{group.pk}/", {"description": "new, and no message"})
    assert await until_pong(socket) == []
