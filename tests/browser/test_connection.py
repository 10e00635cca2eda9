"""The connection breaks and comes back: nothing is lost on the screen, nothing is there twice, and it is said."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.services.server import ServerProcess

from .person import Person, chatting
from .wire import Wire

Join = Callable[..., Person]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restarted_server_loses_nothing_and_doubles_nothing(join: Join, server: ServerProcess, end: str) -> None:
    alice, bob = join("restart-alice", server), join("restart-bob", server)
    chatting(alice, bob)
    alice.say("before")
    expect(bob.messages).to_have_text(["before"])
    alice.say("at the last moment")
    getattr(server, end)()
    alice.say("while it is away")
    bob.say("me too")
    expect(alice.pending.get_by_text("while it is away")).to_be_visible()
    server.start()
    for each in (alice, bob):
        expect(each.pending).to_have_count(0, timeout=20_000)
        expect(each.messages).to_have_count(4)
        expect(each.connection).to_have_text("Connected")
    assert alice.messages.all_text_contents() == bob.messages.all_text_contents()
    assert set(alice.messages.all_text_contents()) == {"before", "at the last moment", "while it is away", "me too"}


def test_a_message_that_is_not_sent_yet_outlives_a_reload(join: Join) -> None:
    alice, bob = join("tunnel-alice"), join("tunnel-bob")
    chatting(alice, bob)
    wire = Wire(alice)
    alice.wait_for_room(bob.name)
    wire.cut()
    alice.say("in the tunnel")
    expect(alice.pending).to_contain_text("Sending…")
    alice.page.reload()
    expect(alice.pending).to_contain_text("in the tunnel")
    wire.mend()
    expect(bob.messages).to_have_text(["in the tunnel"], timeout=20_000)
    expect(alice.pending).to_have_count(0)
    expect(alice.messages).to_have_text(["in the tunnel"])


def test_two_tabs_renew_the_tokens_without_ending_the_session(join: Join, start_server: Any) -> None:
    server = start_server(ACCESS_TOKEN_LIFETIME="3")
    alice, bob = join("renew-alice", server), join("renew-bob", server)
    chatting(alice, bob)
    first = alice.access_token()
    other = alice.open()
    alice.page.wait_for_timeout(6_000)  # two or three renewals, in each of which both tabs want to be the one
    alice.say("still here")
    expect(bob.messages).to_have_text(["still here"])
    expect(other.get_by_test_id("chat")).to_be_visible()
    assert alice.access_token() != first


def test_a_flood_of_messages_costs_few_frames_and_calls(join: Join) -> None:
    alice, bob = join("flood-alice"), join("flood-bob")
    chatting(alice, bob)
    sockets: list[Any] = []
    sent: list[str] = []
    lists: list[str] = []
    alice.page.on("websocket", lambda socket: sockets.append(socket))
    alice.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    alice.page.on("request", lambda request: lists.append(request.url) if "/conversations/?" in request.url else None)
    alice.page.reload()  # the socket is open already: whoever listens has to do so before
    alice.wait_for_room(bob.name)
    lists.clear()
    began = monotonic()
    bob.post_many(150)
    expect(alice.messages.last).to_have_text("number 150")
    expect(alice.row(bob.name)).to_contain_text("number 150")
    expect(alice.row(bob.name).get_by_text("unread")).to_have_count(0)
    expect(bob.seen).to_have_text("Seen")
    seconds = monotonic() - began
    assert 0 < sum('"read_receipt"' in frame for frame in sent) <= seconds + 2
    assert len(lists) <= seconds / 4 + 2
    assert [socket.is_closed() for socket in sockets] == [False]


def test_what_came_while_one_was_offline_is_there_when_one_is_back(join: Join) -> None:
    alice, bob = join("offline-alice"), join("offline-bob")
    chatting(alice, bob)
    wire = Wire(alice)
    alice.wait_for_room(bob.name)
    bob.say("before")
    expect(alice.messages).to_have_text(["before"])
    alice.context.set_offline(True)
    wire.cut()
    expect(alice.connection).to_have_text("No network")
    alice.say("from the tunnel")
    bob.say("into the tunnel")
    expect(bob.messages).to_have_text(["before", "into the tunnel"])
    expect(alice.messages).to_have_text(["before"])
    expect(alice.pending).to_contain_text("Sending…")
    wire.mend()
    alice.context.set_offline(False)
    expect(alice.connection).to_have_text("Connected")
    for each in (alice, bob):
        expect(each.messages).to_have_text(["before", "into the tunnel", "from the tunnel"])
        expect(each.pending).to_have_count(0)


def test_three_see_the_same_after_one_was_away(join: Join) -> None:
    alice, bob, carol = join("three-alice"), join("three-bob"), join("three-carol")
    alice.make_group("Three", bob, carol)
    group = alice.conversation
    for each in (bob, carol):
        each.open_conversation("Three")
    bob.say("to be edited")
    expect(carol.messages).to_have_text(["to be edited"])
    wire = Wire(carol)
    carol.wait_for_room("Three")
    wire.cut()
    bob.act_on("to be edited", "Edit")
    bob.say("edited")
    alice.say("new")
    alice.call("PATCH", f"chat/conversations/{group}/", name="Three of us")
    wire.mend()
    carol.wait_for_room("Three of us")
    for each in (alice, bob, carol):
        expect(each.messages).to_have_text(["edited", "new"])


def test_a_connection_that_is_lost_says_so_and_can_be_tried_again(join: Join) -> None:
    alice = join("lost-alice")
    wire = Wire(alice)
    expect(alice.connection).to_have_text("Connected")
    wire.cut()
    expect(alice.connection).to_have_text("Reconnecting…")
    wire.mend()
    alice.page.get_by_role("button", name="Try now").click()
    expect(alice.connection).to_have_text("Connected", timeout=2_000)


def test_a_connection_that_the_server_ended_for_good_stays_so_until_one_tries(join: Join) -> None:
    alice = join("stopped-alice")
    wire = Wire(alice)
    expect(alice.connection).to_have_text("Connected")
    wire.cut(code=4400)
    expect(alice.connection).to_have_text("Disconnected")
    wire.mend()
    alice.page.get_by_role("button", name="Try now").click()
    expect(alice.connection).to_have_text("Connected")


def test_two_windows_of_one_person_show_the_same(join: Join, visitor: Join) -> None:
    alice, bob = join("windows-alice"), join("windows-bob")
    chatting(alice, bob)
    other = visitor(alice.server, alice.name)
    other.log_in()
    expect(other.chat).to_be_visible()
    alice.say("from the one")
    other.open_conversation(bob.name)
    other.say("from the other")
    for each in (alice, other, bob):
        expect(each.messages).to_have_text(["from the one", "from the other"])
        expect(each.pending).to_have_count(0)
