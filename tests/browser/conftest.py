"""Real Chromium before a real server."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.services.server import ServerProcess

from .person import Person

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split()
expect.set_options(timeout=10_000)  # patient where the machine is busy


# Not for the whole session: while Playwright's synchronous door is open no other event loop can run in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert chromium, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Person]]:
    """`visitor(server, name)`: somebody who has the page open; no script may have failed by the end of the test."""
    persons: list[Person] = []

    def come(server: ServerProcess, name: str) -> Person:
        context = browser.new_context(locale="en-GB", timezone_id="UTC")
        person = Person(context, server.url, name)
        persons.append(person)
        return person

    yield come
    uncaught = [line for person in persons for line in person.log.uncaught]
    for person in persons:
        person.context.close()
    assert uncaught == []


@pytest.fixture
def join(visitor: Callable[..., Person], request: pytest.FixtureRequest) -> Callable[..., Person]:
    """`join(name, server=shared_server)`: somebody who has registered on the page."""

    def register(name: str, server: ServerProcess | None = None) -> Person:
        return visitor(server or request.getfixturevalue("shared_server"), name).register()

    return register
