"""All of it without a mouse: the order of what Tab reaches, the keys of the list, of messages and of dialogs."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess

from .axe import focus_at
from .person import Person, chatting

Join = Callable[..., Person]


def test_two_begin_to_chat_without_a_mouse(visitor: Join, join: Join, shared_server: ServerProcess) -> None:
    bob = join("keys-bob")
    alice = visitor(shared_server, "keys-alice")
    keys = alice.page.keyboard
    expect(alice.page.get_by_label("E-mail")).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("ArrowRight")
    expect(alice.page.get_by_role("tab", name="Register")).to_be_focused()
    for text in (alice.email, alice.name, PASSWORD):
        keys.press("Tab")
        keys.type(text)
    keys.press("Enter")
    expect(alice.chat).to_be_visible()
    for _ in range(2):
        keys.press("Tab")
    expect(alice.search).to_be_focused()
    keys.type(bob.name)
    expect(alice.page.get_by_test_id("people").get_by_role("button")).to_have_count(1)
    keys.press("Tab")  # New group
    keys.press("Tab")
    keys.press("Enter")
    alice.wait_for_room(bob.name)
    expect(alice.message_box).to_be_focused()
    keys.type("Hello")
    keys.press("Enter")
    expect(bob.row(alice.name)).to_contain_text("Hello")


@pytest.fixture
def furnished(join: Join, request: pytest.FixtureRequest) -> tuple[Person, Person]:
    """Two in a conversation in which each has said something."""
    name = request.node.name.split("[")[0][-20:]
    alice, bob = join(f"a{name}".replace("_", "-")), join(f"b{name}".replace("_", "-"))
    chatting(alice, bob)
    bob.say("first of Bob")
    expect(alice.messages).to_have_count(1)
    alice.say("first of Alice")
    alice.say("second of Alice")
    expect(alice.messages).to_have_count(3)
    expect(alice.pending).to_have_count(0)
    return alice, bob


Two = tuple[Person, Person]


def test_tab_goes_through_the_page_in_the_order_in_which_it_is_read(furnished: Two) -> None:
    alice, bob = furnished
    alice.page.get_by_role("button", name="Your account").focus()
    reached = []
    while (name := focus_at(alice.page)) and len(reached) < 30:
        reached.append(name)
        alice.page.keyboard.press("Tab")
    assert reached[:3] == ["Menu: Your account", "Search people and conversations", "New group"]
    assert bob.name in reached[3]
    assert reached[4] == "Details"
    assert reached[5].startswith("You: second of Alice")
    assert reached[6:9] == ["Reply", "Edit", "Delete"]
    assert reached[9:] == ["Message", "Send"]


def test_what_has_the_keyboard_is_seen_on_the_start_screen(visitor: Join, shared_server: ServerProcess) -> None:
    alice = visitor(shared_server, "nobody")
    expect(alice.page.get_by_label("E-mail")).to_be_focused()
    reached = []
    for _ in range(7):
        reached.append(focus_at(alice.page))
        alice.page.keyboard.press("Tab")
    assert [name for name in reached if "|" in name] == []
    assert reached[:5] == ["E-mail", "Password", "Log in", "Forgot your password?", "Language"]


def test_arrow_up_in_an_empty_field_edits_the_last_message_of_ones_own(furnished: Two) -> None:
    alice, bob = furnished
    bob.say("the newest of all")
    expect(alice.messages).to_have_count(4)
    alice.message_box.press("ArrowUp")
    expect(alice.message_box).to_have_value("second of Alice")
    alice.say("second, changed")
    expect(bob.messages).to_have_text(["first of Bob", "first of Alice", "second, changed", "the newest of all"])


def test_arrow_up_in_a_text_moves_in_the_text(furnished: Two) -> None:
    alice, _ = furnished
    alice.message_box.fill("a draft")
    alice.message_box.press("ArrowUp")
    expect(alice.message_box).to_have_value("a draft")


def test_escape_ends_an_answer_and_the_field_keeps_the_keyboard(furnished: Two) -> None:
    alice, _ = furnished
    alice.act_on("first of Bob", "Reply")
    expect(alice.message_box).to_be_focused()
    alice.page.keyboard.press("Escape")
    expect(alice.page.locator(".about")).to_have_count(0)
    expect(alice.message_box).to_be_focused()


def test_arrows_go_from_message_to_message_and_letters_do_something_with_one(furnished: Two) -> None:
    alice, bob = furnished
    keys = alice.page.keyboard
    alice.message("second of Alice").focus()
    keys.press("ArrowUp")
    expect(alice.message("first of Alice")).to_be_focused()
    keys.press("Home")
    expect(alice.message("first of Bob")).to_be_focused()
    keys.press("r")
    expect(alice.page.locator(".about")).to_contain_text(f"Reply to {bob.name}")
    expect(alice.message_box).to_be_focused()
    keys.press("Escape")
    alice.message("first of Bob").focus()
    keys.press("End")
    keys.press("e")
    expect(alice.message_box).to_have_value("second of Alice")
    keys.press("Escape")
    alice.message("second of Alice").focus()
    keys.press("Delete")
    expect(alice.page.get_by_test_id("confirm")).to_be_visible()


def test_arrows_go_on_to_messages_that_are_not_in_the_page_yet(join: Join) -> None:
    alice, bob = join("far-alice"), join("far-bob")
    alice.open_private(bob)
    alice.post_many(120)
    expect(alice.messages.last).to_have_text("number 120")
    alice.message("number 120").focus()
    for number in range(119, 59, -1):
        alice.page.keyboard.press("ArrowUp")
        expect(alice.page.locator(f"[data-seq='{number}']")).to_be_focused()
    expect(alice.message("number 60")).to_be_in_viewport()


def test_page_keys_move_through_the_messages_and_keep_the_keyboard_there(join: Join) -> None:
    alice, bob = join("page-alice"), join("page-bob")
    alice.open_private(bob)
    alice.post_many(120)
    expect(alice.messages.last).to_have_text("number 120")
    alice.message("number 120").focus()
    for _ in range(4):
        alice.page.keyboard.press("PageUp")
        alice.page.wait_for_timeout(300)  # it may glide there
    expect(alice.message("number 120")).to_have_count(0)
    assert alice.page.evaluate("document.activeElement.closest('#scroller') !== null")
    alice.page.keyboard.press("ArrowUp")
    expect(alice.page.locator("article:focus")).to_be_in_viewport()


def test_ctrl_k_jumps_to_a_conversation_by_some_letters(join: Join) -> None:
    alice = join("jump-alice")
    for name in ("Astronomy", "Botany", "Chemistry"):
        alice.make_group(name)
    alice.page.keyboard.press("Control+k")
    dialog = alice.page.get_by_test_id("jump-dialog")
    expect(dialog.get_by_role("combobox")).to_be_focused()
    expect(dialog.get_by_role("option")).to_have_text(["CChemistry", "BBotany", "AAstronomy"])
    alice.page.keyboard.type("bot")
    expect(dialog.get_by_role("option")).to_have_count(1)
    alice.page.keyboard.press("Enter")
    alice.wait_for_room("Botany")
    expect(dialog).to_have_count(0)


def test_ctrl_k_jumps_by_arrows(join: Join) -> None:
    alice = join("arrow-alice")
    for name in ("Astronomy", "Botany", "Chemistry"):
        alice.make_group(name)
    alice.page.keyboard.press("Control+k")
    options = alice.page.get_by_role("option")
    expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    alice.page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    alice.page.keyboard.press("ArrowUp")
    alice.page.keyboard.press("ArrowUp")
    expect(options.nth(2)).to_have_attribute("aria-selected", "true")
    alice.page.keyboard.press("Enter")
    alice.wait_for_room("Astronomy")


def test_ctrl_k_jumps_to_somebody_with_whom_nothing_was_said_yet(join: Join) -> None:
    alice, bob = join("new-alice"), join("newcomer-bob")
    alice.page.keyboard.press("Control+k")
    alice.page.keyboard.type("newcomer")
    expect(alice.page.get_by_role("option")).to_have_count(1)
    alice.page.keyboard.press("Enter")
    alice.wait_for_room(bob.name)


def test_escape_closes_a_dialog_and_the_keyboard_is_where_it_was(furnished: Two) -> None:
    alice, _ = furnished
    for button in ("Details", "New group", "Your account"):
        opener = alice.page.get_by_role("button", name=button)
        opener.focus()
        alice.page.keyboard.press("Enter")
        expect(alice.page.get_by_role("dialog")).to_be_visible()
        alice.page.keyboard.press("Escape")
        expect(alice.page.get_by_role("dialog")).to_have_count(0)
        expect(opener).to_be_focused()


def test_a_dialog_keeps_the_keyboard_in_it(furnished: Two) -> None:
    alice, _ = furnished
    dialog = alice.open_details()
    expect(dialog).to_be_visible()
    reached = set()
    for _ in range(6):
        alice.page.keyboard.press("Tab")
        reached.add(focus_at(alice.page))
    inside = {each.inner_text() for each in dialog.get_by_role("button").all()}
    assert reached - {""} == inside  # none: the browser's own buttons
