"""Requests that come together are let in together, and each as it would be alone."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from authentication.models import Session
from authentication.tokens import issue_pair
from chat_server import admission
from chat_server.admission import Admissions
from chat_server.environment import Rate
from chat_server.handler import BoundedHandler


class Request:
    def __init__(self, token: str) -> None:
        self.token = token
        self.started: list[int] = []
        self.verdicts: list[Any] = []
        self.done = threading.Event()

    def start(self) -> None:
        self.started.append(threading.get_ident())

    def run(self, verdict: Any) -> None:
        self.verdicts.append(verdict)
        self.ran_in = threading.get_ident()
        self.done.set()


class Desk:
    """An `admit` that waits until it may go on, and says "yes" to each."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.came, self.may_go_on = threading.Semaphore(0), threading.Event()
        self.error: Exception | None = None

    def admit(self, tokens: Sequence[str]) -> list[Any]:
        self.asked.append(list(tokens))
        self.came.release()
        assert self.may_go_on.wait(10)
        if self.error:
            raise self.error
        return ["yes"] * len(tokens)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def brought(admissions: Admissions, *tokens: str) -> list[Request]:
    requests = [Request(token) for token in tokens]
    for request in requests:
        admissions.bring(request)
    return requests


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who leads may take as long as it likes."""
    monkeypatch.setattr(admission, "LEADS_SECONDS", 60)


def test_one_alone_stays_in_one_thread(pool: ThreadPoolExecutor) -> None:
    desk = Desk()
    desk.may_go_on.set()
    [alone] = brought(Admissions(pool, desk.admit), "a")
    assert alone.done.wait(10)
    assert alone.verdicts == ["yes"]
    assert alone.started == [alone.ran_in]


def test_who_comes_meanwhile_shares_the_next_question(pool: ThreadPoolExecutor, patient: None) -> None:
    desk = Desk()
    admissions = Admissions(pool, desk.admit)
    first = brought(admissions, "a")
    assert desk.came.acquire(timeout=10)
    others = brought(admissions, "b", "c", "d")
    desk.may_go_on.set()
    for request in (*first, *others):
        assert request.done.wait(10)
        assert request.verdicts == ["yes"]
    assert desk.asked == [["a"], ["b", "c", "d"]]


def test_a_question_that_hangs_does_not_hold_up_who_comes_later(
    pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LEADS_SECONDS", 0)
    desk = Desk()
    admissions = Admissions(pool, desk.admit)
    requests = brought(admissions, "a")
    assert desk.came.acquire(timeout=10)
    requests += brought(admissions, "b")
    assert desk.came.acquire(timeout=10)
    desk.may_go_on.set()
    assert all(request.done.wait(10) for request in requests)


def test_what_the_question_raises_is_told_to_each(pool: ThreadPoolExecutor, patient: None) -> None:
    desk = Desk()
    desk.error = OSError("away")
    admissions = Admissions(pool, desk.admit)
    requests = brought(admissions, "a")
    assert desk.came.acquire(timeout=10)
    requests += brought(admissions, "b", "c")
    desk.may_go_on.set()
    assert all(request.done.wait(10) for request in requests)
    assert [request.verdicts for request in requests] == [[desk.error]] * 3


# Through the handler ------------------------------------------------------------------------------

UNREAD, REFUSED = "/api/chat/unread/", "/api/chat/nothing/"


async def answered(handler: BoundedHandler, path: str, authorization: str) -> tuple[int, Any, dict[str, str]]:
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"host", b"localhost"), (b"authorization", authorization.encode())],
        "client": ("192.0.2.1", 4000),
    }
    communicator = ApplicationCommunicator(handler, scope)
    await communicator.send_input({"type": "http.request"})
    start, body = await communicator.receive_output(5), await communicator.receive_output(5)
    await communicator.wait()
    headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return start["status"], json.loads(body["body"]), headers


@pytest.fixture
def good(alice: Any) -> str:
    return issue_pair(Session(user=alice))["access"]


@pytest.fixture
def gone(bob: Any) -> str:
    """A token of a session that has ended."""
    access = issue_pair(Session(user=bob))["access"]
    bob.sessions.all().delete()
    return access


@pytest.mark.django_db(transaction=True)
async def test_the_answers_are_those_of_one_who_comes_alone(good: str, gone: str, client: Any) -> None:
    """With good tokens and bad ones, and where there is nothing, all at the same moment."""
    asked = [
        (path, authorization)
        for path in (UNREAD, REFUSED)
        for authorization in (f"Bearer {good}", f"bearer  {good} ", f"Bearer {gone}", "Bearer x", "Basic x", "Bearer")
    ]
    handler = BoundedHandler()
    together = await asyncio.gather(*(answered(handler, *each) for each in asked))

    def alone(path: str, authorization: str) -> tuple[int, Any, dict[str, str]]:
        response = client.get(path, headers={"authorization": authorization, "host": "localhost"})
        return response.status_code, response.json(), {name.lower(): value for name, value in response.items()}

    assert together == [await asyncio.to_thread(alone, *each) for each in asked]
    assert [status for status, *_ in together[:6]] == [200, 200, 401, 401, 401, 401]


@pytest.mark.django_db(transaction=True)
async def test_each_is_counted_for_its_user(good: str, settings: Any) -> None:
    settings.THROTTLE_USER = Rate(3, 60)
    handler = BoundedHandler()
    answers = await asyncio.gather(*(answered(handler, UNREAD, f"Bearer {good}") for _ in range(5)))
    assert sorted(status for status, *_ in answers) == [200, 200, 200, 429, 429]
