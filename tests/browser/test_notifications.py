"""Desktop notifications: when they are allowed, of what one does not look at, and never without being asked."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .person import Person, chatting, wait_until

Join = Callable[..., Person]

# As the browser's own, but one sees what was shown, and clicks on it.
STUB = """
  globalThis.shown = [];
  globalThis.Notification = class {
    static permission = "%s";
    static async requestPermission() { return (Notification.permission = "%s"); }
    constructor(title, options) { shown.push(Object.assign(this, { title, ...options })); }
    close() { this.isClosed = true; }
  };
"""


def allow(person: Person, *, before: str = "default", answer: str = "granted") -> None:
    person.context.add_init_script(STUB % (before, answer))
    person.page.reload()


def shown(person: Person) -> list[list[str]]:
    return list(person.page.evaluate("shown.map(({ title, body }) => [title, body])"))


def test_who_turned_them_on_is_told_of_what_is_said_elsewhere(join: Join) -> None:
    alice, bob = join("told-alice"), join("told-bob")
    allow(alice)
    alice.choose("Turn on notifications")
    expect(alice.page.get_by_text("Notifications are on")).to_be_visible()
    alice.page.keyboard.press("Escape")
    bob.open_private(alice)
    bob.say("Are you there?")
    expect(alice.row(bob.name)).to_be_visible()
    wait_until(alice.page, "shown.length > 0")
    assert shown(alice) == [[bob.name, "Are you there?"]]
    alice.page.evaluate("shown[0].onclick()")
    alice.wait_for_room(bob.name)
    assert alice.page.evaluate("shown[0].isClosed")


def test_of_a_group_they_say_which(join: Join) -> None:
    alice, bob = join("which-alice"), join("which-bob")
    allow(alice)
    alice.choose("Turn on notifications")
    bob.make_group("Choir", alice)
    bob.say("Sing!")
    wait_until(alice.page, "shown.length > 0")
    assert shown(alice) == [[f"{bob.name} · Choir", "Sing!"]]


def test_what_one_looks_at_makes_none_until_one_looks_away(join: Join) -> None:
    alice, bob = join("looks-alice"), join("looks-bob")
    allow(alice)
    alice.choose("Turn on notifications")
    alice.page.keyboard.press("Escape")
    chatting(alice, bob)
    bob.say("You see this")
    expect(alice.messages).to_have_text(["You see this"])
    alice.look_away()
    bob.say("You do not see this")
    expect(alice.messages).to_have_count(2)
    wait_until(alice.page, "shown.length > 0")
    assert shown(alice) == [[bob.name, "You do not see this"]]


def test_nobody_is_told_who_did_not_ask_for_it(join: Join) -> None:
    alice, bob = join("hushed-alice"), join("hushed-bob")
    allow(alice, before="granted")
    bob.open_private(alice)
    bob.say("Are you there?")
    expect(alice.row(bob.name)).to_contain_text("Are you there?")
    assert shown(alice) == []


@pytest.mark.parametrize(("before", "item"), [("default", "Turn on notifications"), ("denied", None)])
def test_a_browser_that_denies_them_says_so(join: Join, before: str, item: str | None) -> None:
    alice = join(f"denied-{before}")
    allow(alice, before=before, answer="denied")
    if item:
        alice.choose(item)
    else:
        alice.open_menu()
    expect(alice.page.get_by_text("Notifications are blocked in the browser")).to_be_visible()
