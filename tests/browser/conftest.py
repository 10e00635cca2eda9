"""Real Chromium before a real server."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.services import guard
from tests.services.server import ServerProcess, running

from .person import Person

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split()
expect.set_options(timeout=10_000)  # patient where the machine is busy


# Not for the whole session: while Playwright's synchronous door is open no other event loop can run in this thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert chromium, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def shared_server(new_sqlite: Callable[[], str]) -> Iterator[ServerProcess]:
    """One real server for all tests that leave it alone; each brings its own persons. Mails are files."""
    server = ServerProcess(DATABASE_URL=new_sqlite())
    server.settings |= {"EMAIL_URL": f"filemail:///{guard.temporary_folder('mails')}", "FRONTEND_URL": server.url}
    with running(server):
        yield server


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[..., Person]]:
    """`visitor(server, name, **options)`: somebody who has the page open, in a browser with these options.

    No script may have failed by the end of the test.
    """
    persons: list[Person] = []

    def come(server: ServerProcess, name: str, **options: Any) -> Person:
        context = browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC", **options})
        person = Person(context, server, name)
        persons.append(person)
        return person

    yield come
    uncaught = [line for person in persons for line in person.log.uncaught]
    for person in persons:
        person.context.close()
    assert uncaught == []


@pytest.fixture
def join(visitor: Callable[..., Person], request: pytest.FixtureRequest) -> Callable[..., Person]:
    """`join(name, server=shared_server, **options)`: somebody who has registered on the page."""

    def register(name: str, server: ServerProcess | None = None, **options: Any) -> Person:
        return visitor(server or request.getfixturevalue("shared_server"), name, **options).register()

    return register
