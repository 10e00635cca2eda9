"""A socket under `manage.py serve`: what the launcher refuses is told like everything else."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.services.server import ServerProcess


@pytest.mark.parametrize("size", [66_000, 3_000_000])
async def test_a_frame_over_64_kib_is_told_and_closes_with_4413(
    server: ServerProcess, person: Callable[..., Any], size: int
) -> None:
    alice, bob = await person(server, "alice"), await person(server, "bob")
    socket = await alice.connect(await alice.create_private(bob))
    await socket.receive("connected")
    await socket.send({"type": "chat_message", "content": "first", "client_id": "1"})
    await socket.send({"type": "chat_message", "content": "x" * size, "client_id": "2"})
    assert (await socket.receive_until("ack"))["client_id"] == "1"
    assert (await socket.receive_until("error"))["code"] == "too_big"
    assert await socket.close_code() == 4413
