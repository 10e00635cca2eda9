"""Two people who talk while somebody else floods the server; a process of their own, so that the flood is not theirs.

Prints `up`, talks until a line comes in, then prints the seconds that each message took from one to the other.
"""

import asyncio
import json
import sys
import time

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
    said: list[float] = []
    async with await enter(url, here) as sender, await enter(url, there) as receiver:
        sys.stdout.write("up\n")
        sys.stdout.flush()
        end = asyncio.ensure_future(asyncio.to_thread(sys.stdin.readline))
        while not end.done():
            begun = time.monotonic()
            content = str(begun)
            await sender.send(json.dumps({"type": "chat_message", "content": content, "client_id": content}))
            async with asyncio.timeout(30):
                while content not in str(await receiver.recv()):
                    pass
            said.append(time.monotonic() - begun)
            await asyncio.sleep(PAUSE)
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(talk(*sys.argv[1:]))
