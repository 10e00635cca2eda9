"""The codes as they come over a real connection."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import websockets

from tests.services.server import RealClient, RealSocket, ServerProcess, running


@pytest.fixture(scope="module")
def server(new_sqlite: Callable[[], str]) -> Iterator[ServerProcess]:
    """One for all tests here, with limits that are soon reached."""
    limits = {"THROTTLE_FRAMES": "50/1000s", "MAX_SOCKETS_PER_USER": "2"}
    with running(ServerProcess(DATABASE_URL=new_sqlite(), **limits)) as server:
        yield server


async def _open(client: RealClient, conversation: int, **headers: str) -> RealSocket:
    """A socket with these headers and no others, closed with the client."""
    url = f"{client.server.ws_url}/ws/chat/{conversation}/"
    socket = RealSocket(await websockets.connect(url, additional_headers=headers, max_size=None, proxy=None))
    client.sockets.append(socket)
    return socket


async def _entered(client: RealClient, conversation: int) -> RealSocket:
    """A socket that was let in."""
    socket = await client.connect(conversation)
    await socket.receive("connected")
    return socket


async def test_every_refusal_has_its_code(server: ServerProcess, person: Callable[..., Any]) -> None:
    alice, bob, eve = [await person(server, name) for name in ("alice", "bobby", "eve")]
    private = await alice.create_private(bob)
    codes = {
        "no token": await (await _open(alice, private)).close_code(),
        "bad token": await (await _open(alice, private, Authorization="Bearer nonsense")).close_code(),
        "stranger": await (await eve.connect(private)).close_code(),
        "not there": await (await eve.connect(2**70)).close_code(),
    }
    assert codes == {"no token": 4401, "bad token": 4401, "stranger": 4404, "not there": 4404}


async def test_every_misuse_has_its_code(server: ServerProcess, person: Callable[..., Any]) -> None:
    alice, bob = await person(server, "heidi"), await person(server, "ivan")
    private = await alice.create_private(bob)
    socket = await alice.connect(private)
    for _ in range(20):
        await socket.send({"type": "nonsense"})
    codes = {"twenty bad frames": await socket.close_code()}
    for name, size in (("64 KiB and one", 64 * 1024 + 1), ("a megabyte", 1024 * 1024)):
        socket = await _entered(alice, private)
        await socket.connection.send(json.dumps({"type": "ping", "x": "x" * size}))
        codes[name] = await socket.close_code()
    assert codes == {"twenty bad frames": 4400, "64 KiB and one": 4413, "a megabyte": 4413}


async def test_every_right_that_ends_has_its_code(server: ServerProcess, person: Callable[..., Any]) -> None:
    alice, bob = await person(server, "judy"), await person(server, "kevin")
    private, group = await alice.create_private(bob), await alice.create_group("The group", bob)
    codes: dict[str, int | None] = {}

    socket = await _entered(bob, group)
    await alice.call("DELETE", f"/api/chat/conversations/{group}/participants/{bob.id}/", expect=204)
    codes["removed"] = await socket.close_code()

    socket = await _entered(alice, group)
    await alice.call("DELETE", f"/api/chat/conversations/{group}/delete/?for_everyone=true", expect=204)
    codes["deleted"] = await socket.close_code()

    socket = await _entered(bob, private)
    await bob.call("POST", "/api/auth/logout/", expect=204)
    codes["logged out"] = await socket.close_code()

    assert codes == {"removed": 4403, "deleted": 4404, "logged out": 4401}


async def test_every_limit_has_its_code(server: ServerProcess, person: Callable[..., Any]) -> None:
    alice, bob = await person(server, "carol"), await person(server, "dave")
    private = await alice.create_private(bob)
    await _entered(alice, private)
    floods = await _entered(alice, private)
    too_many = await alice.connect(private)
    assert (await too_many.receive("error"))["code"] == "too_many_sockets"
    assert await too_many.close_code() == 4409

    try:
        for _ in range(200):
            await floods.send({"type": "ping"})
    except websockets.ConnectionClosed:
        pass
    assert await floods.close_code(timeout=10) == 4429


async def test_the_token_comes_in_three_ways_over_a_real_connection(
    server: ServerProcess, person: Callable[..., Any]
) -> None:
    alice, bob = await person(server, "frank"), await person(server, "grace")
    private = await alice.create_private(bob)
    url = f"{server.ws_url}/ws/chat/{private}/"
    picked: dict[str, Any] = {}
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "header": (url, {"additional_headers": {"Authorization": f"Bearer {alice.access}"}}),
        "subprotocol": (url, {"subprotocols": ["bearer", alice.access]}),
        "query": (f"{url}?token={alice.access}", {}),
    }
    for way, (address, options) in ways.items():
        async with websockets.connect(address, origin=server.url, proxy=None, **options) as connection:
            assert json.loads(await connection.recv())["user_id"] == alice.id
            picked[way] = connection.subprotocol
    assert picked == {"header": None, "subprotocol": "bearer", "query": None}
    assert alice.access not in server.tail(10**6)


async def test_foreign_pages_and_unknown_paths_are_refused_over_http(server: ServerProcess) -> None:
    statuses = []
    for path, origin in (("/ws/chat/1/", "http://evil.example"), ("/ws/chat/1/", "null"), ("/ws/nowhere/", server.url)):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{server.ws_url}{path}", origin=origin, proxy=None)
        statuses.append(refused.value.response.status_code)
    *foreign, unknown = statuses
    assert foreign == [403, 403]
    assert unknown in (403, 404)
