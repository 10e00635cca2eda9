"""Who has read how far."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.realtime.frames import answer, until_pong

Enter = Callable[..., Any]


def _read(message: dict[str, Any], client_id: str = "1") -> dict[str, Any]:
    return {"type": "read_receipt", "message_id": message["id"], "client_id": client_id}


@pytest.fixture
async def said(post: Callable[..., Any], alice: Any, conversation: Any) -> list[dict[str, Any]]:
    """Three messages of Alice's."""
    return [await post(alice, conversation, str(number)) for number in range(3)]


@pytest.fixture
async def reader(said: Any, enter: Enter, bob: Any, conversation: Any) -> Any:
    """Bob's socket."""
    return await enter(bob, conversation)


@pytest.fixture
async def writer(said: Any, enter: Enter, alice: Any, conversation: Any) -> Any:
    """Alice's socket."""
    return await enter(alice, conversation)


@pytest.fixture
def marker(call: Callable[..., Any], bob: Any, conversation: Any) -> Callable[..., Any]:
    """`await marker()`: Bob's (last_read_seq, last_read_at)."""

    async def marker() -> tuple[int, str | None]:
        shown = await call(bob, "get", f"conversations/{conversation.pk}/")
        [mine] = [each for each in shown["participants"] if each["user"]["id"] == bob.pk]
        return mine["last_read_seq"], mine["last_read_at"]

    return marker


async def test_a_receipt_goes_to_all_sockets_the_reader_s_own_too(
    reader: Any, writer: Any, enter: Enter, marker: Any, said: Any, bob: Any, conversation: Any
) -> None:
    also_reader = await enter(bob, conversation)
    assert await answer(reader, _read(said[1])) == {"type": "ack", "client_id": "1"}
    receipts = [await socket.receive_until("read_receipt") for socket in (writer, also_reader)]
    receipts += await until_pong(reader, "read_receipt") or []
    read_at = receipts[0].pop("read_at")
    assert receipts[0] == {
        "type": "read_receipt",
        "conversation_id": conversation.pk,
        "user_id": bob.pk,
        "username": "bob",
        "message_id": said[1]["id"],
        "last_read_seq": 2,
    }
    assert await marker() == (2, read_at)
    assert receipts[1] == {**receipts[0], "read_at": read_at}


async def test_the_reader_s_own_socket_gets_the_receipt(reader: Any, said: Any) -> None:
    await reader.send({"type": "read_receipt", "message_id": said[1]["id"]})
    assert (await reader.receive_until("read_receipt"))["last_read_seq"] == 2


async def test_reading_over_rest_is_told_too(
    writer: Any, call: Callable[..., Any], said: Any, bob: Any, conversation: Any
) -> None:
    await call(bob, "post", f"conversations/{conversation.pk}/mark-read/")
    receipt = await writer.receive_until("read_receipt")
    assert (receipt["user_id"], receipt["message_id"], receipt["last_read_seq"]) == (bob.pk, said[2]["id"], 3)


async def test_what_was_read_already_is_acknowledged_and_not_told(
    reader: Any, writer: Any, marker: Any, said: Any
) -> None:
    await reader.send(_read(said[1]))
    await writer.receive_until("read_receipt")
    before = await marker()
    for message in (said[1], said[0]):
        await reader.send(_read(message, "2"))
        assert "ack" in [frame["type"] for frame in await until_pong(reader)]
    assert await until_pong(writer) == []
    assert await marker() == before


async def test_sending_moves_the_marker_and_is_not_told(
    reader: Any, writer: Any, marker: Any, post: Callable[..., Any], said: Any, bob: Any, conversation: Any
) -> None:
    message = await post(bob, conversation)
    assert (await marker())[0] == 4
    await answer(reader, _read(message))
    assert await until_pong(writer, "read_receipt") == []


async def test_reading_changes_no_version(writer: Any, reader: Any, said: Any) -> None:
    await answer(reader, _read(said[2]))
    await reader.send({"type": "ping"})
    assert await reader.receive_until("pong") == {"type": "pong", "version": 3, "last_seq": 3}


async def test_a_receipt_for_a_message_of_another_conversation_is_refused(
    reader: Any, writer: Any, post: Callable[..., Any], marker: Any, alice: Any, group: Any
) -> None:
    foreign = await post(alice, group)
    error = await answer(reader, _read(foreign))
    assert (error["type"], error["code"], error["client_id"]) == ("error", "does_not_exist", "1")
    assert (await marker())[0] == 0
    assert await until_pong(writer) == []


async def test_a_receipt_for_a_message_from_before_one_s_time_is_refused(
    enter: Enter, post: Callable[..., Any], add: Callable[..., Any], alice: Any, carol: Any, group: Any
) -> None:
    old = await post(alice, group)
    await add(group, alice, carol)
    error = await answer(await enter(carol, group), _read(old))
    assert (error["type"], error["code"]) == ("error", "does_not_exist")


async def test_a_receipt_is_shown_in_its_conversation_only(
    reader: Any, writer: Any, enter: Enter, said: Any, alice: Any, group: Any
) -> None:
    elsewhere = await enter(alice, group)
    await reader.send(_read(said[0]))
    await writer.receive_until("read_receipt")
    assert await until_pong(elsewhere) == []
