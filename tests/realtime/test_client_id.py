"""What is said again with the same `client_id`, over the socket and over REST, is stored once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import DURABLE, HELLO, answer, until_pong


async def test_a_repeated_client_id_is_the_first_message_and_nothing_is_sent(
    here: Any, there: Any, stored: Any
) -> None:
    first = await answer(here, HELLO)
    again = await answer(here, HELLO)
    assert again == {**first, "duplicate": True}
    assert len(await stored()) == 1
    assert len(await until_pong(there, *DURABLE)) == 1


async def test_a_repeat_on_another_socket_is_the_first_message(
    here: Any, enter: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    first = await answer(here, HELLO)
    await here.close()
    assert await answer(await enter(alice, conversation), HELLO) == {**first, "duplicate": True}


async def test_a_repeat_over_the_socket_is_the_message_sent_over_rest(
    here: Any, there: Any, post: Callable[..., Any], stored: Any, alice: Any, conversation: Any
) -> None:
    message = await post(alice, conversation, "Hello", client_id="1")
    ack = await answer(here, HELLO)
    assert (ack["message_id"], ack["seq"], ack["duplicate"]) == (message["id"], 1, True)
    assert len(await until_pong(there, *DURABLE)) == len(await stored()) == 1


async def test_a_repeat_over_rest_is_the_message_sent_over_the_socket(
    here: Any, there: Any, rest: Callable[..., Any], stored: Any, alice: Any, conversation: Any
) -> None:
    ack = await answer(here, HELLO)
    body = {"conversation": conversation.pk, "content": "Hello", "client_id": "1"}
    again = await rest(alice, "post", "/api/chat/messages/create/", body)
    assert (again.status_code, again.json()["id"]) == (200, ack["message_id"])
    assert len(await until_pong(there, *DURABLE)) == len(await stored()) == 1


async def test_many_repeats_at_once_over_both_doors_are_one_message(
    enter: Callable[..., Any], rest: Callable[..., Any], stored: Any, alice: Any, conversation: Any
) -> None:
    sockets = [await enter(alice, conversation) for _ in range(5)]
    body = {"conversation": conversation.pk, "content": "Hello", "client_id": "1"}
    *acks, over_rest = await asyncio.gather(
        *(answer(socket, HELLO) for socket in sockets), rest(alice, "post", "/api/chat/messages/create/", body)
    )
    assert {ack["message_id"] for ack in acks} == {over_rest.json()["id"]}
    first = [ack["duplicate"] for ack in acks].count(False) + (over_rest.status_code == 201)
    assert (first, len(await stored())) == (1, 1)


@pytest.mark.parametrize("change", ["edit", "delete"])
async def test_a_repeat_is_known_whatever_became_of_the_message(
    here: Any, call: Callable[..., Any], alice: Any, change: str
) -> None:
    first = await answer(here, HELLO)
    if change == "edit":
        await call(alice, "patch", f"messages/{first['message_id']}/", {"content": "Changed"})
    else:
        await call(alice, "delete", f"messages/{first['message_id']}/delete/")
    assert await answer(here, HELLO) == {**first, "duplicate": True}
    conflict = await answer(here, {**HELLO, "content": "Changed"})
    assert (conflict["type"], conflict["code"]) == ("error", "conflict")


async def test_a_client_id_with_another_content_is_a_conflict_and_nothing_is_stored(here: Any, stored: Any) -> None:
    await answer(here, HELLO)
    conflict = await answer(here, {**HELLO, "content": "Something else"})
    assert (conflict["type"], conflict["code"], conflict["client_id"]) == ("error", "conflict", "1")
    assert len(await stored()) == 1
    assert (await answer(here, HELLO))["duplicate"] is True


async def test_a_client_id_with_another_reply_to_is_a_conflict(here: Any, stored: Any) -> None:
    first = await answer(here, HELLO)
    conflict = await answer(here, {**HELLO, "reply_to": first["message_id"]})
    assert conflict["code"] == "conflict"
    assert len(await stored()) == 1


async def test_white_space_that_is_trimmed_makes_no_conflict(here: Any) -> None:
    await answer(here, HELLO)
    assert (await answer(here, {**HELLO, "content": " Hello\n"}))["duplicate"] is True


async def test_a_client_id_is_its_sender_s_own(here: Any, there: Any, stored: Any) -> None:
    mine, yours = await answer(here, HELLO), await answer(there, HELLO)
    assert (mine["duplicate"], yours["duplicate"], len(await stored())) == (False, False, 2)


async def test_a_client_id_is_known_in_its_own_conversation_only(
    here: Any, enter: Callable[..., Any], alice: Any, group: Any
) -> None:
    await answer(here, HELLO)
    assert (await answer(await enter(alice, group), HELLO))["duplicate"] is False


async def test_client_ids_are_compared_letter_by_letter(here: Any, stored: Any) -> None:
    for client_id in ("a", "A", "a ", " a", "á"):
        assert (await answer(here, {**HELLO, "client_id": client_id}))["duplicate"] is False
    assert [message["client_id"] for message in await stored()] == ["a", "A", "a ", " a", "á"]
