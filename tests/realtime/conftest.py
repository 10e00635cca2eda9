"""Sockets are served by other threads and processes: these tests commit what they write."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.realtime.frames import INBOX, Visit, pong
from tests.services.client import Socket

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and "db" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture
def enter(connect: Callable[..., Any]) -> Callable[..., Awaitable[Socket]]:
    """`await enter(user, conversation, …)`: a `connect` whose `connected` has been read."""

    async def enter(*args: Any, **kwargs: Any) -> Socket:
        socket: Socket = await connect(*args, **kwargs)
        await socket.receive("connected")
        return socket

    return enter


@pytest.fixture
def open_inbox(connect: Callable[..., Any]) -> Callable[..., Awaitable[Socket]]:
    """`await open_inbox(user, …)`: an inbox whose `connected` has been read; it is live, or `resume` comes first."""

    async def open_inbox(user: Any, *, resume: dict[int, int] | None = None, **kwargs: Any) -> Socket:
        socket: Socket = await connect(user, path=INBOX, **kwargs)
        await socket.receive("connected")
        if resume is None:
            await pong(socket)
        else:
            await socket.send({"type": "resume", "versions": {str(pk): version for pk, version in resume.items()}})
        return socket

    return open_inbox


@pytest.fixture
def call(rest: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """`await call(user, "patch", "messages/1/", {…})`: the JSON of a good answer of `/api/chat/`, or None."""

    async def call(user: Any, method: str, path: str, body: Any = None) -> Any:
        answer = await rest(user, method, f"/api/chat/{path}", body)
        assert answer.status_code < 300, answer.content
        return answer.json() if answer.content else None

    return call


@pytest.fixture
def post(call: Callable[..., Any]) -> Callable[..., Awaitable[dict[str, Any]]]:
    """`await post(user, conversation, content, …)`: the message, sent over REST."""

    async def post(user: Any, conversation: Any, content: str = "Hello", **fields: Any) -> dict[str, Any]:
        body = {"conversation": conversation.pk, "content": content, **fields}
        message: dict[str, Any] = await call(user, "post", "messages/create/", body)
        return message

    return post


@pytest.fixture
def visit(api: Callable[..., Any], settings: Any, transactional_db: None) -> Callable[..., Awaitable[Visit]]:
    """`await visit(user, seconds=600)`: a session of its own; its access token is good for that long."""
    from authentication import tokens
    from authentication.models import Session

    def open_session(user: Any, seconds: float = 600) -> Visit:
        before, settings.ACCESS_TOKEN_LIFETIME = settings.ACCESS_TOKEN_LIFETIME, timedelta(seconds=seconds)
        session = Session(user=user)
        pair = tokens.issue_pair(session)
        settings.ACCESS_TOKEN_LIFETIME = before
        client = api()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
        return Visit(session.pk, pair["access"], pair["refresh"], client)

    return sync_to_async(open_session)


@pytest.fixture
def layer(settings: Any) -> Callable[..., None]:
    """`layer("DeadLayer", …)`: the application runs on that class of `tests.realtime.layers` from here on."""

    def use(name: str, **config: Any) -> None:
        backend = {"BACKEND": f"tests.realtime.layers.{name}", "CONFIG": {"capacity": 10_000, **config}}
        settings.CHANNEL_LAYERS = {"default": backend}

    return use


@pytest.fixture(params=["carried", "lost"])
def carried(request: pytest.FixtureRequest, layer: Callable[..., None]) -> bool:
    """Whether the channel layer carries anything; what it does not carry is found in the database."""
    if request.param == "lost":
        layer("SilentLayer")
    return bool(request.param == "carried")


@pytest.fixture
def add(transactional_db: None) -> Callable[..., Awaitable[Any]]:
    """`await add(group, admin, user)`: the user takes part from here on."""
    from chat import services

    def add(group: Any, admin: Any, user: Any) -> None:
        services.add_participants(adder=admin, conversation_id=group.pk, user_ids=[user.pk])

    return sync_to_async(add)


@pytest.fixture
def remove(transactional_db: None) -> Callable[..., Awaitable[Any]]:
    """`await remove(group, admin, user)`: the user no longer takes part."""
    from chat import services

    def remove(group: Any, admin: Any, user: Any) -> None:
        services.remove_participant(remover=admin, conversation_id=group.pk, user_id=user.pk)

    return sync_to_async(remove)


@pytest.fixture
async def mine(open_inbox: Callable[..., Any], alice: Any, conversation: Any, group: Any) -> Any:
    """Alice's inbox; she has a private conversation and a group."""
    return await open_inbox(alice)


class Held:
    """An inbox that comes, at the moment when it has read its places."""

    def __init__(self) -> None:
        self.reads = 0
        self.has_read, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def reached(self) -> None:
        """Return once it has read them."""
        await asyncio.wait_for(self.has_read.wait(), 5)


@pytest.fixture
def hold_places(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Held]:
    """`hold_places(2)`: the next inbox waits after that read of its places (the second one counts) for `may_go_on`."""

    def hold(number: int) -> Held:
        from chat.hub import get_hub

        held, plain = Held(), get_hub().places.arun

        async def read_places(user_id: int) -> Any:
            places = await plain(user_id)
            held.reads += 1
            if held.reads == number:
                held.has_read.set()
                await held.may_go_on.wait()
            return places

        monkeypatch.setattr(get_hub().places, "arun", read_places)
        return held

    return hold


@pytest.fixture
def slow_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Storing a message takes 0.3 s."""
    from chat import services

    plain = services.asend_message

    async def take_long(**said: Any) -> Any:
        await asyncio.sleep(0.3)
        return await plain(**said)

    monkeypatch.setattr(services, "asend_message", take_long)


@pytest.fixture
async def here(enter: Callable[..., Any], alice: Any, conversation: Any) -> Any:
    """Alice's socket."""
    return await enter(alice, conversation)


@pytest.fixture
async def there(enter: Callable[..., Any], bob: Any, conversation: Any) -> Any:
    """Bob's socket."""
    return await enter(bob, conversation)


@pytest.fixture
def stored(call: Callable[..., Any], alice: Any, conversation: Any) -> Callable[..., Any]:
    """`await stored()`: the messages of the conversation, by REST."""

    async def stored() -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = (
            await call(alice, "get", f"conversations/{conversation.pk}/messages/?limit=100")
        )["results"]
        return results

    return stored
