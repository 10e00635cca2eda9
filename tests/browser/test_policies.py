"""Page, admin and API page work under the policies that the server sends, in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.services.server import ServerProcess

from .person import Person, chatting

Join = Callable[..., Person]


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


def test_a_whole_session_makes_no_noise_and_asks_no_other_host(join: Join) -> None:
    alice, bob = join("quiet-alice"), join("quiet-bob")
    chatting(alice, bob)
    bob.say("Hello")
    expect(alice.messages).to_have_text(["Hello"])
    alice.make_group("Quiet", bob)
    alice.page.reload()
    alice.wait_for_room("Quiet")
    expect(alice.row("Quiet")).to_be_visible()
    alice.log_out()
    expect(alice.start).to_be_visible()
    for each in (alice, bob):
        assert each.log.console == []
        assert each.log.hosts == {each.url.removeprefix("http://")}


def test_the_page_works_under_a_strict_content_security_policy(browser: Any, shared_server: ServerProcess) -> None:
    persons = []
    for name in ("csp-alice", "csp-bob"):
        # Chromium takes a page that the test answers for a foreign one, and asks before it lets that reach 127.0.0.1.
        context = browser.new_context(permissions=["local-network-access"])
        context.route(f"{shared_server.url}/", with_strict_policy)
        persons.append(Person(context, shared_server, name).register())
    alice, bob = persons
    chatting(alice, bob)
    alice.say("Under the policy")
    expect(bob.messages).to_have_text(["Under the policy"])
    assert alice.log.console + bob.log.console == []
    for person in persons:
        person.context.close()


def with_strict_policy(route: Any) -> None:
    response = route.fetch()
    route.fulfill(response=response, headers={**response.headers, "content-security-policy": "default-src 'self'"})
