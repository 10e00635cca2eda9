"""Page, admin and API page work under the policies that the server sends, in a real browser."""

import subprocess
import sys
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.services.environment import PASSWORD, clean_environment
from tests.services.server import PROJECT, ServerProcess

STAFF = "staff@example.com"
ATTACKS = ["<script>document.title='run'</script>", "<img src=x onerror=\"document.title='run'\">", "{{ 7*7 }}"]


@pytest.fixture(scope="module")
def staff(shared_server: ServerProcess) -> str:
    """The e-mail address of somebody who may use the admin."""
    subprocess.run(
        [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", "staff", "--email", STAFF],
        cwd=PROJECT,
        env={**clean_environment(**shared_server.settings), "DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        check=True,
        capture_output=True,
    )
    return STAFF


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


@pytest.mark.parametrize(
    "path", ["/", "/admin/login/", "/api/", "/api/schema/", "/api/auth/profile/", "/healthz", "/no"]
)
def test_every_answer_says_what_a_browser_may_do_with_it(shared_server: ServerProcess, path: str) -> None:
    headers = httpx.get(shared_server.url + path, trust_env=False).headers
    policy = dict(rule.split(" ", 1) for rule in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert (policy["frame-ancestors"], policy["base-uri"], policy["object-src"]) == ("'none'", "'none'", "'none'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


def test_the_admin_shows_what_people_wrote_and_runs_none_of_it(
    page: Any, shared_server: ServerProcess, staff: str
) -> None:
    with httpx.Client(base_url=shared_server.url, trust_env=False) as client:
        body = {"email": "mallory@example.com", "username": "mallory", "password": PASSWORD, "first_name": ATTACKS[1]}
        entered = client.post("/api/auth/register/", json=body).json()
        client.headers["Authorization"] = f"Bearer {entered['access']}"
        client.headers["User-Agent"] = ATTACKS[0]
        client.post("/api/auth/login/", json={"email": "mallory@example.com", "password": PASSWORD})
        group = {"type": "group", "name": ATTACKS[0], "description": ATTACKS[1], "participant_ids": []}
        conversation = client.post("/api/chat/conversations/create/", json=group).json()
        for content in ATTACKS:
            client.post("/api/chat/messages/create/", json={"conversation": conversation["id"], "content": content})
    page.goto("/admin/")
    page.locator("input[name=username]").fill(staff)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user-tools")).to_contain_text(staff)
    links = [link.get_attribute("href") for link in page.locator("th[scope=row] a").all()]
    assert len(links) >= 4
    seen = ""
    for link in links:
        page.goto(link)
        rows = [row.get_attribute("href") for row in page.locator("#result_list a[href*='/change/']").all()]
        for row in rows[:5]:
            page.goto(row)
            assert page.title() != "run"
            seen += page.locator("#content").inner_text()
        page.goto(f"{link}?q=script")
        assert page.title() != "run"
        seen += page.locator("#content").inner_text()
    assert all(attack in seen for attack in ATTACKS)


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
