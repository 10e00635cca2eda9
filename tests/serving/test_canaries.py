"""What people say and what lets them in is in no log line, and no key to an account lies in the database."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.services.environment import PASSWORD
from tests.services.server import RealClient, ServerProcess

SAID, FRAME, NEW_PASSWORD = "canary-in-a-message", "canary-in-a-frame", "canary horse battery 9"


def fragments(token: str) -> list[str]:
    """What of a JWT is secret: its signature, and the token as a whole."""
    return [token, token.rsplit(".", 1)[1]] if token.count(".") == 2 else [token]


async def mailed_token(folder: Path) -> str:
    """What the mail with the reset link has behind `token=`, once it is there."""
    async with asyncio.timeout(10):
        while not (found := re.findall(r"token=([\w-]+)\s", "".join(mail.read_text() for mail in folder.iterdir()))):
            await asyncio.sleep(0.05)
    token: str = found[0]
    return token


@pytest.fixture
async def life(start_server: Callable[..., ServerProcess], person: Callable[..., Any], tmp_path: Path) -> Any:
    """A server on which people have done everything once, well and badly; and all that let anybody in."""
    server = start_server(LOG_LEVEL="DEBUG", EMAIL_URL=f"filemail:///{tmp_path}")
    alice: RealClient = await person(server, "alice")
    bob: RealClient = await person(server, "bob")
    secrets = [alice.access, alice.refresh, bob.access, bob.refresh, PASSWORD, NEW_PASSWORD]
    group = await alice.create_group("Group", bob)
    message = await alice.post(group, SAID)
    socket = await bob.connect(group)
    await socket.send({"type": "chat_message", "content": FRAME, "client_id": "1"})
    await socket.send({"type": "authenticate", "token": bob.access, "client_id": "2"})
    await socket.receive_until("ack")
    inbox = await websockets.connect(f"{server.ws_url}/ws/inbox/?token={alice.access}", proxy=None)
    await inbox.recv()
    await inbox.close()
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        for token in (alice.access, alice.access + "x", alice.refresh):
            await client.get(f"/api/auth/profile/?token={token}", headers={"Authorization": f"Bearer {token}"})
        await client.get(f"/no/such/path?token={alice.access}")
        await client.post("/api/auth/login/", content=b'{"email": "alice@example.com", "password": "' + b"\xff")
        await client.post("/api/auth/login/", json={"email": "alice@example.com", "password": NEW_PASSWORD})
        await client.post("/api/auth/password-reset-confirm/", json={"token": "canary-token", "new_password": PASSWORD})
    await alice.call("PATCH", f"/api/chat/messages/{message['id']}/", {"content": f"{SAID}, changed"})
    fresh = await bob.call("POST", "/api/auth/token/refresh/", {"refresh": bob.refresh})
    changed = await alice.call(
        "POST", "/api/auth/password-change/", {"old_password": PASSWORD, "new_password": NEW_PASSWORD}
    )
    await alice.call("POST", "/api/auth/password-reset/", {"email": "alice@example.com"})
    secrets += [*fresh.values(), *changed.values(), "canary-token", await mailed_token(tmp_path)]
    return server, secrets


async def test_no_line_of_the_log_and_no_row_has_what_lets_somebody_in(life: Any) -> None:
    server, secrets = life
    server.terminate()
    log = server.log.read_text()
    assert "/api/chat/messages/create/" in log
    for secret in secrets:
        for fragment in fragments(secret):
            assert fragment not in log
    assert SAID not in log
    assert FRAME not in log
    database = sqlite3.connect(server.settings["DATABASE_URL"].removeprefix("sqlite:///"))
    stored = "\n".join(database.iterdump())
    assert SAID in stored
    for secret in secrets:
        for fragment in fragments(secret):
            assert fragment not in stored
