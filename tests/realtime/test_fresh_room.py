"""Sockets that open a conversation together while it is being written to: nobody loses a version."""

import asyncio
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async

from chat import services

ROUNDS = 6


async def test_who_opens_a_conversation_together_with_others_misses_nothing(
    connect: Callable[..., Any], alice: Any, bob: Any, conversation: Any
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
        sockets = await asyncio.gather(*(connect(bob, conversation) for _ in range(8)))
        for socket in sockets:
            version = (await socket.receive("connected"))["version"]
            for expected in range(version + 1, version + 9):
                assert (await socket.receive_until("chat_message"))["version"] == expected
        await asyncio.gather(*(socket.close() for socket in sockets))
    done.set()
    await talking
