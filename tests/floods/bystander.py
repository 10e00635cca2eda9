"""Two people who talk while somebody else floods the server; a process of their own, so that the flood is not theirs.

Prints `up`, talks until a line comes in, then prints the seconds that each message took from one to the other: those
that were sent over the socket, then those that were sent over REST.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

import httpx
import websockets
from websockets.asyncio.client import ClientConnection

PAUSE = 0.05


async def enter(url: str, token: str) -> ClientConnection:
    """A socket whose first frame has been read."""
    socket = await websockets.connect(
        url,
        additional_headers={"Authorization": f"Bearer {token}"},
        proxy=None,
        ping_interval=None,
        max_queue=None,  # who sends does not read what comes back
    )
    await socket.recv()
    return socket


async def talk(url: str, here: str, there: str) -> None:
    said: tuple[list[float], list[float]] = ([], [])
    conversation = int(url.rstrip("/").rpartition("/")[2])
    rest = f"{url.partition('/ws/')[0].replace('ws://', 'http://')}/api/chat/messages/create/"
    async with (
        await enter(url, here) as sender,
        await enter(url, there) as receiver,
        httpx.AsyncClient(headers={"Authorization": f"Bearer {here}"}, trust_env=False, timeout=30) as http,
    ):

        async def over_the_socket(content: str) -> None:
            await sender.send(json.dumps({"type": "chat_message", "content": content, "client_id": content}))

        async def over_rest(content: str) -> None:
            (await http.post(rest, json={"conversation": conversation, "content": content})).raise_for_status()

        async def seconds(send: Callable[[str], Awaitable[None]]) -> float:
            begun = time.monotonic()
            await send(str(begun))
            async with asyncio.timeout(30):
                while str(begun) not in str(await receiver.recv()):
                    pass
            return time.monotonic() - begun

        sys.stdout.write("up\n")
        sys.stdout.flush()
        end = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
        while not end.done():
            for took, send in zip(said, (over_the_socket, over_rest), strict=True):
                took.append(await seconds(send))
                await asyncio.sleep(PAUSE)
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(talk(*sys.argv[1:]))
