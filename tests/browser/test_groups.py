"""Groups: made, named, joined, administered, left and ended."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from .person import Person
from .wire import Wire

Join = Callable[..., Person]


def participant(dialog: Locator, person: Person) -> Locator:
    return dialog.get_by_test_id("participants").get_by_role("listitem").filter(has_text=person.name)


def test_a_group_is_made_by_the_keyboard_with_people_and_a_description(join: Join) -> None:
    alice, bob = join("make-alice"), join("make-bob")
    alice.page.get_by_role("button", name="New group").press("Enter")
    dialog = alice.page.get_by_test_id("group-dialog")
    dialog.get_by_label("Name", exact=True).fill("Engines")
    dialog.get_by_label("Description").fill("All about engines")
    dialog.get_by_label("Add people").fill(bob.name)
    expect(dialog.get_by_test_id("group-people").get_by_role("button")).to_have_count(1)
    dialog.get_by_label("Add people").press("Enter")
    expect(dialog.get_by_test_id("group-picked")).to_contain_text(bob.name)
    dialog.get_by_label("Name", exact=True).press("Enter")
    alice.wait_for_room("Engines")
    bob.open_conversation("Engines")
    expect(bob.open_details()).to_contain_text("All about engines")


def test_somebody_who_was_picked_can_be_left_out_again(join: Join) -> None:
    alice, bob = join("pick-alice"), join("pick-bob")
    alice.page.get_by_role("button", name="New group").click()
    dialog = alice.page.get_by_test_id("group-dialog")
    dialog.get_by_label("Add people").fill(bob.name)
    dialog.get_by_test_id("group-people").get_by_role("button").click()
    dialog.get_by_role("button", name=f"Remove {bob.name}").click()
    expect(dialog.get_by_test_id("group-picked").get_by_role("listitem")).to_have_count(0)


def test_a_group_without_a_name_is_refused_at_the_field(join: Join) -> None:
    alice = join("nameless-alice")
    alice.page.get_by_role("button", name="New group").click()
    dialog = alice.page.get_by_test_id("group-dialog")
    dialog.get_by_role("button", name="Create group").click()
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    expect(dialog.locator(".field-error")).to_have_count(1)


def test_a_new_name_is_seen_by_all_at_once(join: Join) -> None:
    alice, bob = join("rename-alice"), join("rename-bob")
    alice.make_group("Old name", bob)
    bob.open_conversation("Old name")
    dialog = alice.open_details()
    dialog.get_by_label("Name", exact=True).fill("New name")
    dialog.get_by_label("Description").fill("What it is about")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Saved.")).to_be_visible()
    bob.wait_for_room("New name")
    expect(bob.row("New name")).to_be_visible()
    expect(bob.system_messages.last).to_have_text(f"{alice.name} named the group New name")
    expect(bob.open_details()).to_contain_text("What it is about")


def test_who_is_added_finds_the_group_in_the_list(join: Join) -> None:
    alice, bob, carol = join("add-alice"), join("add-bob"), join("add-carol")
    alice.make_group("Growing", bob)
    dialog = alice.open_details()
    dialog.get_by_label("Add people").fill(carol.name)
    dialog.get_by_test_id("group-people").get_by_role("button", name=carol.name).click()
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(participant(dialog, carol)).to_be_visible()
    expect(dialog.get_by_role("heading", name="Participants (3)")).to_be_visible()
    carol.open_conversation("Growing")
    expect(carol.system_messages).to_have_text([f"{alice.name} added {carol.name}"])


def test_who_is_removed_while_it_is_open_is_told_and_can_write_no_more(join: Join) -> None:
    alice, bob = join("remove-alice"), join("remove-bob")
    alice.make_group("Strict", bob)
    alice.say("Last words to Bob")
    bob.open_conversation("Strict")
    expect(bob.messages).to_have_text(["Last words to Bob"])
    dialog = alice.open_details()
    participant(dialog, bob).get_by_role("button", name="Remove").click()
    expect(participant(dialog, bob)).to_have_count(0)
    expect(bob.page.get_by_role("alert")).to_have_text("You are no longer in this conversation.")
    expect(bob.messages).to_have_text(["Last words to Bob"])
    expect(bob.message_box).to_have_count(0)
    expect(bob.row("Strict")).to_have_count(0)
    expect(alice.system_messages.last).to_have_text(f"{alice.name} removed {bob.name}")


def test_what_was_written_in_a_tunnel_to_a_group_that_one_was_removed_from_meanwhile_says_so(join: Join) -> None:
    alice, bob = join("meanwhile-alice"), join("meanwhile-bob")
    alice.make_group("Meanwhile", bob)
    group = alice.conversation
    bob.open_conversation("Meanwhile")
    wire = Wire(bob)
    bob.wait_for_room("Meanwhile")
    wire.cut()
    bob.say("Too late")
    alice.call("DELETE", f"chat/conversations/{group}/participants/{bob.id}/")
    wire.mend()
    expect(bob.page.locator(".notice")).to_have_text("This conversation is not there any more.")
    expect(bob.pending.locator(".meta")).to_have_text("Not sent")
    expect(bob.pending.get_by_role("button")).to_have_text(["Discard"])
    expect(alice.messages).to_have_count(0)


def test_who_is_made_an_admin_can_administer_and_no_more_once_it_is_taken(join: Join) -> None:
    alice, bob = join("admin-alice"), join("admin-bob")
    alice.make_group("Democracy", bob)
    bob.open_conversation("Democracy")
    tools = bob.open_details().get_by_label("Name", exact=True)
    expect(tools).to_have_count(0)
    dialog = alice.open_details()
    participant(dialog, bob).get_by_role("button", name="Make admin").click()
    expect(participant(dialog, bob)).to_contain_text("Admin")
    expect(tools).to_be_visible()
    expect(bob.system_messages.last).to_have_text(f"{alice.name} made {bob.name} an admin")
    participant(dialog, bob).get_by_role("button", name="Take admin right").click()
    expect(tools).to_have_count(0)
    expect(bob.system_messages.last).to_have_text(f"{alice.name} took the admin right from {bob.name}")


def test_the_last_admin_keeps_the_right_and_is_told_why(join: Join) -> None:
    alice, bob = join("keeper-alice"), join("keeper-bob")
    alice.make_group("Headless", bob)
    dialog = alice.open_details()
    participant(dialog, alice).get_by_role("button", name="Take admin right").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A group always has an admin")


def test_who_leaves_has_it_no_more_and_the_others_read_so(join: Join) -> None:
    alice, bob = join("leave-alice"), join("leave-bob")
    alice.make_group("Leaving", bob)
    bob.open_conversation("Leaving")
    bob.open_details().get_by_role("button", name="Leave group").click()
    question = bob.page.get_by_test_id("confirm")
    expect(question).to_contain_text("Leave Leaving?")
    question.get_by_role("button", name="Leave group").click()
    expect(bob.row("Leaving")).to_have_count(0)
    expect(bob.page.get_by_test_id("room")).to_have_count(0)
    expect(alice.system_messages.last).to_have_text(f"{bob.name} left the group")
    expect(alice.status).to_have_text(re.compile("^1 person"))


def test_a_group_that_is_deleted_for_everyone_is_gone_for_everyone(join: Join) -> None:
    alice, bob = join("end-alice"), join("end-bob")
    alice.make_group("Ending", bob)
    bob.open_conversation("Ending")
    alice.open_details().get_by_role("button", name="Delete for everyone").click()
    alice.page.get_by_test_id("confirm").get_by_role("button", name="Delete for everyone").click()
    expect(bob.page.get_by_role("alert")).to_have_text("This conversation is not there any more.")
    for each in (alice, bob):
        expect(each.row("Ending")).to_have_count(0)


def test_an_admin_deletes_the_message_of_another(join: Join) -> None:
    alice, bob = join("moderate-alice"), join("moderate-bob")
    alice.make_group("Moderated", bob)
    bob.open_conversation("Moderated")
    bob.say("Something rude")
    expect(alice.messages).to_have_text(["Something rude"])
    alice.act_on("Something rude", "Delete")
    alice.page.get_by_test_id("confirm").get_by_role("button", name="Delete").click()
    expect(bob.page.get_by_test_id("message")).to_contain_text("Message deleted")
