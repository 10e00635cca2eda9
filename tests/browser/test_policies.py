"""Page, admin and API page work under the policies that the server sends, in a real browser."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.services.server import ServerProcess


@pytest.fixture
def page(browser: Browser, shared_server: ServerProcess) -> Any:
    """A browser page; nothing on it may go wrong, least of all for what a policy forbids."""
    errors: list[str] = []
    page = browser.new_context(base_url=shared_server.url).new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type in ("error", "warning") else None)
    yield page
    page.context.close()
    assert errors == []


def test_the_api_page_is_drawn(page: Any) -> None:
    page.goto("/api/")
    expect(page.locator(".opblock").first).to_be_visible()


def test_a_frame_of_another_site_shows_nothing(browser: Browser, shared_server: ServerProcess) -> None:
    page = browser.new_page()
    page.route(
        "https://evil.example/", lambda route: route.fulfill(body=f'<iframe src="{shared_server.url}/"></iframe>')
    )
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text))
    page.goto("https://evil.example/")
    expect(page.locator("iframe")).to_be_attached()
    page.wait_for_timeout(500)
    assert page.frames[1].url.startswith("chrome-error:") or any("frame" in line for line in refused)
    page.close()
