"""The same door for whoever comes in: the harness's own round trip through REST and socket."""

from collections.abc import Callable
from typing import Any


async def test_a_message_sent_over_rest_arrives_on_the_socket(
    connect: Callable[..., Any], rest: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    socket = await connect(bob, conversation)
    await socket.receive("connected")
    sent = await rest(
        alice, "post", "/api/chat/messages/create/", {"conversation": conversation.pk, "content": "Hello"}
    )
    assert (await socket.receive_until("chat_message"))["message"] == sent.json()


async def test_without_a_token_the_socket_is_told_and_closed(connect: Callable[..., Any], conversation: Any) -> None:
    socket = await connect(None, conversation)
    assert (await socket.receive("error"))["code"] == "not_authenticated"
    assert await socket.closed() == 4401


async def test_the_socket_hears_its_own_message_and_its_ack(
    connect: Callable[..., Any], alice: Any, conversation: Any
) -> None:
    socket = await connect(alice, conversation)
    await socket.receive("connected")
    await socket.send({"type": "chat_message", "content": "Hello", "client_id": "1"})
    kinds = {(await socket.receive())["type"], (await socket.receive())["type"]}
    assert kinds == {"ack", "chat_message"}
    await socket.nothing()
