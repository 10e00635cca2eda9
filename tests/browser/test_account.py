"""Accounts on the page: registering, logging in and out, profile, password, devices."""

import re
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path
from time import monotonic

import httpx
from playwright.sync_api import expect

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess

from .person import Person

Join = Callable[..., Person]


def check_session(person: Person, token: str) -> int:
    answer = httpx.get(
        f"{person.url}/api/auth/check-session/", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    return answer.status_code


def test_a_refused_registration_says_why_at_the_field(join: Join, visitor: Join, shared_server: ServerProcess) -> None:
    alice = join("taken")
    stranger = visitor(shared_server, "stranger")
    stranger.page.get_by_role("tab", name="Register").click()
    form = stranger.page.get_by_test_id("register-form")
    form.get_by_label("E-mail").fill(stranger.email)
    form.get_by_label("Username").fill(alice.name)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Create account").click()
    username = form.get_by_label("Username")
    expect(username).to_be_focused()
    expect(username).to_have_attribute("aria-invalid", "true")
    expect(form.locator(".field-error")).to_have_count(1)


def test_a_wrong_password_is_refused_on_the_page(join: Join) -> None:
    alice = join("wrong-alice")
    alice.log_out()
    alice.log_in("not the password")
    expect(alice.start.get_by_role("alert")).to_be_visible()
    expect(alice.chat).to_be_hidden()


def test_logging_out_ends_the_session_on_the_server(join: Join) -> None:
    alice = join("logout-alice")
    token = alice.access_token()
    assert check_session(alice, token) == 200
    alice.log_out()
    expect(alice.start).to_be_visible()
    assert check_session(alice, token) == 401
    alice.page.reload()
    expect(alice.start).to_be_visible()


def test_logging_out_forgets_what_was_never_sent(join: Join) -> None:
    alice, bob = join("unsent-alice"), join("unsent-bob")
    alice.open_private(bob)
    alice.page.route_web_socket("**/ws/**", lambda socket: socket.close())
    alice.page.reload()
    alice.say("never sent")
    expect(alice.pending).to_contain_text("Sending…")
    assert "never sent" in alice.page.evaluate("JSON.stringify(localStorage)")
    alice.log_out()
    expect(alice.start).to_be_visible()
    assert "never sent" not in alice.page.evaluate("JSON.stringify(localStorage)")


def test_logging_out_logs_out_the_other_tabs(join: Join) -> None:
    alice = join("tabs-alice")
    other = alice.open()
    expect(other.get_by_test_id("chat")).to_be_visible()
    alice.log_out()
    expect(other.get_by_test_id("start")).to_be_visible()


def test_a_session_ended_elsewhere_leads_to_the_login_screen(join: Join) -> None:
    alice, bob = join("ended-alice"), join("ended-bob")
    alice.open_private(bob)
    httpx.post(
        f"{alice.url}/api/auth/logout/", headers={"Authorization": f"Bearer {alice.access_token()}"}, trust_env=False
    ).raise_for_status()
    expect(alice.page.get_by_test_id("notice")).to_have_text("Your session has ended. Please log in again.")


def test_logging_in_again_shows_what_was_said(join: Join) -> None:
    alice, bob = join("again-alice"), join("again-bob")
    alice.open_private(bob)
    alice.say("Remember this")
    expect(alice.messages).to_have_text(["Remember this"])
    alice.log_out()
    alice.log_in()
    alice.open_conversation(bob.name)
    expect(alice.messages).to_have_text(["Remember this"])


def test_a_reload_keeps_the_session_and_the_open_conversation(join: Join) -> None:
    alice, bob = join("reload-alice"), join("reload-bob")
    alice.open_private(bob)
    alice.say("Still here")
    expect(alice.messages).to_have_text(["Still here"])
    alice.page.reload()
    expect(alice.messages).to_have_text(["Still here"])
    expect(alice.page.get_by_test_id("me")).to_have_text(alice.name)


def test_a_profile_is_changed_and_others_see_the_name(join: Join) -> None:
    alice, bob = join("profile-alice"), join("profile-bob")
    alice.choose("Profile")
    dialog = alice.page.get_by_test_id("profile")
    expect(dialog).to_contain_text(alice.email)
    dialog.get_by_label("First name").fill("Alice")
    dialog.get_by_label("Last name").fill("Liddell")
    dialog.get_by_label("About you").fill("Down the hole")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    expect(alice.page.get_by_test_id("me")).to_have_text("Alice Liddell")
    bob.page.get_by_label("Search people").fill("liddell")
    expect(bob.page.get_by_test_id("people").get_by_role("button", name="Alice Liddell")).to_be_visible()


def test_a_username_that_is_taken_is_refused_at_its_field(join: Join) -> None:
    alice, bob = join("name-alice"), join("name-bob")
    alice.choose("Profile")
    dialog = alice.page.get_by_test_id("profile")
    dialog.get_by_label("Username").fill(bob.name)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("Username")).to_be_focused()
    expect(dialog.locator(".field-error")).to_have_text("Somebody has this already.")


def test_a_changed_password_ends_the_other_sessions_and_not_this_one(join: Join, visitor: Join) -> None:
    alice = join("change-alice")
    elsewhere = visitor(alice.server, alice.name)
    elsewhere.log_in()
    expect(elsewhere.connection).to_have_text("Connected")
    alice.choose("Change password")
    dialog = alice.page.get_by_test_id("password-change")
    dialog.get_by_label("Present password").fill(PASSWORD)
    dialog.get_by_label("New password").fill("another horse 43")
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_role("status")).to_contain_text("Your password is changed")
    expect(elsewhere.page.get_by_test_id("notice")).to_have_text("Your session has ended. Please log in again.")
    dialog.get_by_role("button", name="Close").click()
    expect(alice.connection).to_have_text("Connected")
    elsewhere.log_in("another horse 43")
    expect(elsewhere.chat).to_be_visible()


def test_a_wrong_present_password_is_refused_at_its_field(join: Join) -> None:
    alice = join("present-alice")
    alice.choose("Change password")
    dialog = alice.page.get_by_test_id("password-change")
    dialog.get_by_label("Present password").fill("not the password")
    dialog.get_by_label("New password").fill("another horse 43")
    dialog.get_by_role("button", name="Change password").click()
    expect(dialog.get_by_label("Present password")).to_have_attribute("aria-invalid", "true")
    expect(alice.connection).to_have_text("Connected")


def test_a_session_is_ended_from_the_list_of_devices(join: Join, visitor: Join) -> None:
    alice = join("devices-alice")
    elsewhere = visitor(alice.server, alice.name, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    elsewhere.log_in()
    expect(elsewhere.chat).to_be_visible()
    alice.choose("Devices")
    dialog = alice.page.get_by_test_id("sessions")
    expect(dialog.get_by_role("listitem")).to_have_count(2)
    expect(dialog.get_by_text("This device")).to_have_count(1)
    other = dialog.get_by_role("listitem").filter(has_text="Firefox, Linux")
    other.get_by_role("button", name="Log out there").click()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(elsewhere.start).to_be_visible()
    expect(alice.chat).to_be_visible()


def test_logging_out_everywhere_ends_every_session(join: Join, visitor: Join) -> None:
    alice = join("everywhere-alice")
    elsewhere = visitor(alice.server, alice.name)
    elsewhere.log_in()
    expect(elsewhere.connection).to_have_text("Connected")
    alice.choose("Devices")
    alice.page.get_by_role("button", name="Log out everywhere").click()
    expect(alice.start).to_be_visible()
    expect(elsewhere.start).to_be_visible()


def test_a_forgotten_password_is_set_through_the_link_of_the_mail(join: Join) -> None:
    alice = join("forgot-alice")
    alice.log_out()
    alice.page.get_by_role("button", name="Forgot your password?").click()
    form = alice.page.get_by_test_id("forgot-form")
    form.get_by_label("E-mail").fill(alice.email)
    form.get_by_role("button", name="Send the link").click()
    expect(alice.page.get_by_test_id("notice")).to_contain_text("a mail with a link is on its way")
    alice.page.goto(link_mailed_to(alice))
    form = alice.page.get_by_test_id("reset-form")
    expect(form).to_be_visible()
    assert "token" not in alice.page.url
    form.get_by_label("New password").fill("another horse 43")
    form.get_by_role("button", name="Set password").click()
    expect(alice.page.get_by_test_id("notice")).to_have_text("Your password is set. Log in with it.")
    alice.log_in("another horse 43")
    expect(alice.chat).to_be_visible()


def test_a_link_that_was_used_says_so_and_leads_to_a_new_one(join: Join) -> None:
    alice = join("used-alice")
    alice.page.goto(f"{alice.url}/reset-password#token=used")
    form = alice.page.get_by_test_id("reset-form")
    form.get_by_label("New password").fill("another horse 43")
    form.get_by_role("button", name="Set password").click()
    expect(form.get_by_role("alert")).to_contain_text("This link is used or too old.")
    alice.page.get_by_role("button", name="Ask for a new link").click()
    expect(alice.page.get_by_test_id("forgot-form")).to_be_visible()


def link_mailed_to(person: Person) -> str:
    """The link of the newest mail to them, once it is there."""
    folder = Path(person.server.settings["EMAIL_URL"].removeprefix("filemail:///"))
    deadline = monotonic() + 10
    while monotonic() < deadline:
        for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
            mail = message_from_bytes(path.read_bytes().partition(b"\n-----")[0], policy=policy.default)
            if mail["To"] == person.email:
                return re.findall(r"http\S+#token=\S+", mail.get_content())[0]
        person.page.wait_for_timeout(50)
    raise AssertionError("no mail has come")
