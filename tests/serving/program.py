"""A server for the tests: a tiny ASGI application under the real launcher; `--limits` takes JSON over `Limits`."""

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
from typing import Any

from chat_server.server import on_shutdown
from chat_server.server.limits import Limits
from chat_server.server.listening import bind
from chat_server.server.start import Application, run_worker, use_uvloop
from chat_server.server.supervisor import supervise


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await websocket(scope["path"], receive, send)
    else:
        await http(scope, receive, send)


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    path: str = scope["path"]
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = {"pid": os.getpid(), "loop": type(asyncio.get_running_loop()).__module__, "body": len(body)}
    if path.endswith("/slow"):
        await asyncio.sleep(1)
    if path.endswith("/hung"):
        await asyncio.to_thread(__import__("time").sleep, 60)
    if path.endswith("/die"):
        os._exit(3)
    if path.endswith("/broken"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("half an answer")
    content = json.dumps(answer).encode()
    headers = [(b"content-type", b"application/json")]
    if path.endswith("/sized"):  # as all of Django's answers
        headers += [(b"content-length", b"%d" % len(content)), (b"x-said", scope["query_string"])]
    if path.endswith("/sly"):
        headers += [(b"content-length", b"%d" % len(content)), (b"x-said", b"hello\r\nx-evil: 1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def websocket(path: str, receive: Any, send: Any) -> None:
    await receive()
    if path.endswith("/handshake"):
        await asyncio.sleep(60)
    await send({"type": "websocket.accept"})
    if path.endswith("/pinged"):
        protocol = send.args[0]
        protocol.autoPingTimeout = 2  # autobahn counts whole seconds
        protocol._sendAutoPing()
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.shutdown" and not path.endswith("/deaf"):
            await send({"type": "websocket.close", "code": 4503})
        elif message["type"] == "websocket.too_big" and not path.endswith("/deaf"):
            await send({"type": "websocket.close", "code": 4413})
        elif message["type"] == "websocket.receive":
            if path.endswith("/slow"):
                await asyncio.sleep(0.005)
            await send({"type": "websocket.send", "text": message.get("text") or "bytes"})


async def note_shutdown() -> None:
    logging.getLogger("program").info("hook ran")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int)
    parser.add_argument("--control", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--limits", default="{}")
    parser.add_argument("--fail", action="store_true", help="die at the start")
    parser.add_argument("--public", action="store_true", help="take and send nothing by the short way")
    arguments = parser.parse_args()
    if arguments.workers > 1:
        command = [sys.executable, __file__, "--limits", arguments.limits, *(["--fail"] if arguments.fail else [])]
        return asyncio.run(supervise(command, bind("127.0.0.1", 0), arguments.workers))

    def load() -> tuple[Application, Limits]:
        if arguments.fail:
            sys.exit(7)
        logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
        on_shutdown.append(note_shutdown)
        if arguments.public:
            from chat_server.server.worker import Socket  # which has Daphne choose the reactor first
            from chat_server.wire import Wire

            Socket.take_plain_frame = Wire.write = lambda *args: False  # type: ignore[assignment,method-assign]
            from chat_server.server.http import Request

            Request.plain_head = lambda *args: None  # type: ignore[method-assign]
        return application, Limits(**json.loads(arguments.limits))

    listening = socket.socket(fileno=arguments.fd) if arguments.fd else bind("127.0.0.1", 0)
    use_uvloop()
    run_worker(load, listening, socket.socket(fileno=arguments.control) if arguments.control else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
