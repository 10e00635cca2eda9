"""Two server processes on one PostgreSQL and one Redis are one server."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.services.server import RealClient, ServerProcess


@pytest.fixture
async def alice_and_bob(
    two_servers: tuple[ServerProcess, ServerProcess], person: Callable[..., Any]
) -> tuple[RealClient, RealClient, int]:
    """Alice on one process, Bob on the other, and their private conversation."""
    first, second = two_servers
    alice, bob = await person(first, "alice"), await person(second, "bob")
    return alice, bob, await alice.create_private(bob)


async def test_a_message_sent_on_a_socket_arrives_on_the_other_process(
    alice_and_bob: tuple[RealClient, RealClient, int],
) -> None:
    alice, bob, conversation = alice_and_bob
    here, there = await alice.connect(conversation), await bob.connect(conversation)
    await there.receive("connected")
    await here.send({"type": "chat_message", "content": "Hello", "client_id": "1"})
    ack = await here.receive_until("ack")
    frame = await there.receive_until("chat_message")
    assert (frame["message"]["id"], frame["message"]["content"]) == (ack["message_id"], "Hello")


async def test_a_message_sent_over_rest_arrives_on_the_other_process(
    alice_and_bob: tuple[RealClient, RealClient, int],
) -> None:
    alice, bob, conversation = alice_and_bob
    there = await bob.connect(conversation)
    await there.receive("connected")
    message = await alice.post(conversation, "Hello")
    assert (await there.receive_until("chat_message"))["message"] == message


async def test_a_token_of_one_process_opens_a_socket_on_the_other(
    alice_and_bob: tuple[RealClient, RealClient, int], two_servers: tuple[ServerProcess, ServerProcess]
) -> None:
    alice, _, conversation = alice_and_bob
    alice_elsewhere = alice.on(two_servers[1])
    connected = await (await alice_elsewhere.connect(conversation)).receive("connected")
    await alice_elsewhere.close()
    assert connected["user_id"] == alice.id
