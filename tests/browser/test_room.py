"""A conversation that is open: what is said, who is there, types and has read."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from .person import Person, chatting

Join = Callable[..., Person]


def test_two_people_chat_with_each_other(join: Join) -> None:
    alice, bob = join("chat-alice"), join("chat-bob")
    chatting(alice, bob)
    bob.say("Hello Alice")
    expect(alice.messages).to_have_text(["Hello Alice"])
    alice.say("Hello Bob")
    for each in (alice, bob):
        expect(each.messages).to_have_text(["Hello Alice", "Hello Bob"])
        expect(each.pending).to_have_count(0)


def test_a_group_of_three_gets_a_message(join: Join) -> None:
    alice, bob, carol = join("group-alice"), join("group-bob"), join("group-carol")
    alice.make_group("Crew", bob, carol)
    bob.open_conversation("Crew")
    carol.open_conversation("Crew")
    carol.say("Hello crew")
    for each in (alice, bob, carol):
        expect(each.messages).to_have_text(["Hello crew"])
        expect(each.system_messages).to_have_text([f"{alice.name} created the group Crew"])
    expect(alice.page.get_by_test_id("message").get_by_text(carol.name)).to_be_visible()


def test_typing_is_shown_until_the_message_comes(join: Join) -> None:
    alice, bob = join("typing-alice"), join("typing-bob")
    chatting(alice, bob)
    bob.message_box.press_sequentially("Hel")
    expect(alice.typing).to_have_text(f"{bob.name} is typing…")
    bob.message_box.press("Enter")
    expect(alice.messages).to_have_text(["Hel"])
    expect(alice.typing).to_have_text("")


def test_typing_ends_where_the_text_is_taken_back(join: Join) -> None:
    alice, bob = join("back-alice"), join("back-bob")
    chatting(alice, bob)
    bob.message_box.press_sequentially("Hel")
    expect(alice.typing).to_have_text(f"{bob.name} is typing…")
    bob.message_box.fill("")
    expect(alice.typing).to_have_text("", timeout=2_000)


def test_coming_and_going_is_shown(join: Join) -> None:
    alice, bob = join("status-alice"), join("status-bob")
    chatting(alice, bob)
    expect(alice.status).to_have_text("Online")
    bob.page.close()
    expect(alice.status).to_contain_text("Last seen today at", timeout=12_000)
    expect(alice.row(bob.name)).to_have_attribute("data-online", "false")


def test_a_message_is_marked_as_seen_once_the_other_one_has_it_on_the_screen(join: Join) -> None:
    alice, bob = join("seen-alice"), join("seen-bob")
    alice.open_private(bob)
    alice.say("Look")
    expect(alice.messages).to_have_text(["Look"])
    expect(alice.seen).to_have_count(0)
    bob.open_conversation(alice.name)
    expect(alice.seen).to_have_text("Seen")
    expect(bob.row(alice.name).get_by_text("unread")).to_have_count(0)


def test_days_stand_between_messages(join: Join) -> None:
    alice = join("days-alice")
    alice.make_group("Days")
    for days, text in ((40, "long ago"), (1, "yesterday's"), (0, "today's")):
        message = alice.post(text)
        move = "UPDATE chat_message SET created_at = datetime(created_at, :by) WHERE id = :id"
        alice.execute(move, by=f"-{days} days", id=message)
    alice.execute("UPDATE chat_message SET created_at = datetime(created_at, '-50 days') WHERE type = 'system'")
    alice.page.reload()
    expect(alice.page.locator(".day")).to_have_count(4)
    expect(alice.page.locator(".day").nth(2)).to_have_text("Yesterday")
    expect(alice.page.locator(".day").last).to_have_text("Today")


def test_messages_of_one_person_in_a_row_name_them_once(join: Join) -> None:
    alice, bob = join("run-alice"), join("run-bob")
    alice.make_group("Runs", bob)
    bob.open_conversation("Runs")
    for each, text in ((bob, "one"), (bob, "two"), (alice, "three"), (bob, "four")):
        each.post(text)
    expect(alice.messages).to_have_text(["one", "two", "three", "four"])
    expect(alice.page.locator(".message.first").get_by_test_id("content")).to_have_text(["one", "three", "four"])
    expect(alice.page.locator(".message .author")).to_have_text([bob.name, bob.name])


def test_who_looks_elsewhere_finds_a_line_above_what_came_meanwhile(join: Join) -> None:
    alice, bob = join("away-alice"), join("away-bob")
    chatting(alice, bob)
    bob.say("seen")
    expect(alice.messages).to_have_text(["seen"])
    expect(bob.seen).to_have_text("Seen")
    alice.look_away()
    bob.say("not seen")
    expect(alice.messages).to_have_text(["seen", "not seen"])
    expect(alice.rows_from_line).to_have_text(["New messages", re.compile("not seen")])
    expect(alice.row(bob.name).get_by_text("1 unread", exact=True)).to_be_attached()
    expect(alice.page).to_have_title("(1) Chat")
    alice.look_back()
    expect(alice.page).to_have_title("Chat")


def test_a_conversation_with_unread_messages_has_the_line_above_the_first_of_them(join: Join) -> None:
    alice, bob = join("line-alice"), join("line-bob")
    alice.open_private(bob)
    alice.post("read")
    bob.open_conversation(alice.name)
    expect(alice.seen).to_have_text("Seen")
    bob.page.goto(f"{bob.url}/#/")
    alice.post("unread")
    bob.open_conversation(alice.name)
    expect(bob.rows_from_line).to_have_text(["New messages", re.compile("unread")])


def test_three_see_who_of_them_has_read(join: Join) -> None:
    alice, bob, carol = join("read-alice"), join("read-bob"), join("read-carol")
    alice.make_group("Readers", bob, carol)
    alice.say("Who reads this?")
    bob.open_conversation("Readers")
    expect(alice.seen).to_have_text(f"Seen by {bob.name}")
    carol.open_conversation("Readers")
    expect(alice.seen).to_have_text("Seen by everyone")


def test_who_has_read_a_message_is_listed_with_the_time(join: Join) -> None:
    alice, bob = join("readers-alice"), join("readers-bob")
    alice.make_group("Readers", bob)
    alice.say("Read me")
    expect(alice.messages).to_have_text(["Read me"])
    alice.act_on("Read me", "Who has read it")
    dialog = alice.page.get_by_test_id("readers")
    expect(dialog).to_contain_text("Nobody yet.")
    dialog.get_by_role("button", name="Close").click()
    bob.open_conversation("Readers")
    expect(alice.seen).to_have_text("Seen by everyone")
    alice.act_on("Read me", "Who has read it")
    expect(dialog.get_by_role("listitem")).to_have_text([re.compile(rf"{bob.name}.*\d\d:\d\d")])


def test_two_who_type_are_both_named(join: Join) -> None:
    alice, bob, carol = join("both-alice"), join("both-bob"), join("both-carol")
    alice.make_group("Typists", bob, carol)
    for each in (bob, carol):
        each.open_conversation("Typists")
        each.message_box.press_sequentially("W")
    expect(alice.typing).to_have_text(f"{bob.name} and {carol.name} are typing…")


def test_a_group_says_how_many_of_it_are_online(join: Join) -> None:
    alice, bob = join("count-alice"), join("count-bob")
    alice.make_group("Counted", bob)
    expect(alice.status).to_have_text("2 people, 2 online")
    bob.log_out()
    expect(alice.status).to_have_text("2 people, 1 online", timeout=12_000)
