"""A long conversation: older messages come in above, what is read stays in its place, the end is one step away."""

import re
from collections.abc import Callable

from playwright.sync_api import Route, expect

from .person import Person, chatting

Join = Callable[..., Person]


def test_older_messages_come_in_above_and_what_is_read_stays_in_place(join: Join) -> None:
    alice, bob = join("older-alice"), join("older-bob")
    alice.open_private(bob)
    alice.post_many(120)
    alice.page.reload()
    expect(alice.messages.last).to_have_text("number 120")
    expect(alice.messages.last).to_be_in_viewport()
    asked: list[Route] = []
    alice.page.route("**/messages/?before=71", lambda route: asked.append(route))
    held = alice.message("number 75")
    alice.scroll_to(held)
    before = held.bounding_box()
    asked[0].continue_()
    expect(alice.message("number 69")).to_be_attached()  # one that was not loaded before
    after = held.bounding_box()
    assert before
    assert after
    assert abs(after["y"] - before["y"]) < 1
    alice.scroll_by(-50_000)
    expect(alice.message("number 21")).to_be_attached()
    alice.scroll_by(-50_000)
    expect(alice.messages.first).to_have_text("number 1")
    expect(alice.page.get_by_role("button", name="Load older messages")).to_have_count(0)


def test_older_messages_are_loaded_by_a_button_too(join: Join) -> None:
    alice, bob = join("button-alice"), join("button-bob")
    alice.open_private(bob)
    alice.post_many(60)
    alice.page.set_viewport_size({"width": 1280, "height": 4000})
    alice.page.route("**/messages/?before=*", lambda route: route.abort())
    alice.page.reload()
    expect(alice.page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    alice.page.unroute("**/messages/?before=*")
    alice.page.get_by_role("button", name="Load older messages").click()
    expect(alice.messages.first).to_have_text("number 1")
    expect(alice.page.get_by_role("alert")).to_have_count(0)


def test_what_comes_does_not_move_who_reads_above(join: Join) -> None:
    alice, bob = join("above-alice"), join("above-bob")
    chatting(alice, bob)
    bob.post_many(45)
    expect(alice.messages.last).to_have_text("number 45")
    read = alice.message("number 20")
    alice.scroll_to(read)
    before = read.bounding_box()
    bob.say("down here")
    expect(alice.page.get_by_role("button", name="1 new message")).to_be_visible()
    assert read.bounding_box() == before
    expect(alice.row(bob.name).get_by_text("1 unread", exact=True)).to_be_attached()


def test_who_is_at_the_end_follows_it(join: Join) -> None:
    alice, bob = join("end-alice-2"), join("end-bob-2")
    chatting(alice, bob)
    bob.post_many(45)
    expect(alice.messages.last).to_have_text("number 45")
    for text in ("one more", "a long one\n" * 10 + "its end"):
        bob.say(text)
        expect(alice.messages.last).to_contain_text(text[-7:])
        expect(alice.page.locator(".messages > li").last).to_be_in_viewport()


def test_one_step_leads_to_the_newest(join: Join) -> None:
    alice, bob = join("newest-alice"), join("newest-bob")
    chatting(alice, bob)
    bob.post_many(45)
    expect(alice.messages.last).to_have_text("number 45")
    button = alice.page.get_by_role("button", name="Jump to newest")
    expect(button).to_have_count(0)
    alice.scroll_to(alice.message("number 20"))
    button.click()
    expect(alice.message("number 45")).to_be_in_viewport()
    expect(button).to_have_count(0)


def test_what_one_sends_is_in_view_wherever_one_was(join: Join) -> None:
    alice, bob = join("own-alice"), join("own-bob")
    chatting(alice, bob)
    bob.post_many(45)
    expect(alice.messages.last).to_have_text("number 45")
    alice.scroll_to(alice.message("number 20"))
    alice.say("Here I am")
    expect(alice.message("Here I am")).to_be_in_viewport()


def test_more_unread_messages_than_a_page_are_opened_at_the_first_of_them(join: Join) -> None:
    alice, bob = join("unread-alice"), join("unread-bob")
    bob.open_private(alice)
    bob.post_many(130)
    alice.row(bob.name).click()
    expect(alice.rows_from_line.first).to_be_in_viewport()
    expect(alice.rows_from_line.nth(1)).to_contain_text("number 1")
    expect(alice.row(bob.name).locator(".badge")).to_have_text(re.compile("1[0-3][0-9] unread"))
    alice.page.get_by_role("button", name=re.compile("new messages")).click()
    expect(alice.messages.last).to_have_text("number 130")
    expect(alice.row(bob.name).locator(".badge")).to_have_count(0)


def test_reading_on_from_the_first_unread_message_comes_to_the_newest(join: Join) -> None:
    alice, bob = join("on-alice"), join("on-bob")
    bob.open_private(alice)
    bob.post_many(130)
    alice.row(bob.name).click()
    expect(alice.rows_from_line.first).to_be_in_viewport()
    alice.page.get_by_test_id("messages").hover()
    for _ in range(40):
        alice.page.mouse.wheel(0, 400)
        alice.page.wait_for_timeout(30)
        if alice.message("number 130").count():
            break
    expect(alice.message("number 130")).to_be_attached()
    alice.page.mouse.wheel(0, 20_000)
    expect(alice.row(bob.name).locator(".badge")).to_have_count(0)


def test_a_quote_leads_to_what_it_quotes(join: Join) -> None:
    alice, bob = join("lead-alice"), join("lead-bob")
    chatting(alice, bob)
    original = bob.post("The very first words")
    bob.post_many(130)
    bob.post("An answer", reply_to=original)
    expect(bob.seen).to_have_text("Seen")
    alice.page.reload()
    alice.message("An answer").locator(".quote").click()
    expect(alice.page.locator("article[data-seq='1']")).to_be_in_viewport()
    alice.page.get_by_role("button", name="Jump to newest").click()
    expect(alice.message("An answer")).to_be_in_viewport()


def test_another_conversation_is_left_and_come_back_to_at_its_end(join: Join) -> None:
    alice, bob = join("return-alice"), join("return-bob")
    chatting(alice, bob)
    bob.post_many(60)
    expect(alice.messages.last).to_have_text("number 60")
    alice.make_group("Elsewhere")
    alice.open_conversation(bob.name)
    expect(alice.message("number 60")).to_be_in_viewport()
