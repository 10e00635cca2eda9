"""The list of conversations, the search above it, and what the title of the page counts."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from .person import Person, chatting

Join = Callable[..., Person]


def test_a_conversation_begun_by_somebody_else_appears_in_the_list(join: Join) -> None:
    alice, bob = join("list-alice"), join("list-bob")
    alice.open_private(bob)
    alice.say("Are you there?")
    expect(bob.row(alice.name)).to_contain_text("Are you there?")
    expect(bob.row(alice.name).get_by_text("1 unread", exact=True)).to_be_visible()


def test_on_a_phone_the_list_and_the_conversation_take_turns(join: Join) -> None:
    alice, bob = join("phone-alice"), join("phone-bob")
    alice.page.set_viewport_size({"width": 375, "height": 700})
    alice.open_private(bob)
    expect(alice.page.get_by_role("complementary")).to_be_hidden()
    alice.page.get_by_label("Back to the conversations").click()
    expect(alice.row(bob.name)).to_be_visible()
    expect(alice.message_box).to_be_hidden()
    assert alice.page.evaluate("document.documentElement.scrollWidth") == 375


def test_people_are_found_by_the_beginning_of_their_name(join: Join) -> None:
    alice, bob = join("seek-alice"), join("findable-bob")
    alice.search.fill("findab")
    expect(alice.page.get_by_test_id("people").get_by_role("button")).to_have_text([re.compile(bob.name)])
    expect(alice.page.get_by_text("Nothing found.")).to_be_visible()


def test_conversations_are_found_by_their_name(join: Join) -> None:
    alice = join("lookup-alice")
    alice.make_group("Orchestra")
    alice.make_group("Chess")
    alice.search.fill("orch")
    found = alice.page.get_by_test_id("found-conversations").get_by_role("link")
    expect(found).to_have_count(1)
    found.click()
    alice.wait_for_room("Orchestra")
    expect(alice.row("Chess")).to_be_visible()


def test_a_search_without_a_find_says_so_and_escape_leaves_it(join: Join) -> None:
    alice = join("nobody-alice")
    alice.search.fill("zzzzzz")
    expect(alice.page.get_by_text("Nobody found.")).to_be_visible()
    alice.search.press("Escape")
    expect(alice.page.get_by_test_id("conversations")).to_be_attached()
    expect(alice.search).to_have_value("")


def test_who_has_no_conversation_is_told_how_to_begin_one(join: Join) -> None:
    alice = join("empty-alice")
    expect(alice.page.get_by_text("No conversations yet.")).to_be_visible()


def test_the_badge_counts_what_is_unread_and_goes_with_reading(join: Join) -> None:
    alice, bob = join("badge-alice"), join("badge-bob")
    bob.open_private(alice)
    bob.post_many(3)
    expect(alice.row(bob.name).get_by_text("3 unread", exact=True)).to_be_attached()
    alice.open_conversation(bob.name)
    expect(alice.row(bob.name).locator(".badge")).to_have_count(0)


def test_what_is_read_on_one_device_is_read_on_the_other(join: Join, visitor: Join) -> None:
    alice, bob = join("two-alice"), join("two-bob")
    phone = visitor(alice.server, alice.name)
    phone.log_in()
    bob.open_private(alice)
    bob.post("Which one do you read?")
    expect(alice.row(bob.name).locator(".badge")).to_have_count(1)
    phone.open_conversation(bob.name)
    expect(alice.row(bob.name).locator(".badge")).to_have_count(0)


def test_the_title_counts_what_is_unread(join: Join) -> None:
    alice, bob = join("title-alice"), join("title-bob")
    expect(alice.page).to_have_title("Chat")
    bob.open_private(alice)
    bob.post_many(2)
    expect(alice.page).to_have_title("(2) Chat")
    alice.open_conversation(bob.name)
    expect(alice.page).to_have_title("Chat")


def test_the_last_message_says_who_said_it(join: Join) -> None:
    alice, bob = join("last-alice"), join("last-bob")
    alice.make_group("Last words", bob)
    alice.say("Good night")
    line = ".row-line"
    expect(alice.row("Last words").locator(line)).to_have_text("You: Good night")
    expect(bob.row("Last words").locator(line)).to_have_text(f"{alice.name}: Good night")


def test_the_last_message_follows_its_edits_and_its_deletion(join: Join) -> None:
    alice, bob = join("follow-alice"), join("follow-bob")
    alice.open_private(bob)
    message = alice.post("Good nite")
    line = bob.row(alice.name).locator(".row-line")
    alice.call("PATCH", f"chat/messages/{message}/", content="Good night")
    expect(line).to_have_text("Good night")
    alice.call("DELETE", f"chat/messages/{message}/delete/")
    expect(line).to_have_text("Message deleted")


def test_the_latest_conversation_comes_first(join: Join) -> None:
    alice = join("order-alice")
    alice.make_group("First")
    first = alice.conversation
    alice.make_group("Second")
    names = alice.page.get_by_test_id("conversations").locator(".row-name")
    expect(names).to_have_text(["Second", "First"])
    alice.call("POST", "chat/messages/create/", conversation=first, content="Up again")
    expect(names).to_have_text(["First", "Second"])


def test_the_list_shows_who_is_online(join: Join) -> None:
    alice, bob = join("online-alice"), join("online-bob")
    alice.open_private(bob)
    alice.post("Hello")
    expect(alice.row(bob.name)).to_have_attribute("data-online", "true")
    expect(alice.row(bob.name).get_by_role("link", name=f"{bob.name} (online)")).to_be_visible()
    bob.log_out()
    expect(alice.row(bob.name)).to_have_attribute("data-online", "false", timeout=12_000)


def test_more_conversations_than_a_page_are_shown_when_asked_for(join: Join) -> None:
    alice = join("many-alice")
    for number in range(55):
        alice.call("POST", "chat/conversations/create/", type="group", name=f"Group {number}", participant_ids=[])
    alice.page.reload()
    rows = alice.page.get_by_test_id("conversations").get_by_role("listitem")
    expect(rows).to_have_count(50)
    alice.page.get_by_role("button", name="Show more conversations").click()
    expect(rows).to_have_count(55)
    expect(alice.row("Group 0")).to_be_attached()


def test_a_deleted_private_conversation_comes_back_empty_with_the_next_message(join: Join) -> None:
    alice, bob = join("delete-alice"), join("delete-bob")
    chatting(alice, bob)
    bob.say("Before")
    expect(alice.messages).to_have_text(["Before"])
    alice.open_details().get_by_role("button", name="Delete conversation").click()
    alice.page.get_by_test_id("confirm").get_by_role("button", name="Delete conversation").click()
    expect(alice.row(bob.name)).to_have_count(0)
    expect(alice.page.get_by_test_id("room")).to_have_count(0)
    bob.say("After")
    expect(alice.row(bob.name)).to_contain_text("After")
    alice.open_conversation(bob.name)
    expect(alice.messages).to_have_text(["After"])
    expect(bob.messages).to_have_text(["Before", "After"])


def test_a_conversation_that_is_not_there_says_so(join: Join) -> None:
    alice = join("gone-alice")
    alice.page.goto(f"{alice.url}/#/c/999999")
    expect(alice.page.get_by_text("This conversation is not there any more.")).to_be_visible()
