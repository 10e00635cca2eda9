"""Every screen and dialog of the page with something on it, by name: how to come there."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from .person import Person
from .wire import Wire

FORMS = {"register": "Register", "forgot": "Forgot your password?"}


def start(person: Person, name: str) -> None:
    """A screen for those who are not logged in."""
    page = person.page
    page.goto(f"{person.url}/reset-password#token=one" if name == "reset" else person.url)
    if name in FORMS:
        page.get_by_text(FORMS[name], exact=True).click()
    if name == "refused":
        person.log_in("wrong")
        expect(person.start.get_by_role("alert")).to_be_visible()
    expect(page.locator("form")).to_be_visible()


def furnish(alice: Person, bob: Person, carol: Person) -> None:
    """Alice has a private conversation and a group with something of everything in them, and others are unread."""
    bob.open_private(alice)
    question = bob.post("Tea or coffee?\nOr something else altogether, which I would understand on such a day?")
    bob.post("מה שלומך היום?")
    alice.open_private(bob)
    alice.post("Tea, with a very long link: https://example.com/" + "a" * 120, reply_to=question)
    gone = alice.post("gone")
    alice.call("DELETE", f"chat/messages/{gone}/delete/")
    alice.call("PATCH", f"chat/messages/{alice.post('helo')}/", content="hello")
    alice.make_group("Analytical engines", bob, carol)
    for each in (bob, carol):
        each.open_conversation("Analytical engines")
        each.post(f"This is {each.name}")
        each.post("And one more")
    alice.post("Welcome")
    expect(alice.seen).to_be_visible()
    for name in ("Unread", "Long " * 18 + "name"):
        bob.make_group(name, alice)
        bob.post("Have you read this?")
    expect(alice.page.locator(".badge")).to_have_count(2)


def nothing_open(alice: Person) -> None:
    alice.page.goto(f"{alice.url}/#/")


def private(alice: Person) -> None:
    alice.open_conversation("bob")


def group(alice: Person) -> None:
    alice.open_conversation("Analytical engines")


def with_failure(alice: Person) -> None:
    """A message that was refused, an answer that is being written, and somebody who types."""
    private(alice)
    wire = Wire(alice)
    wire.refuse("Refused")
    alice.wait_for_room("bob")
    alice.say("Refused")
    expect(alice.page.get_by_role("button", name="Try again").first).to_be_visible()
    alice.act_on("מה שלומך", "Reply")


def menu(alice: Person) -> None:
    alice.open_menu()


def in_menu(name: str) -> Callable[[Person], None]:
    def choose(alice: Person) -> None:
        alice.choose(name)
        expect(alice.page.get_by_role("dialog")).to_be_visible()
        expect(alice.page.get_by_text("Loading…")).to_have_count(0)

    return choose


def found(alice: Person) -> None:
    alice.search.fill("b")
    expect(alice.page.get_by_test_id("people").get_by_role("button").first).to_be_visible()


def new_group(alice: Person) -> None:
    alice.page.get_by_role("button", name="New group").click()
    dialog = alice.page.get_by_test_id("group-dialog")
    dialog.get_by_label("Add people").fill("carol")
    dialog.get_by_test_id("group-people").get_by_role("button").first.click()
    dialog.get_by_label("Add people").fill("bob")
    expect(dialog.get_by_test_id("group-people").get_by_role("button").first).to_be_visible()


def jump(alice: Person) -> None:
    alice.page.keyboard.press("Control+k")
    alice.page.get_by_text("Keyboard", exact=True).click()
    expect(alice.page.get_by_role("option").first).to_be_visible()


def details(name: str) -> Callable[[Person], None]:
    def open_them(alice: Person) -> None:
        alice.open_conversation(name)
        alice.open_details()
        expect(alice.page.get_by_role("dialog")).to_be_visible()

    return open_them


def readers(alice: Person) -> None:
    group(alice)
    alice.act_on("Welcome", "Who has read it")
    expect(alice.page.get_by_test_id("readers").get_by_role("listitem").first).to_be_visible()


def confirm(alice: Person) -> None:
    group(alice)
    alice.act_on("Welcome", "Delete")


def ended(alice: Person) -> None:
    alice.page.goto(f"{alice.url}/#/c/999999")
    expect(alice.page.locator(".empty")).to_be_visible()


STARTS = ["login", "register", "forgot", "reset", "refused"]
CHATS: dict[str, Callable[[Person], None]] = {
    "nothing open": nothing_open,
    "private": private,
    "group": group,
    "menu": menu,
    "profile": in_menu("Profile"),
    "password": in_menu("Change password"),
    "devices": in_menu("Devices"),
    "found": found,
    "new group": new_group,
    "jump": jump,
    "details of a private conversation": details("bob"),
    "details of a group": details("Analytical engines"),
    "details of a group of another": details("Unread"),
    "readers": readers,
    "question": confirm,
    "not there": ended,
    "refused message": with_failure,
}


def widths_that_scroll(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
