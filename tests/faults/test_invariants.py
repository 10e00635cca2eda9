"""The checker itself, on hand-made histories: what it must let pass, and what it must see."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from .history import Attempt, Frame, Operation, Sample
from .invariants import CHECKS, too_little
from .state import Part
from .story import ADDED, ALICE, BOB, ELSEWHERE, REMOVED, ROOM, Story


@pytest.fixture
def story() -> Story:
    return Story()


Twist = Callable[[Story], Any]

# What may happen -------------------------------------------------------------------------------------


def nothing_more(story: Story) -> None:
    pass


def an_unknown_send_that_is_stored(story: Story) -> None:
    story.say("d", 5, "unknown")
    for socket in (story.alice, story.bob):
        socket.frames.append(story.frame(story.state.changes[-1], 5.2))
    story.state.parts = []


def an_unknown_send_that_is_not(story: Story) -> None:
    story.say("d", 5, "unknown", stored=False)


def a_refused_send_of_who_takes_no_part(story: Story) -> None:
    story.happen(REMOVED, 5)
    del story.alice.frames[1:]
    story.alice.closed, story.alice.ended_here = 4.5, True
    story.bob.frames.append(story.frame(story.state.changes[-1], 5.1))
    story.bob.closed, story.bob.code = 5.2, 4403
    story.state.online, story.state.parts = {}, []
    operation = Operation("send", BOB, ROOM, "d", client_id="d")
    operation.attempts = [Attempt(6, 0, "rest", 6.1, "failed", "404")]
    story.history.operations.append(operation)
    story.alice.frames += [story.frame(each, each.at + 0.1) for each in story.state.changes[:-1]]


def a_version_whose_message_had_changed_again(story: Story) -> None:
    """Version 1 is left out, version 4 of the same message was stored before version 2 was sent."""
    story.bob.frames[2:4] = [replace(each, at=4.2) for each in story.bob.frames[2:4]]
    del story.bob.frames[1]


def a_late_frame_after_postgres_was_away(story: Story) -> None:
    story.fault("postgres", 3.9, 20)
    story.bob.frames[-1].at = 24


def a_reader_that_stopped(story: Story) -> None:
    story.fault("reader", 3.9, 20, server=1, connection=story.bob.number)
    story.bob.frames.pop()
    story.bob.closed, story.bob.code = 20, 4408
    story.socket(BOB, 1, opened=20.5, since=3)


def a_socket_that_comes_back(story: Story) -> None:
    story.fault("kill", 2.5, 4, server=1)
    del story.bob.frames[3:]
    story.bob.closed = 2.5
    story.socket(BOB, 0, opened=3.5, since=2)


def somebody_who_is_added(story: Story) -> None:
    """Bob's part begins with his coming; the edit of an older message is not for him."""
    story.happen(ADDED, 5)
    story.change(2, "b, edited", 6)
    story.say("d", 7)
    story.alice.frames += [story.frame(each, each.at + 0.1) for each in story.state.changes[4:]]
    coming, _, later = story.state.changes[4:]
    story.bob.opened, story.bob.since, story.bob.recovered = 5.5, None, False
    story.bob.frames = [Frame(5.5, "connected", ROOM, 5, 4), story.frame(later, 7.1)]
    assert coming.event == ADDED
    story.state.parts = [Part(ROOM, BOB, 3, 3, unread=2)]


def who_was_killed_with_the_server_is_offline_later(story: Story) -> None:
    story.fault("kill", 50, 51, server=1)
    story.bob.closed = 50
    story.state.online[BOB] = [True, True]


MAY_HAPPEN: list[Twist] = [
    nothing_more,
    an_unknown_send_that_is_stored,
    an_unknown_send_that_is_not,
    a_refused_send_of_who_takes_no_part,
    a_version_whose_message_had_changed_again,
    a_late_frame_after_postgres_was_away,
    a_reader_that_stopped,
    a_socket_that_comes_back,
    somebody_who_is_added,
    who_was_killed_with_the_server_is_offline_later,
]


@pytest.mark.parametrize("twist", MAY_HAPPEN, ids=lambda twist: twist.__name__)
def test_what_may_happen_is_green(story: Story, twist: Twist) -> None:
    twist(story)
    assert story.red() == {}


# What must not ---------------------------------------------------------------------------------------


def an_acked_send_is_gone(story: Story) -> None:
    story.say("d", 5, stored=False).seq = 4


def a_send_is_stored_twice(story: Story) -> None:
    story.say("d", 5)
    story.history.operations[-1].client_id = "c"
    story.state.messages[-1] = replace(story.state.messages[-1], client_id="c")
    story.history.operations.pop()
    for socket in (story.alice, story.bob):
        socket.frames.append(story.frame(story.state.changes[-1], 5.2))
    story.state.parts = []


def a_refused_send_is_stored(story: Story) -> None:
    an_unknown_send_that_is_stored(story)
    story.history.operations[-1].attempts[0].outcome = "failed"


def an_ack_names_another_seq(story: Story) -> None:
    story.history.operations[2].seq = 4


def a_seq_is_left_out(story: Story) -> None:
    story.state.messages[2] = replace(story.state.messages[2], seq=4)
    story.state.changes[2] = replace(story.state.changes[2], seq=4)
    story.history.operations[2].seq = 4
    for socket in (story.alice, story.bob):
        socket.frames[3].seq = 4


def a_version_is_given_out_twice(story: Story) -> None:
    story.state.changes.append(replace(story.state.changes[1], at=2.06))


def an_acked_edit_is_gone(story: Story) -> None:
    operation = story.change(3, "c, edited", 5)
    operation.content = "c, edited otherwise"
    for socket in (story.alice, story.bob):
        socket.frames.append(story.frame(story.state.changes[-1], 5.2))


def a_deleted_message_comes_back(story: Story) -> None:
    story.change(3, "", 5, delete=True)
    story.change(3, "c", 6)
    story.history.operations[-2].kind = "edit"
    story.history.operations[-2].content = ""
    for socket in (story.alice, story.bob):
        socket.frames += [story.frame(each, each.at + 0.1) for each in story.state.changes[-2:]]


def an_ack_does_not_order(story: Story) -> None:
    early, late = story.history.operations[:2]
    early.attempts, late.attempts = late.attempts, early.attempts


def an_inbox_counts_otherwise(story: Story) -> None:
    story.state.inboxes[BOB, ROOM] = 3


def unread_is_miscounted(story: Story) -> None:
    story.state.parts[1] = replace(story.state.parts[1], unread=1)


def somebody_present_is_shown_offline(story: Story) -> None:
    story.state.online[BOB] = [True, False]


def somebody_gone_is_shown_online(story: Story) -> None:
    story.bob.closed, story.bob.ended_here = 45, True


def an_answer_is_500(story: Story) -> None:
    story.say("d", 5, "unknown", stored=False).attempts[0].answer = "500"


def somebody_who_takes_part_is_refused(story: Story) -> None:
    story.say("d", 5, "failed", stored=False)


def nothing_is_acked_after_a_fault(story: Story) -> None:
    story.fault("redis", 10, 11)
    for at in (11, 13, 15, 17, 19):
        story.say(f"d{at}", at, "unknown", stored=False)


def an_ack_is_late_while_redis_is_away(story: Story) -> None:
    story.fault("redis", 4.5, 8)
    story.say("d", 5, "unknown", stored=False).attempts[0].ended = 6.5
    story.say("e", 8.5, "unknown", stored=False).attempts[0].ended = 11  # not while it is away


def others_wait_for_a_locked_row(story: Story) -> None:
    story.fault("row", 4.5, 9.5, conversation=ELSEWHERE)
    story.say("d", 5, "unknown", stored=False).attempts[0].ended = 9.5


def a_rolling_restart_loses_a_send(story: Story) -> None:
    story.fault("restart", 4.5, 9, server=0)
    operation = story.say("d", 5, "unknown", stored=False)
    operation.attempts.append(Attempt(7, 1, "rest", 8))


def a_rolling_restart_does_not_answer_what_was_asked_before(story: Story) -> None:
    story.fault("restart", 5.5, 9, server=0)
    story.say("d", 5, "unknown", stored=False).attempts[0] = Attempt(5, 0, "rest", 5.6, "unknown", "ReadError")


def a_server_grows(story: Story) -> None:
    small = Sample(0, 0, "begin", 10**8, 50, 20)
    story.history.samples = [small, replace(small, when="end", memory=10**9)]


def connections_to_the_database_stay_open(story: Story) -> None:
    story.state.database_connections = (10, 90)


def a_nemesis_saw_something(story: Story) -> None:
    story.history.notes.append("server 0 ended with 1")


def a_socket_gets_them_out_of_order(story: Story) -> None:
    frames = story.bob.frames
    frames[2], frames[3] = frames[3], frames[2]


def a_socket_gets_one_twice(story: Story) -> None:
    story.bob.frames.insert(3, story.bob.frames[2])


def a_socket_misses_one(story: Story) -> None:
    del story.bob.frames[2]


def a_socket_misses_one_that_changed_too_late(story: Story) -> None:
    """Version 1 is left out, and when version 2 was sent its message had not changed again."""
    del story.bob.frames[1]


def a_socket_gets_what_was_never_stored(story: Story) -> None:
    story.bob.frames.append(Frame(6, "chat_message", ROOM, 5, None, None, 9, 4, "ghost"))


def a_socket_that_comes_back_misses_one(story: Story) -> None:
    a_socket_that_comes_back(story)
    del story.history.connections[-1].frames[1]


def a_sensible_since_is_not_recovered(story: Story) -> None:
    story.bob.recovered = False
    story.bob.frames[0].version = 0


def the_last_one_never_comes(story: Story) -> None:
    story.bob.frames.pop()


def one_comes_late(story: Story) -> None:
    story.bob.frames[-1].at += 5.5


def a_frame_of_another_conversation(story: Story) -> None:
    story.bob.frames.append(Frame(6, "typing", ELSEWHERE))


def a_message_reaches_who_was_removed(story: Story) -> None:
    a_refused_send_of_who_takes_no_part(story)
    operation = story.say("e", 5.1)
    operation.user = ALICE
    story.bob.frames.append(story.frame(story.state.changes[-1], 5.15))
    story.alice.closed = 4.5


def a_socket_stays_open_after_a_removal(story: Story) -> None:
    a_refused_send_of_who_takes_no_part(story)
    story.bob.closed = 8


def a_message_from_before_their_time(story: Story) -> None:
    somebody_who_is_added(story)
    story.bob.frames.insert(1, story.frame(story.state.changes[5], 6.2))


def a_socket_closes_for_nothing(story: Story) -> None:
    story.bob.closed, story.bob.code = 30, 1011
    story.state.online = {}


def a_socket_closes_because_redis_went(story: Story) -> None:
    story.fault("redis", 29, 31)
    story.bob.closed = 30
    story.state.online = {}


def a_pong_is_behind(story: Story) -> None:
    story.bob.frames.append(Frame(10, "pong", None, 4, 2))


MUST_NOT: list[tuple[str, Twist]] = [
    ("stored_exactly_once", an_acked_send_is_gone),
    ("stored_exactly_once", a_send_is_stored_twice),
    ("stored_exactly_once", a_refused_send_is_stored),
    ("stored_exactly_once", an_ack_names_another_seq),
    ("numbered_without_hole", a_seq_is_left_out),
    ("numbered_without_hole", a_version_is_given_out_twice),
    ("changes_converge", an_acked_edit_is_gone),
    ("changes_converge", a_deleted_message_comes_back),
    ("an_ack_before_a_send_orders_them", an_ack_does_not_order),
    ("unread_is_a_recount", unread_is_miscounted),
    ("inboxes_agree_on_unread", an_inbox_counts_otherwise),
    ("presence_converges", somebody_present_is_shown_offline),
    ("presence_converges", somebody_gone_is_shown_online),
    ("answers_are_right", an_answer_is_500),
    ("answers_are_right", somebody_who_takes_part_is_refused),
    ("serves_again", nothing_is_acked_after_a_fault),
    ("sends_go_on", an_ack_is_late_while_redis_is_away),
    ("sends_go_on", others_wait_for_a_locked_row),
    ("a_rolling_restart_fails_nothing", a_rolling_restart_loses_a_send),
    ("a_rolling_restart_fails_nothing", a_rolling_restart_does_not_answer_what_was_asked_before),
    ("resources_come_back", a_server_grows),
    ("resources_come_back", connections_to_the_database_stay_open),
    ("nothing_else_went_wrong", a_nemesis_saw_something),
    ("sockets_get_the_stored_order", a_socket_gets_them_out_of_order),
    ("sockets_get_the_stored_order", a_socket_gets_one_twice),
    ("sockets_get_the_stored_order", a_socket_misses_one),
    ("sockets_get_the_stored_order", a_socket_misses_one_that_changed_too_late),
    ("sockets_get_the_stored_order", a_socket_gets_what_was_never_stored),
    ("sockets_get_the_stored_order", a_socket_that_comes_back_misses_one),
    ("sockets_get_the_stored_order", a_sensible_since_is_not_recovered),
    ("everything_arrives", the_last_one_never_comes),
    ("everything_arrives", one_comes_late),
    ("nothing_reaches_who_has_no_part", a_frame_of_another_conversation),
    ("nothing_reaches_who_has_no_part", a_message_reaches_who_was_removed),
    ("nothing_reaches_who_has_no_part", a_socket_stays_open_after_a_removal),
    ("nothing_reaches_who_has_no_part", a_message_from_before_their_time),
    ("sockets_close_for_a_reason", a_socket_closes_for_nothing),
    ("sockets_close_for_a_reason", a_socket_closes_because_redis_went),
    ("pongs_know_what_was_acked", a_pong_is_behind),
]


@pytest.mark.parametrize(("invariant", "twist"), MUST_NOT, ids=lambda each: getattr(each, "__name__", None))
def test_what_must_not_happen_is_red(story: Story, invariant: str, twist: Twist) -> None:
    twist(story)
    assert len(CHECKS[invariant](story.history, story.state)) >= 1


def test_every_invariant_has_a_red_case() -> None:
    assert {invariant for invariant, _ in MUST_NOT} == CHECKS.keys()


def test_an_idle_run_does_not_pass(story: Story) -> None:
    assert too_little(story.history, story.state, {"send acked": 3, "edit acked": 1, "durable frames": 8}) == []
    assert len(too_little(story.history, story.state, {"send acked": 4, "delete acked": 1})) == 2
