"""The page at `/api/` in a real browser: it is drawn, a call can be tried, and nothing comes from elsewhere."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess


@pytest.fixture
def seen() -> dict[str, set[str]]:
    """The hosts that the page asked, and what went wrong on it."""
    return {"hosts": set(), "errors": set()}


@pytest.fixture
def page(browser: Browser, shared_server: ServerProcess, seen: dict[str, set[str]]) -> Iterator[Page]:
    page = browser.new_page()
    page.on("request", lambda request: seen["hosts"].add(urlsplit(request.url).netloc))
    page.on("pageerror", lambda error: seen["errors"].add(str(error)))
    page.on("console", lambda line: seen["errors"].add(line.text) if line.type == "error" else None)
    page.goto(f"{shared_server.url}/api/")
    yield page
    page.close()


def test_a_call_is_tried_with_a_token_and_no_other_host_is_asked(
    page: Page, shared_server: ServerProcess, seen: dict[str, set[str]]
) -> None:
    person: dict[str, Any] = {"email": "reader@example.com", "username": "reader", "password": PASSWORD}
    answer = httpx.post(f"{shared_server.url}/api/auth/register/", json=person, trust_env=False).json()

    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(answer["access"])
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    call = page.locator("#operations-auth-check_session")
    call.locator(".opblock-summary").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()

    live = call.locator(".live-responses-table")
    expect(live).to_contain_text('"authenticated": true')
    expect(live).to_contain_text('"username": "reader"')
    assert seen["hosts"] - {""} == {urlsplit(shared_server.url).netloc}
    assert seen["errors"] == set()


def test_every_operation_is_on_the_page(page: Page) -> None:
    from chat_server.documentation import document

    expect(page.locator(".opblock")).to_have_count(sum(map(len, document()["paths"].values())))
