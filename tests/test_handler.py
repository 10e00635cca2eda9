"""A request over HTTP, from the server's door to the view and back."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin

from authentication.models import Session
from authentication.tokens import issue_pair
from chat_server.handler import AT_ONCE, BoundedHandler
from chat_server.turns import TooManyWait, Turns

threads: list[int] = []
running: set[int] = set()
most: list[int] = []
gate = threading.Event()


class Probe(MiddlewareMixin):
    """A middleware that could be asynchronous."""

    def process_request(self, request: HttpRequest) -> None:
        threads.append(threading.get_ident())

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        threads.append(threading.get_ident())
        return response


class SynchronousProbe:
    """One that could not."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        threads.append(threading.get_ident())
        return self.get_response(request)  # type: ignore[no-any-return]


def view(request: HttpRequest) -> HttpResponse:
    threads.append(threading.get_ident())
    return HttpResponse("here")


async def asynchronous(request: HttpRequest) -> HttpResponse:
    return HttpResponse("there")


def slow(request: HttpRequest) -> HttpResponse:
    running.add(threading.get_ident())
    most.append(len(running))
    assert gate.wait(10)
    time.sleep(0.005)
    running.discard(threading.get_ident())
    return HttpResponse("at last")


urlpatterns = [path("view/", view), path("async/", asynchronous), path("slow/", slow)]


def asked(handler: Any, path: str, **headers: str) -> ApplicationCommunicator:
    """A request under way, from 192.0.2.1."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 4000),
    }
    return ApplicationCommunicator(handler, scope)


async def answered(communicator: ApplicationCommunicator) -> tuple[int, bytes, dict[bytes, bytes]]:
    await communicator.send_input({"type": "http.request"})
    start, body = await communicator.receive_output(5), await communicator.receive_output(5)
    await communicator.wait()
    return start["status"], body["body"], dict(start["headers"])


@pytest.fixture
def handler(settings: Any) -> BoundedHandler:
    """A new one, with probes."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.{probe.__name__}" for probe in (Probe, SynchronousProbe, Probe)]
    for seen in (threads, most, running, gate):
        seen.clear()
    return BoundedHandler()


async def get(handler: BoundedHandler, path: str) -> bytes:
    """The body of a good answer."""
    status, body, _ = await answered(asked(handler, path))
    assert status == 200
    return body


async def holding(handler: BoundedHandler, count: int) -> list["asyncio.Task[bytes]"]:
    """So many calls that are worked on, until `gate` is set."""
    calls = [asyncio.create_task(get(handler, "/slow/")) for _ in range(count)]
    while len(running) < count:
        await asyncio.sleep(0.001)
    return calls


async def test_a_request_stays_in_one_thread(handler: BoundedHandler) -> None:
    assert await get(handler, "/view/") == b"here"
    assert len(threads) == 6
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_an_asynchronous_view_is_answered_too(handler: BoundedHandler) -> None:
    assert await get(handler, "/async/") == b"there"


async def test_of_many_calls_at_once_all_are_answered_and_a_few_are_worked_on(handler: BoundedHandler) -> None:
    gate.set()
    assert await asyncio.gather(*(get(handler, "/slow/") for _ in range(100))) == [b"at last"] * 100
    assert 1 < max(most) <= AT_ONCE


async def test_for_who_goes_before_their_turn_nothing_is_done(handler: BoundedHandler) -> None:
    first = await holding(handler, AT_ONCE)
    gone = asked(handler, "/view/")
    await gone.send_input({"type": "http.request"})
    await gone.send_input({"type": "http.disconnect"})
    await gone.wait()
    gate.set()
    await asyncio.gather(*first)
    assert await get(handler, "/slow/") == b"at last"
    assert len(threads) == 5 * (AT_ONCE + 1)  # what the probes saw of those who stayed


async def test_too_many_who_wait_are_told_when_to_come_back(
    handler: BoundedHandler, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    monkeypatch.setattr(handler, "turns", Turns(at_once=1, most_running=1, most_waiting=1, seconds=10))
    [first] = await holding(handler, 1)
    second = asyncio.create_task(get(handler, "/slow/"))
    await asyncio.sleep(0.05)  # it waits
    status, body, headers = await answered(asked(handler, "/api/slow/", origin="https://app.example"))
    assert (status, headers[b"Retry-After"], headers[b"Cache-Control"]) == (503, b"1", b"no-store")
    assert (headers[b"X-Content-Type-Options"], headers[b"access-control-allow-origin"]) == (
        b"nosniff",
        b"https://app.example",
    )
    assert json.loads(body)["errors"][0]["code"] == "unavailable"
    gate.set()
    assert await asyncio.gather(first, second) == [b"at last"] * 2


async def whose(handler: BoundedHandler, monkeypatch: pytest.MonkeyPatch, **headers: str) -> Hashable:
    """Whom a call with these headers is counted for."""
    clients: list[Hashable] = []

    async def take(client: Callable[[], Hashable]) -> None:
        clients.append(client())
        raise TooManyWait

    monkeypatch.setattr(handler.turns, "take_now", lambda: None)
    monkeypatch.setattr(handler.turns, "take", take)
    assert (await answered(asked(handler, "/view/", **headers)))[0] == 503
    return clients[0]


@pytest.fixture
def session(alice: Any) -> tuple[str, str]:
    """A session's id and its access token."""
    session = Session(user=alice)
    access = issue_pair(session)["access"]
    return session.pk, access


async def test_a_call_is_counted_for_its_session(
    handler: BoundedHandler, monkeypatch: pytest.MonkeyPatch, session: tuple[str, str]
) -> None:
    session_id, access = session
    assert await whose(handler, monkeypatch, authorization=f"Bearer {access}") == session_id


@pytest.mark.parametrize("made_up", ["Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer"])
async def test_a_call_with_a_token_that_nobody_signed_is_counted_for_its_address(
    handler: BoundedHandler, monkeypatch: pytest.MonkeyPatch, made_up: str
) -> None:
    assert await whose(handler, monkeypatch, authorization=made_up) == "192.0.2.1"
