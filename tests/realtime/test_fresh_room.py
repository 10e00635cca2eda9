"""Sockets that open a conversation together while it is being written to: nobody loses a version."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chat import catchup, services

ROUNDS = 3


@pytest.fixture
def uneven_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads that end in another order than they began: each second one is slow to come back with what it saw.

    What is read is the real thing; only chance would bring about the order otherwise, once in a dozen tries.
    """
    read, turn = catchup.read, iter(range(10**6))

    def slow_every_second_time(*args: Any) -> catchup.Missed:
        missed = read(*args)
        if next(turn) % 2 == 0:
            time.sleep(0.1)
        return missed

    monkeypatch.setattr(catchup, "read", slow_every_second_time)


async def test_who_opens_a_conversation_together_with_others_misses_nothing(
    uneven_reads: None, connect: Callable[..., Any], alice: Any, bob: Any, conversation: Any
) -> None:
    done = asyncio.Event()
    sent = 0

    async def talk() -> None:
        nonlocal sent
        while not done.is_set():
            await sync_to_async(services.send_message)(sender=alice, conversation_id=conversation.pk, content=str(sent))
            sent += 1

    talking = asyncio.create_task(talk())
    for _ in range(ROUNDS):  # each one opens the conversation anew: the one before has closed every socket
        sockets = await asyncio.gather(*(connect(bob, conversation) for _ in range(4)))
        for socket in sockets:
            version = (await socket.receive("connected"))["version"]
            for expected in range(version + 1, version + 9):
                assert (await socket.receive_until("chat_message"))["version"] == expected
        await asyncio.gather(*(socket.close() for socket in sockets))
    done.set()
    await talking
