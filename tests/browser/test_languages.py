"""The page in the reader's language."""

import re
from collections.abc import Callable

from playwright.sync_api import Browser, expect

from tests.services.server import PROJECT, ServerProcess

from .person import Person

Join = Callable[..., Person]


def test_a_browser_in_german_shows_it_in_german(visitor: Join, shared_server: ServerProcess) -> None:
    anna = visitor(shared_server, "anna", locale="de-AT")
    expect(anna.page.get_by_role("tab", name="Anmelden")).to_be_visible()
    expect(anna.page.locator("html")).to_have_attribute("lang", "de")


def test_a_language_that_is_not_there_is_english(visitor: Join, shared_server: ServerProcess) -> None:
    jean = visitor(shared_server, "jean", locale="fr-FR")
    expect(jean.page.get_by_role("tab", name="Log in")).to_be_visible()
    expect(jean.page.locator("html")).to_have_attribute("lang", "en")


def test_the_chosen_language_stays(join: Join) -> None:
    alice, bob = join("german-alice"), join("german-bob")
    alice.open_menu()
    alice.page.get_by_role("combobox", name="Language").select_option("Deutsch")
    expect(alice.connection).to_have_text("Verbunden")
    alice.page.reload()
    expect(alice.connection).to_have_text("Verbunden")
    bob.open_private(alice)
    bob.say("Hello")
    expect(alice.row(bob.name).get_by_text("1 ungelesen")).to_be_attached()
    expect(alice.row(bob.name).locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))


def test_every_language_has_every_text_with_the_same_places(browser: Browser, shared_server: ServerProcess) -> None:
    languages = sorted(path.name for path in (PROJECT / "static/chat/texts").glob("*.js"))
    assert len(languages) >= 2
    page = browser.new_page()
    page.goto(f"{shared_server.url}/healthz")
    texts = {each: page.evaluate(LOAD, f"/static/chat/texts/{each}") for each in languages}
    page.close()
    for each in languages:
        assert texts[each] == texts["en.js"], each


# By the key of each text the places in it that are filled in.
LOAD = """async (path) => {
  const { default: texts } = await import(path);
  const places = (text) => [...new Set(JSON.stringify(text).match(/{\\w+}/g) ?? [])].sort();
  return Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, places(text)]));
}"""


def test_every_text_is_used() -> None:
    folder = PROJECT / "static/chat"
    words = set(re.findall(r"\w+", "".join(path.read_text() for path in folder.glob("*.js"))))
    keys = re.findall(r"^  (\w+):", (folder / "texts/en.js").read_text(), re.M)
    made = re.compile(r"event_|error_|_question$|_hint$")  # of a key and an ending, or of the server's codes
    states = {"waiting", "offline", "stopped"}  # of the connection
    assert len(keys) > 100
    assert [key for key in keys if key not in words | states and not made.search(key)] == []
