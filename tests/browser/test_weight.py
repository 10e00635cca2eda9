"""What a first visit costs on the wire."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services.server import PROJECT, ServerProcess

from .person import Person

MOST_BYTES = 150_000


@pytest.fixture
def collected() -> None:
    """As `make run` serves it: compressed."""
    is_there = (PROJECT / "staticfiles" / "staticfiles.json").exists()
    assert is_there, "the static files are not collected: make .venv/.static"


class Traffic:
    """What a page loads: encoded bytes by address, headers included."""

    def __init__(self, page: Page) -> None:
        self._addresses: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        self.origins: dict[str, str] = {}
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.send("Network.enable")

    def _sent(self, event: Any) -> None:
        self._addresses[event["requestId"]] = event["request"]["url"]

    def _finished(self, event: Any) -> None:
        address = self._addresses[event["requestId"]]
        self.bytes[address] = self.bytes.get(address, 0) + int(event["encodedDataLength"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """With an empty cache."""
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


def test_the_start_screen_costs_little(collected: None, page: Page, shared_server: ServerProcess) -> None:
    traffic = Traffic(page)
    page.goto(shared_server.url, wait_until="networkidle")
    expect(page.get_by_test_id("start")).to_be_visible()
    assert 20_000 < sum(traffic.bytes.values()) <= MOST_BYTES, traffic.bytes
    assert {address.split("/")[2] for address in traffic.bytes} == {shared_server.url.split("/")[2]}


def test_a_conversation_in_german_costs_little(collected: None, browser: Browser, shared_server: ServerProcess) -> None:
    context = browser.new_context(locale="de-DE")
    alice = Person(browser.new_context(locale="en-GB"), shared_server, "weigh-alice").register()
    alice.make_group("Heavy")
    alice.post_many(60)
    context = browser.new_context(locale="de-DE", storage_state=alice.context.storage_state(indexed_db=True))
    page = context.new_page()
    traffic = Traffic(page)
    page.goto(alice.page.url, wait_until="networkidle")
    expect(page.get_by_text("number 60").last).to_be_visible()
    for each in (context, alice.context):
        each.close()
    assert 20_000 < sum(traffic.bytes.values()) <= MOST_BYTES, traffic.bytes


def test_every_module_of_the_page_is_named_in_it_so_that_none_waits_for_another(
    page: Page, shared_server: ServerProcess
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if request.url.endswith(".js") else None)
    page.goto(shared_server.url, wait_until="networkidle")
    named = page.eval_on_selector_all(
        "link[rel=modulepreload], script[src]", "(all) => all.map((each) => each.href ?? each.src)"
    )
    assert sorted(named) == sorted(set(loaded))
