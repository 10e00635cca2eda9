"""The code of a socket whose client does not take what it is sent, told from what waits in Daphne's transport."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from chat_server.asgi import application
from tests.conftest import token_for
from tests.services.client import Socket


class Transport:
    """What Twisted's has: bytes that wait in two buffers, the first of them taken up to `offset`."""

    def __init__(self) -> None:
        self.dataBuffer, self.offset, self._tempDataLen = b"", 0, 0


@pytest.fixture
async def socket(connect: Callable[..., Any], alice: Any, conversation: Any) -> Any:
    """An open socket as under Daphne, whose `send` is a partial with the protocol, and its `transport`."""
    transport = Transport()

    async def under_daphne(scope: Any, receive: Any, send: Any) -> None:
        async def handle(protocol: Any, message: Any) -> None:
            await send(message)

        await application(scope, receive, partial(handle, SimpleNamespace(transport=transport)))

    token = await sync_to_async(token_for)(alice)
    socket = Socket(under_daphne, f"/ws/chat/{conversation.pk}/", token=token)
    await socket.open()
    await socket.receive("connected")
    socket.transport = transport  # type: ignore[attr-defined]
    yield socket
    await socket.close()


async def test_a_client_that_is_owed_more_than_the_bound_is_closed_with_4408(socket: Any) -> None:
    socket.transport.dataBuffer = b"x" * settings.MAX_OWED_BYTES
    socket.transport._tempDataLen = 1
    await socket.send({"type": "ping"})
    assert await socket.closed() == 4408


async def test_what_the_client_has_taken_does_not_count(socket: Any) -> None:
    socket.transport.dataBuffer, socket.transport.offset = b"x" * (settings.MAX_OWED_BYTES + 100), 100
    await socket.send({"type": "ping"})
    await socket.receive("pong")
    await socket.nothing()
