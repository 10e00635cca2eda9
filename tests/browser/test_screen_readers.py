"""What is read out: new messages as they come, names of parts, and the states of one's own messages."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from .person import Person, chatting

Join = Callable[..., Person]


def announcer(person: Person) -> Locator:
    return person.page.get_by_test_id("announcer")


def test_a_new_message_is_read_out_with_who_said_it(join: Join) -> None:
    alice, bob = join("reader-alice"), join("reader-bob")
    chatting(alice, bob)
    expect(announcer(alice)).to_have_attribute("aria-live", "polite")
    bob.say("Hello Alice")
    expect(announcer(alice)).to_have_text(f"{bob.name}: Hello Alice")
    expect(announcer(bob)).to_have_text("")


def test_a_message_of_a_group_that_is_not_open_is_read_out_with_its_name(join: Join) -> None:
    alice, bob = join("aloud-alice"), join("aloud-bob")
    bob.make_group("Choir", alice)
    bob.say("Sing!")
    expect(announcer(alice)).to_have_text(f"{bob.name} in Choir: Sing!")


def test_the_same_words_again_are_read_out_again(join: Join) -> None:
    alice, bob = join("twice-alice"), join("twice-bob")
    chatting(alice, bob)
    bob.say("ok")
    expect(announcer(alice)).to_have_text(f"{bob.name}: ok")
    first = announcer(alice).locator("> *").element_handle()
    bob.say("ok")
    expect(alice.messages).to_have_count(2)
    expect(announcer(alice)).to_have_text(f"{bob.name}: ok")
    assert not first.evaluate("(element) => element.isConnected")


def test_what_is_loaded_with_the_page_is_not_read_out(join: Join) -> None:
    alice, bob = join("silent-alice"), join("silent-bob")
    chatting(alice, bob)
    bob.say("Hello Alice")
    expect(alice.messages).to_have_count(1)
    alice.page.reload()
    expect(alice.messages).to_have_count(1)
    expect(announcer(alice)).to_have_text("")


def test_each_message_says_whose_it_is(join: Join) -> None:
    alice, bob = join("whose-alice"), join("whose-bob")
    chatting(alice, bob)
    bob.say("From Bob")
    expect(alice.messages).to_have_count(1)
    alice.say("From Alice")
    expect(alice.messages).to_have_count(2)
    texts = alice.page.get_by_test_id("message").locator(".bubble").all_inner_texts()
    assert [" ".join(text.split()[:4]) for text in texts] == [f"{bob.name}: From Bob", "You: From Alice"] or all(
        name in text for name, text in zip((bob.name, "You"), texts, strict=True)
    )


def test_typing_and_the_connection_are_live_regions(join: Join) -> None:
    alice, bob = join("live-alice"), join("live-bob")
    alice.open_private(bob)
    expect(alice.typing).to_have_attribute("aria-live", "polite")
    expect(alice.connection).to_have_role("status")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_who_wants_no_motion(join: Join, motion: str) -> None:
    alice = join(f"still-{motion}", reduced_motion=motion)
    alice.make_group("Still")
    moving = alice.page.evaluate(MOVING)
    assert bool(moving) == (motion == "no-preference"), moving


MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
  const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(each);
  return transitionDuration !== "0s" || animationName !== "none" || scrollBehavior !== "auto";
}).map((each) => each.className)"""
