"""What people write stays text, and stays in its place, on the page and in the admin."""

import re
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest
from django.contrib.admin.utils import quote as quote_to_path
from playwright.sync_api import Browser, Page, expect

from tests.services.environment import PASSWORD, clean_environment
from tests.services.server import PROJECT, ServerProcess

from .hostile import DISPLACING, RUNNING, Writer, dots_outside, made_elements, words_cut_off, words_out_of_order
from .person import Log, Person, wait_until

LISTS = [
    f"/admin/{name}/" for name in ("chat/conversation", "chat/message", "authentication/user", "authentication/session")
]
STAFF = "staff@example.com"
# What is somebody else's words and nothing else, and everything in which there are any.
THEIRS = "[data-testid=content], [data-testid=description], .quote > span:last-child, #room-name, .initials"
BOXES = f"{THEIRS}, .author, .quote, .row-name, .row-line, .system, .typing, .seen, .chip"
# The same in the admin.
CELLS = "input, textarea, .readonly, .field-excerpt, .field-display_name, .field-device"
DESK_BOXES = "td, th, h1, h2, .breadcrumbs, .readonly, .messagelist li, #content li, input, textarea"


@pytest.fixture(scope="module")
def http(shared_server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_server.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def everybody(http: httpx.Client) -> list[Writer]:
    """One for each displacing text."""
    return [Writer(http, f"writer{number}", text) for number, text in enumerate(DISPLACING.values())]


@pytest.fixture(scope="module")
def hall(browser: Browser, shared_server: ServerProcess, everybody: list[Writer]) -> Iterator[Person]:
    """Somebody in a group of people with displacing names, who all talk there, and two of whom type.

    Each of them has made a group with them as well: in the list are what was said last in it, and who made it.
    """
    context = browser.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1000, "height": 4500})
    reader = Person(context, shared_server, "reader").register()
    place = everybody[0].make_group(reader.id, *(each.id for each in everybody[1:]))
    for each in everybody:
        each.make_group(reader.id)
        each.say(each.make_group(reader.id))
        each.say_all(place)
    reader.page.goto(f"{shared_server.url}/#/c/{place}")
    reader.page.reload()
    expect(reader.page.get_by_test_id("conversations").get_by_role("listitem")).to_have_count(1 + 2 * len(everybody))
    reader.say("Hello all")
    expect(reader.messages).to_have_count(1 + 3 * len(everybody))
    for each in everybody[:2]:
        each.call("POST", f"chat/conversations/{place}/mark-read/")
        each.type(reader.page, place)
    expect(reader.typing).to_contain_text("are typing")
    expect(reader.seen).to_contain_text(", ")
    yield reader
    context.close()


def test_words_between_names_keep_their_order_on_the_page(hall: Person) -> None:
    assert words_out_of_order(hall.page, THEIRS) == []


def test_marks_that_pile_up_stay_in_their_line_on_the_page(hall: Person) -> None:
    assert dots_outside(hall.page, BOXES) == 0


def test_words_without_an_end_push_nothing_aside_on_the_page(hall: Person) -> None:
    assert words_cut_off(hall.page) == []


def test_the_same_goes_for_people_who_are_searched_and_picked(hall: Person) -> None:
    hall.search.fill("writer")
    hall.page.get_by_role("button", name="New group").click()
    dialog = hall.page.get_by_test_id("group-dialog")
    for number in (1, 3, 4):
        dialog.get_by_label("Add people").fill(f"writer{number}")
        dialog.get_by_test_id("group-people").get_by_role("button").click()
    dialog.get_by_label("Add people").fill("writer0")
    expect(dialog.get_by_test_id("group-people").get_by_role("button")).to_have_count(1)
    found = words_out_of_order(hall.page, THEIRS), dots_outside(hall.page, BOXES)
    assert (*found, words_cut_off(hall.page)) == ([], 0, [])
    dialog.get_by_role("button", name="Cancel").click()
    hall.search.fill("")


def test_the_same_goes_for_what_is_written_about_and_jumped_to(hall: Person) -> None:
    found = {}
    place = hall.conversation
    expect(hall.typing).to_be_empty()  # else it ends while one looks
    for number in range(len(DISPLACING)):
        hall.page.locator(f"article[data-seq='{2 + 3 * number}']").hover()
        hall.page.locator(f"article[data-seq='{2 + 3 * number}']").get_by_role("button", name="Reply").click()
        found[f"answer {number}"] = look(hall.page, THEIRS, BOXES)
    hall.page.keyboard.press("Escape")
    hall.page.keyboard.press("Control+k")
    expect(hall.page.get_by_role("option").first).to_be_visible()
    found["jump"] = look(hall.page, THEIRS, BOXES)
    hall.page.keyboard.press("Escape")
    for dialog in ("details", "readers"):
        if dialog == "details":
            hall.open_details()
            expect(hall.page.get_by_test_id("participants").get_by_role("listitem")).to_have_count(1 + len(DISPLACING))
        else:
            hall.act_on("Hello all", "Who has read it")
            expect(hall.page.get_by_test_id("readers").get_by_role("listitem")).to_have_count(2)
        found[dialog] = look(hall.page, THEIRS, BOXES)
        hall.page.keyboard.press("Escape")
    assert hall.conversation == place
    assert {where: what for where, what in found.items() if what != ([], 0, [])} == {}


def test_the_same_goes_for_descriptions_questions_and_devices(hall: Person, everybody: list[Writer]) -> None:
    found = {}
    home = hall.page.url
    for each in everybody:
        hall.page.goto(f"{hall.url}/#/c/{each.group}")
        expect(hall.page.get_by_test_id("room")).to_have_attribute("data-state", "open")
        dialog = hall.open_details()
        expect(dialog).to_be_visible()
        found[f"description {each.name}"] = look(hall.page, THEIRS, BOXES)
        dialog.get_by_role("button", name="Leave group").click()
        expect(hall.page.get_by_test_id("confirm")).to_be_visible()
        found[f"question {each.name}"] = look(hall.page, THEIRS, BOXES)
        hall.page.get_by_test_id("confirm").get_by_role("button", name="Cancel").click()
        hall.page.keyboard.press("Escape")
    hall.page.goto(home)
    assert {where: what for where, what in found.items() if what != ([], 0, [])} == {}


# Markup ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def attackers(http: httpx.Client) -> list[Writer]:
    """One for each text that would run."""
    return [Writer(http, f"attacker{number}", text) for number, text in enumerate(RUNNING.values())]


def test_markup_stays_text_on_the_page(browser: Browser, shared_server: ServerProcess, attackers: list[Writer]) -> None:
    victim = Person(browser.new_context(locale="en-GB", timezone_id="UTC"), shared_server, "victim").register()
    for attacker in attackers:
        attacker.say_all(attacker.make_group(victim.id, *(each.id for each in attackers if each is not attacker)))
    victim.context.add_init_script(NOTIFIED)
    victim.page.reload()
    victim.choose("Turn on notifications")
    victim.page.keyboard.press("Escape")
    for attacker in attackers:
        victim.page.goto(f"{shared_server.url}/#/c/{attacker.group}")
        victim.wait_for_room(attacker.text)
        attacker.type(victim.page, attacker.group)
        expect(victim.messages).to_have_text([attacker.text, attacker.text, f"{attacker.text} again"])
        expect(victim.system_messages).to_have_text([f"{attacker.shown} created the group {attacker.text}"])
        expect(victim.typing).to_have_text(f"{attacker.shown} is typing…")
        expect(victim.row(attacker.text)).to_contain_text(f"{attacker.shown}: {attacker.text} again")
        assert made_elements(victim.page) == []
        victim.act_on(f"{attacker.text} again", "Reply")
        expect(victim.page.locator(".about")).to_contain_text(f"Reply to {attacker.shown}")
        expect(victim.page.locator(".about")).to_contain_text(f"{attacker.text} again")
        dialog = victim.open_details()
        expect(dialog.get_by_test_id("participants")).to_contain_text(attacker.shown)
        expect(dialog.get_by_text(attacker.text, exact=True).last).to_be_visible()  # the description
        dialog.get_by_role("button", name="Leave group").click()
        expect(victim.page.get_by_test_id("confirm")).to_contain_text(f"Leave {attacker.text}?")
        assert made_elements(victim.page) == []
        victim.page.get_by_test_id("confirm").get_by_role("button", name="Cancel").click()
        victim.page.keyboard.press("Escape")
    victim.say("Read this")
    for attacker in attackers:
        attacker.call("POST", f"chat/conversations/{attackers[-1].group}/mark-read/")
    expect(victim.messages.last).to_have_text("Read this")
    expect(victim.seen).to_contain_text("Seen by everyone")
    victim.act_on("Read this", "Who has read it")
    for attacker in attackers:
        expect(victim.page.get_by_test_id("readers")).to_contain_text(attacker.shown)
    assert made_elements(victim.page) == []
    victim.page.keyboard.press("Escape")
    victim.page.keyboard.press("Control+k")
    for attacker in attackers:
        expect(victim.page.get_by_role("option").get_by_text(attacker.text, exact=True)).to_be_visible()
    assert made_elements(victim.page) == []
    victim.page.keyboard.press("Escape")
    attackers[0].say(attackers[0].group)
    wait_until(victim.page, "shown.length > 0")
    title, body = victim.page.evaluate("shown[0]")
    assert title.startswith(attackers[0].shown)
    assert body == attackers[0].text
    victim.page.get_by_role("button", name="New group").click()
    for field in ("Name", "Add people"):
        victim.page.get_by_test_id("group-dialog").get_by_label(field).fill("attacker")
    victim.page.get_by_test_id("group-people").get_by_text(attackers[0].shown).click()
    expect(victim.page.get_by_test_id("group-picked")).to_contain_text(attackers[0].shown)
    assert made_elements(victim.page) == []
    assert [line for line in victim.log.console if "Content Security Policy" in line] + victim.log.uncaught == []
    victim.context.close()


# Notifications are allowed, and one sees what they are told to show.
NOTIFIED = """
  globalThis.shown = [];
  globalThis.Notification = class {
    static permission = "granted";
    static async requestPermission() { return "granted"; }
    constructor(title, { body }) { shown.push([title, body]); }
  };
"""


def test_markup_in_the_name_of_a_device_stays_text(browser: Browser, shared_server: ServerProcess) -> None:
    for number, text in enumerate(RUNNING.values()):
        context = browser.new_context(locale="en-GB", user_agent=text)
        owner = Person(context, shared_server, f"owner{number}").register()
        owner.choose("Devices")
        name = owner.page.get_by_test_id("sessions").locator(".row-name")
        expect(name).to_have_text(re.split(r"[\s/]", text, maxsplit=1)[0])
        assert made_elements(owner.page) == []
        assert owner.log.uncaught == []
        context.close()


def test_markup_in_ones_own_profile_and_name_stays_text(browser: Browser, shared_server: ServerProcess) -> None:
    context = browser.new_context(locale="en-GB")
    owner = Person(context, shared_server, "self-made").register()
    text = RUNNING["elements"]
    owner.choose("Profile")
    dialog = owner.page.get_by_test_id("profile")
    for label in ("First name", "Last name", "About you"):
        dialog.get_by_label(label).fill(text)
    dialog.get_by_role("button", name="Save").click()
    expect(owner.page.get_by_test_id("me")).to_have_text(f"{text} {text}")
    owner.choose("Profile")
    expect(dialog.get_by_label("About you")).to_have_value(text)
    assert made_elements(owner.page) == []
    assert owner.log.uncaught == []
    context.close()


@pytest.mark.parametrize(
    "place", ["/#/c/{}", "/#{}", "/?next={}#/c/1{}", "/reset-password?{}#token={}", "/{}", "/api/?url={}", "/api/#/{}"]
)
def test_markup_in_an_address_makes_nothing(browser: Browser, shared_server: ServerProcess, place: str) -> None:
    page = browser.new_page(base_url=shared_server.url)
    log = Log()
    log.watch(page)
    page.goto(place.replace("{}", "".join(RUNNING.values())))
    found = made_elements(page)
    page.close()
    assert found == []
    assert [line for line in log.console if "Content Security Policy" in line] + log.uncaught == []
    assert log.hosts == {urlsplit(shared_server.url).netloc}


# The admin ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def desk(browser: Browser, shared_server: ServerProcess, hall: Person) -> Iterator[Page]:
    """The admin's pages, before somebody who may see and do everything there."""
    manage = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username", "staff", "--email", STAFF]
    environment = {**clean_environment(**shared_server.settings), "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    subprocess.run(manage, cwd=PROJECT, env=environment, check=True, capture_output=True)
    page = browser.new_context(base_url=shared_server.url).new_page()
    log = Log()
    log.watch(page)
    page.goto("/admin/")
    page.locator("input[name=username]").fill(STAFF)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#user-tools")).to_contain_text(STAFF)
    yield page
    page.context.close()
    assert log.console + log.uncaught == []  # what a policy forbids, too


@pytest.fixture(scope="module")
def displaced(desk: Page, everybody: list[Writer]) -> dict[str, tuple[list[str], int, list[str]]]:
    """By the page of the admin: words out of order, dots outside of their boxes, what is too wide."""
    by_text = dict(zip(DISPLACING, everybody, strict=True))
    found = {}
    for path in LISTS[:3]:
        desk.goto(path)
        found[path] = look(desk)
    for text in ("ends isolates", "no break", "marks"):
        for view in ("change", "delete"):
            desk.goto(f"/admin/chat/conversation/{by_text[text].group}/{view}/")
            found[f"{view}: {text}"] = look(desk)
        desk.get_by_role("button", name="Yes").click()
        expect(desk.locator(".messagelist .success")).to_be_visible()
    found["list after the deletion"] = look(desk)
    desk.goto("/admin/")
    return found | {"index": look(desk)}


def look(page: Page, theirs: str = CELLS, boxes: str = DESK_BOXES) -> tuple[list[str], int, list[str]]:
    """Words out of order, dots outside of their boxes, what is too wide."""
    return words_out_of_order(page, theirs), dots_outside(page, boxes), words_cut_off(page)


Displaced = dict[str, tuple[list[str], int, list[str]]]


def test_words_around_names_keep_their_order_in_the_admin(displaced: Displaced) -> None:
    assert {path: words for path, (words, _, _) in displaced.items() if words} == {}


def test_marks_that_pile_up_stay_in_their_line_in_the_admin(displaced: Displaced) -> None:
    assert {path: dots for path, (_, dots, _) in displaced.items() if dots} == {}


def test_words_without_an_end_push_nothing_aside_in_the_admin(displaced: Displaced) -> None:
    assert {path: wide for path, (_, _, wide) in displaced.items() if wide} == {}


def test_markup_stays_text_in_the_admin(desk: Page, attackers: list[Writer]) -> None:
    for attacker in attackers:
        attacker.say_all(attacker.make_group())
    for path in [*LISTS, *(path for attacker in attackers for path in pages_about(attacker))]:
        desk.goto(path)
        shown = desk.locator("#content").inner_text() + desk.locator("#content").evaluate(VALUES)
        assert any(attacker.text[:50] in shown for attacker in attackers), path
        assert made_elements(desk) == [], path


VALUES = "(content) => [...content.querySelectorAll('input, textarea')].map((each) => each.value).join()"


def pages_about(attacker: Writer) -> Iterator[str]:
    """The pages of the admin on which a text of theirs is to be seen."""
    session = attacker.call("GET", "auth/sessions/")["results"][0]["id"]
    yield f"{LISTS[0]}?q={quote(attacker.text)}"
    yield from (f"/admin/chat/conversation/{attacker.group}/{view}/" for view in ("change", "history", "delete"))
    yield f"/admin/chat/message/{attacker.said}/change/"
    yield f"/admin/authentication/user/{attacker.id}/change/"
    yield f"/admin/authentication/session/{quote_to_path(session)}/change/"


def test_markup_in_a_form_of_the_admin_comes_back_as_text(desk: Page, attackers: list[Writer]) -> None:
    for attacker in attackers:
        desk.goto(f"/admin/authentication/user/{attacker.id}/change/")
        for field in ("username", "email"):
            desk.locator(f"input[name={field}]").fill(attacker.text)
        desk.locator("form").evaluate_all("(forms) => forms.forEach((form) => (form.noValidate = true))")
        desk.get_by_role("button", name="Save", exact=True).click()
        expect(desk.locator(".errorlist")).to_have_count(2)
        assert made_elements(desk) == []
