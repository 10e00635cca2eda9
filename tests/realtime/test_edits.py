"""Edits and deletions, made over REST, on the socket."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import DURABLE, durable, until_pong


@pytest.fixture
async def there(enter: Callable[..., Any], bob: Any, conversation: Any) -> Any:
    """Bob's socket."""
    return await enter(bob, conversation)


@pytest.fixture
async def message(there: Any, post: Callable[..., Any], alice: Any, conversation: Any) -> Any:
    """Alice's; Bob has had it."""
    said = await post(alice, conversation, "Hello")
    await durable(there, 1)
    return said


async def test_an_edit_arrives_as_rest_shows_the_message(
    there: Any, call: Callable[..., Any], alice: Any, message: Any
) -> None:
    await call(alice, "patch", f"messages/{message['id']}/", {"content": "Changed"})
    frame = await there.receive_until("message_updated")
    shown = await call(alice, "get", f"messages/{message['id']}/")
    assert frame == {"type": "message_updated", "message": shown, "version": 2}
    assert (shown["content"], shown["is_edited"], shown["version"], shown["seq"]) == ("Changed", True, 2, 1)


async def test_a_deletion_arrives_as_rest_shows_the_tombstone(
    there: Any, call: Callable[..., Any], alice: Any, message: Any
) -> None:
    await call(alice, "delete", f"messages/{message['id']}/delete/")
    frame = await there.receive_until("message_deleted")
    shown = await call(alice, "get", f"messages/{message['id']}/")
    assert frame == {"type": "message_deleted", "message": shown, "version": 2}
    assert (shown["content"], shown["is_deleted"], shown["version"], shown["seq"]) == ("", True, 2, 1)


async def test_an_edited_message_that_is_deleted_arrives_as_deleted(
    there: Any, call: Callable[..., Any], alice: Any, message: Any
) -> None:
    await call(alice, "put", f"messages/{message['id']}/", {"content": "Changed"})
    await call(alice, "delete", f"messages/{message['id']}/delete/")
    assert [frame["type"] for frame in await durable(there, 2)] == ["message_updated", "message_deleted"]


async def test_one_s_own_edit_comes_too(
    enter: Callable[..., Any], call: Callable[..., Any], alice: Any, conversation: Any, message: Any
) -> None:
    socket = await enter(alice, conversation)
    await call(alice, "patch", f"messages/{message['id']}/", {"content": "Changed"})
    assert (await durable(socket, 1))[0]["message"]["content"] == "Changed"


async def test_an_edit_with_the_same_content_is_not_told(
    there: Any, call: Callable[..., Any], alice: Any, message: Any
) -> None:
    await call(alice, "patch", f"messages/{message['id']}/", {"content": " Hello "})
    await call(alice, "patch", f"messages/{message['id']}/", {})
    assert await until_pong(there) == []


async def test_a_second_deletion_is_not_told(there: Any, call: Callable[..., Any], alice: Any, message: Any) -> None:
    for _ in range(2):
        await call(alice, "delete", f"messages/{message['id']}/delete/")
    assert len(await until_pong(there, *DURABLE)) == 1


async def test_an_edit_that_is_refused_is_not_told(
    there: Any, rest: Callable[..., Any], bob: Any, eve: Any, message: Any
) -> None:
    path = f"/api/chat/messages/{message['id']}/"
    assert (await rest(bob, "patch", path, {"content": "Forged"})).status_code == 403
    assert (await rest(eve, "patch", path, {"content": "Forged"})).status_code == 404
    assert (await rest(bob, "delete", f"{path}delete/")).status_code == 403
    assert await until_pong(there) == []


async def test_what_a_group_admin_deletes_is_told(
    enter: Callable[..., Any], post: Callable[..., Any], call: Callable[..., Any], alice: Any, bob: Any, group: Any
) -> None:
    socket = await enter(bob, group)
    said = await post(bob, group)
    await call(alice, "delete", f"messages/{said['id']}/delete/")
    frame = (await durable(socket, 2))[1]
    assert (frame["type"], frame["message"]["sender"]["id"]) == ("message_deleted", bob.pk)


async def test_the_edit_of_an_old_message_moves_its_version_and_not_its_seq(
    there: Any, call: Callable[..., Any], post: Callable[..., Any], alice: Any, conversation: Any, message: Any
) -> None:
    for _ in range(3):
        await post(alice, conversation)
    await call(alice, "patch", f"messages/{message['id']}/", {"content": "Changed"})
    frame = (await durable(there, 4))[3]
    assert (frame["version"], frame["message"]["version"], frame["message"]["seq"]) == (5, 5, 1)
