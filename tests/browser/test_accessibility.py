"""WCAG 2.2 AA on every screen: by axe, in both themes and at three sizes, and what axe does not see."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.services.server import ServerProcess, running

from .axe import small_targets, violations
from .person import Person
from .screens import CHATS, STARTS, furnish, start, widths_that_scroll

Join = Callable[..., Person]

SIZES = {"desktop": (1280, 800), "phone": (375, 700)}
NARROWEST = (320, 640)


@pytest.fixture(scope="module")
def stranger(browser: Browser, shared_server: ServerProcess) -> Iterator[Person]:
    context = browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce")
    yield Person(context, shared_server, "stranger")
    context.close()


@pytest.fixture(scope="module")
def alice(browser: Browser, new_sqlite: Callable[[], str]) -> Iterator[Person]:
    """Somebody who has something of everything."""
    contexts = [browser.new_context(locale="en-GB", timezone_id="UTC", reduced_motion="reduce") for _ in range(3)]
    with running(ServerProcess(DATABASE_URL=new_sqlite())) as server:
        persons = [Person(each, server, name) for each, name in zip(contexts, ("alice", "bob", "carol"), strict=True)]
        alice, bob, carol = (each.register() for each in persons)
        furnish(alice, bob, carol)
        yield alice
        for each in contexts:
            each.close()


@pytest.fixture
def screen(request: pytest.FixtureRequest) -> Person:
    """Before the screen that the test is parametrized with."""
    name = request.param
    if name in STARTS:
        person: Person = request.getfixturevalue("stranger")
        person.page.set_viewport_size({"width": 1280, "height": 800})
        start(person, name)
    else:
        person = request.getfixturevalue("alice")
        person.page.set_viewport_size({"width": 1280, "height": 800})
        person.page.goto(f"{person.url}/#/")
        person.page.reload()
        expect(person.row("bob")).to_be_visible()
        CHATS[name](person)
    return person


every_screen = pytest.mark.parametrize("screen", [*STARTS, *CHATS], indirect=True)


@every_screen
def test_axe_finds_nothing_in_both_themes_on_a_desktop_and_on_a_phone(screen: Person) -> None:
    found: dict[str, list[str]] = {}
    for size, (width, height) in SIZES.items():
        screen.page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            screen.page.emulate_media(color_scheme=theme)
            for each in violations(screen.page):
                found.setdefault(each, []).append(f"{size}, {theme}")
    screen.page.emulate_media(color_scheme="light")
    assert "\n".join(f"{what} ({'; '.join(where)})" for what, where in found.items()) == ""


@every_screen
def test_targets_are_large_enough_and_nothing_scrolls_sideways_on_the_narrowest_screen(screen: Person) -> None:
    screen.page.set_viewport_size({"width": NARROWEST[0], "height": NARROWEST[1]})
    assert widths_that_scroll(screen.page) == 0
    assert "\n".join(small_targets(screen.page)) == ""
