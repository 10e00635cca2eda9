"""How Django is called over HTTP: one thread does all of a request, and only so many requests are worked on at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from functools import partial
from io import BytesIO
from typing import Any

from corsheaders.middleware import CorsMiddleware
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse
from django.urls import set_script_prefix

from authentication.authentication import admit, header_token
from authentication.middleware import presented_token
from authentication.throttling import client_address
from authentication.tokens import TokenNotValid, session_of_access

from .admission import Admissions
from .batching import LoopAnswer, arrivals_here
from .errors import error_response
from .exceptions import Unavailable
from .middleware import BrowserPolicies
from .turns import TooManyWait, Turn, Turns

AT_ONCE = 8
TURN_SECONDS = 1.0
MOST_WAITING = 1000
ASKS_WHO = "/api/chat/"  # below it every view does
MOST_THREADS = 64  # the requests that are over their turn and still hang among them

Message = dict[str, Any]


class BoundedHandler(ASGIHandler):
    """Django's own, on threads of its own (docs/decisions/015)."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="requests")
        self.admissions = Admissions(self.threads, admit)
        self.turns = Turns(at_once=AT_ONCE, most_running=MOST_THREADS, most_waiting=MOST_WAITING, seconds=TURN_SECONDS)
        # CorsMiddleware is asynchronous only where what it calls is
        self.refuse = BrowserPolicies(CorsMiddleware(_busy))  # type: ignore[arg-type]

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request; where its client goes before its turn comes, nothing is done for it."""
        try:
            body = await self._read(receive)
        except RequestAborted:
            return
        turn = self.turns.take_now()
        answering: asyncio.Future[list[Message]]
        if turn is None:
            answering = asyncio.ensure_future(self._answer_in_turn(scope, body))
        else:
            answering = self._begin(turn, scope, body)
            await asyncio.wait((answering,), timeout=TURN_SECONDS)  # to look for who goes costs more than this
        try:
            if answering.done() or await _outlasts(answering, receive):
                for message in answering.result():
                    await send(message)
        finally:
            if turn is None:
                answering.cancel()

    async def _read(self, receive: Any) -> Any:
        """The body; one that comes whole needs no file that may go to the disk."""
        first = await receive()
        if first["type"] == "http.request" and not first.get("more_body"):
            return BytesIO(first.get("body", b""))
        messages = iter((first,))

        async def from_the_first() -> Message:
            return next(messages, None) or await receive()

        return await self.read_body(from_the_first)

    async def _answer_in_turn(self, scope: Any, body: Any) -> list[Message]:
        turn: Turn | None = None
        try:
            turn = await self.turns.take(partial(_client, scope))
        except TooManyWait:
            return self._refuse(scope)
        finally:
            if turn is None:
                body.close()
        return await asyncio.shield(self._begin(turn, scope, body))

    def _begin(self, turn: Turn, scope: Any, body: Any) -> "asyncio.Future[list[Message]]":
        """The turn ends with the thread's work, whether or not anybody waits for the answer any longer."""
        work = _Work(self, scope, body)
        if work.token:
            self.admissions.bring(work)
        else:
            self.threads.submit(work.run)
        work.answer.future.add_done_callback(lambda _: turn.end())
        return work.answer.future

    def _refuse(self, scope: Any) -> list[Message]:
        """Told on the event loop: all threads are busy."""
        request, invalid = self.create_request(scope, BytesIO())
        return _as_messages(invalid if request is None else self.refuse(request))

    def start(self, scope: Any) -> None:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=self.__class__, scope=scope)

    def respond(self, scope: Any, body: Any) -> list[Message]:
        with closing(body):
            response: Any
            request, response = self.create_request(scope, body)
            if request is not None:
                response = self.get_response(request)
                response._handler_class = self.__class__
            with closing(response):  # which gives the thread's database connection back
                return _as_messages(response)


class _Work:
    """One request, as a thread does it."""

    def __init__(self, handler: BoundedHandler, scope: Any, body: Any) -> None:
        self.handler, self.scope, self.body = handler, scope, body
        self.answer: LoopAnswer[list[Message]] = LoopAnswer(arrivals_here())
        self.context = copy_context()
        self.is_started = False
        self.token = header_token(scope) if scope["path"].startswith(ASKS_WHO) else ""

    def start(self) -> None:
        self.is_started = True
        self.context.run(self.handler.start, self.scope)

    def run(self, verdict: Any = None) -> None:
        try:
            if not self.is_started:
                self.start()
            self.scope["admitted"] = self.token, verdict
            self.answer.set_result(self.context.run(self.handler.respond, self.scope, self.body))
        except BaseException as error:
            self.answer.set_exception(error)


async def _outlasts(work: "asyncio.Future[Any]", receive: Any) -> bool:
    """Wait for the work; False where the client goes first."""
    gone = asyncio.ensure_future(receive())
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    return work.done()


def _client(scope: Any) -> str:
    """Whom a request is counted for: the session whose token it brings, or else its address.

    A text that nobody signed is no session: else whoever makes up one each time would be as many clients.
    """
    try:
        return session_of_access(presented_token(scope) or "")
    except TokenNotValid:
        return client_address(scope)


def _busy(request: HttpRequest) -> HttpResponse:
    response = error_response(503, Unavailable.default_code, "Too many requests wait already. Try again in a second.")
    response.headers["Retry-After"] = "1"
    return response


def _as_messages(response: Any) -> list[Message]:
    """The whole response in two messages: nothing that is served here is too large to be held."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers += [(b"Set-Cookie", cookie.output(header="").strip().encode()) for cookie in response.cookies.values()]
    content = b"".join(response) if response.streaming else response.content
    return [
        {"type": "http.response.start", "status": response.status_code, "headers": headers},
        {"type": "http.response.body", "body": content},
    ]
