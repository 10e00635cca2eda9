"""Writing: sending, the states of what was sent, editing, deleting, answering, drafts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from .person import Person, chatting
from .wire import Wire

Join = Callable[..., Person]


def test_a_message_of_several_lines_keeps_them(join: Join) -> None:
    alice, bob = join("lines-alice"), join("lines-bob")
    alice.open_private(bob)
    alice.message_box.press_sequentially("one")
    alice.message_box.press("Shift+Enter")
    alice.message_box.press_sequentially("two")
    alice.message_box.press("Enter")
    expect(alice.messages).to_have_count(1)
    assert alice.messages.inner_text() == "one\ntwo"


def test_a_quote_follows_its_original(join: Join) -> None:
    alice, bob = join("quote-alice"), join("quote-bob")
    chatting(alice, bob)
    quote = alice.page.locator(".quote")
    original = bob.post("Shall we meet?")
    bob.post("Or shall we not?", reply_to=original)
    expect(quote).to_contain_text("Shall we meet?")
    bob.call("PATCH", f"chat/messages/{original}/", content="Shall we dance?")
    expect(quote).to_contain_text("Shall we dance?")
    bob.call("DELETE", f"chat/messages/{original}/delete/")
    expect(quote).to_contain_text("Message deleted")


def test_nothing_but_white_space_is_not_sent(join: Join) -> None:
    alice = join("blank-alice")
    alice.make_group("Blank")
    alice.say("  \n ")
    alice.say("something")
    expect(alice.messages).to_have_text(["something"])


def test_a_message_on_its_way_says_so_and_then_who_has_seen_it(join: Join) -> None:
    alice, bob = join("states-alice"), join("states-bob")
    chatting(alice, bob)
    wire = Wire(alice)
    wire.hold_back("ack", "chat_message")
    alice.wait_for_room(bob.name)
    alice.say("On its way")
    expect(alice.pending.locator(".meta")).to_have_text("Sending…")
    wire.let_go("ack")
    expect(alice.pending.locator(".meta")).to_have_text("Sent")
    wire.let_go("chat_message")
    expect(alice.pending).to_have_count(0)
    expect(alice.seen).to_have_text("Seen")


def test_a_refused_message_says_why_and_is_sent_when_tried_again(join: Join) -> None:
    alice, bob = join("retry-alice"), join("retry-bob")
    chatting(alice, bob)
    Wire(alice).refuse("forbidden words")
    alice.wait_for_room(bob.name)
    alice.say("forbidden words")
    expect(alice.pending.locator(".meta")).to_have_text("Not sent")
    expect(alice.pending.get_by_role("alert")).to_contain_text("You may not do this.")
    alice.page.get_by_role("button", name="Try again").click()
    expect(bob.messages).to_have_text(["forbidden words"])
    expect(alice.pending).to_have_count(0)


def test_a_refused_message_can_be_discarded(join: Join) -> None:
    alice, bob = join("discard-alice"), join("discard-bob")
    chatting(alice, bob)
    Wire(alice).refuse("forbidden words")
    alice.wait_for_room(bob.name)
    alice.say("forbidden words")
    alice.page.get_by_role("button", name="Discard").click()
    expect(alice.pending).to_have_count(0)
    alice.page.reload()
    alice.say("other words")
    expect(bob.messages).to_have_text(["other words"])
    expect(alice.messages).to_have_text(["other words"])


def test_an_edited_message_changes_for_all_and_says_so(join: Join) -> None:
    alice, bob = join("edit-alice"), join("edit-bob")
    chatting(alice, bob)
    alice.say("Helo")
    expect(alice.messages).to_have_text(["Helo"])
    alice.act_on("Helo", "Edit")
    expect(alice.message_box).to_have_value("Helo")
    alice.say("Hello")
    for each in (alice, bob):
        expect(each.messages).to_have_text(["Hello"])
        expect(each.page.get_by_test_id("message").locator(".meta")).to_contain_text("edited")
    expect(alice.message_box).to_have_value("")


def test_the_messages_of_others_cannot_be_edited_or_deleted(join: Join) -> None:
    alice, bob = join("others-alice"), join("others-bob")
    chatting(alice, bob)
    bob.say("Mine")
    buttons = alice.page.get_by_test_id("message").get_by_role("group", name="Actions").get_by_role("button")
    expect(buttons).to_have_count(1)
    expect(buttons).to_have_accessible_name("Reply")


def test_a_deleted_message_leaves_a_mark_for_all(join: Join) -> None:
    alice, bob = join("erase-alice"), join("erase-bob")
    chatting(alice, bob)
    alice.say("Forget this")
    expect(bob.messages).to_have_text(["Forget this"])
    alice.act_on("Forget this", "Delete")
    alice.page.get_by_test_id("confirm").get_by_role("button", name="Delete").click()
    for each in (alice, bob):
        expect(each.page.get_by_test_id("message")).to_contain_text("Message deleted")
        expect(each.messages).to_have_count(0)


def test_a_deletion_that_is_not_confirmed_deletes_nothing(join: Join) -> None:
    alice, bob = join("keep-alice"), join("keep-bob")
    chatting(alice, bob)
    alice.say("Keep this")
    expect(alice.messages).to_have_text(["Keep this"])
    alice.act_on("Keep this", "Delete")
    alice.page.get_by_test_id("confirm").get_by_role("button", name="Cancel").click()
    expect(alice.page.get_by_test_id("confirm")).to_have_count(0)
    expect(alice.messages).to_have_text(["Keep this"])


def test_an_answer_shows_what_it_answers(join: Join) -> None:
    alice, bob = join("reply-alice"), join("reply-bob")
    chatting(alice, bob)
    bob.say("Tea or coffee?")
    expect(alice.messages).to_have_text(["Tea or coffee?"])
    alice.act_on("Tea or coffee?", "Reply")
    expect(alice.page.locator(".about")).to_contain_text(f"Reply to {bob.name}")
    expect(alice.page.locator(".about")).to_contain_text("Tea or coffee?")
    alice.say("Tea")
    for each in (alice, bob):
        expect(each.page.locator(".bubble", has_text="Tea").last.locator(".quote")).to_contain_text("Tea or coffee?")
    expect(alice.page.locator(".about")).to_have_count(0)


def test_a_draft_is_kept_for_each_conversation_and_over_a_reload(join: Join) -> None:
    alice = join("draft-alice")
    alice.make_group("One")
    alice.message_box.fill("half of a word")
    alice.make_group("Other")
    expect(alice.message_box).to_have_value("")
    alice.open_conversation("One")
    expect(alice.message_box).to_have_value("half of a word")
    alice.page.reload()
    expect(alice.message_box).to_have_value("half of a word")


def test_a_draft_is_gone_once_it_is_sent(join: Join) -> None:
    alice = join("sent-alice")
    alice.make_group("One")
    alice.say("whole")
    expect(alice.messages).to_have_text(["whole"])
    alice.page.reload()
    expect(alice.messages).to_have_text(["whole"])
    expect(alice.message_box).to_have_value("")


def test_a_draft_does_not_outlive_logging_out(join: Join) -> None:
    alice = join("secret-alice")
    alice.make_group("One")
    alice.message_box.fill("half of a secret")
    alice.log_out()
    expect(alice.start).to_be_visible()
    assert "half of a secret" not in alice.page.evaluate("JSON.stringify(localStorage)")


def test_editing_does_not_lose_the_draft(join: Join) -> None:
    alice = join("both-drafts")
    alice.make_group("One")
    alice.say("old words")
    expect(alice.messages).to_have_text(["old words"])
    alice.message_box.fill("a draft")
    alice.act_on("old words", "Edit")
    expect(alice.message_box).to_have_value("old words")
    alice.message_box.press("Escape")
    expect(alice.message_box).to_have_value("a draft")


def test_the_field_grows_with_its_text_up_to_a_limit(join: Join) -> None:
    alice = join("grow-alice")
    alice.make_group("One")
    heights = []
    for lines in (1, 4, 100):
        alice.message_box.fill("\n".join(["line"] * lines))
        heights.append(alice.message_box.bounding_box()["height"])
    assert heights[0] < heights[1] < heights[2] < 200


@pytest.mark.parametrize(("text", "direction"), [("שלום עולם", "rtl"), ("مرحبا Bob", "rtl"), ("Hello עולם", "ltr")])
def test_text_runs_in_its_own_direction(join: Join, text: str, direction: str) -> None:
    alice = join(f"direction-{ord(text[0])}")
    alice.make_group("Directions")
    alice.say(text)
    expect(alice.messages).to_have_css("direction", direction)
    alice.message_box.fill(text)
    expect(alice.message_box).to_have_css("direction", direction)
