"""A request over HTTP, from the server's door to the view and back."""

import threading
from typing import Any

from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin

threads: list[int] = []


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


urlpatterns = [path("view/", view), path("async/", asynchronous)]


async def get(settings: Any, path: str) -> bytes:
    """The body of the answer, through probes."""
    from chat_server.handler import ThreadHandler

    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [f"{__name__}.{probe.__name__}" for probe in (Probe, SynchronousProbe, Probe)]
    threads.clear()
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "http_version": "1.1"}
    communicator = ApplicationCommunicator(ThreadHandler(), scope)
    await communicator.send_input({"type": "http.request"})
    assert (await communicator.receive_output(2))["status"] == 200
    body: bytes = (await communicator.receive_output(2))["body"]
    await communicator.wait()
    return body


async def test_a_request_stays_in_one_thread(settings: Any) -> None:
    assert await get(settings, "/view/") == b"here"
    assert len(threads) == 6
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_an_asynchronous_view_is_answered_too(settings: Any) -> None:
    assert await get(settings, "/async/") == b"there"
