"""`manage.py chat_audit`: what is stored twice says the same twice, or a line says which does not."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from authentication.models import User
from chat import presence, services
from chat.models import Conversation, ConversationParticipant, Message
from chat.services.audit import audit
from tests.services.threads import at_once

from .calls import events, numbers, part, say


def lines(*, repair: bool = False) -> list[str]:
    """Every drift, as it is printed."""
    return [str(drift) for drift in audit(repair=repair)]


def spoil(conversation: Any, **fields: Any) -> None:
    """Store something else in the conversation's row."""
    Conversation.objects.filter(pk=conversation.pk).update(**fields)


def spoil_part(conversation: Any, user: Any, **fields: Any) -> None:
    """Store something else in the user's row of it."""
    ConversationParticipant.objects.filter(conversation=conversation, user=user).update(**fields)


def lose(conversation: Any, *seqs: int) -> None:
    """Have message rows go, as they never do."""
    Message.objects.filter(conversation=conversation, seq__in=seqs).delete()


def mends(*texts: str) -> None:
    """Each text is a drift of its own; it is found, mended, and then no longer found."""
    found = lines()
    assert len(found) == len(texts), found
    for text in texts:
        assert any(line.endswith(text) for line in found), (text, found)
    assert lines(repair=True) == [f"{line} – mended" for line in found]
    assert lines() == []


@pytest.fixture
def lively(conversation: Any, group: Any, alice: Any, bob: Any, carol: Any) -> None:
    """All that the services do, done."""
    message = say(alice, conversation, client_id="once")
    services.edit_message(editor=alice, message_id=message.pk, content="Changed")
    services.delete_message(deleter=alice, message_id=say(alice, conversation).pk)
    services.mark_read(reader=bob, conversation_id=conversation.pk)
    services.delete_conversation(user=bob, conversation_id=conversation.pk)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.update_group(editor=alice, conversation_id=group.pk, name="Another", description="Something")
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=carol.pk, is_admin=True)
    services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)
    services.open_private_conversation(user=carol, participant_ids=[bob.pk])
    with_carol, _ = services.open_private_conversation(user=carol, participant_ids=[alice.pk])
    say(carol, with_carol, client_id="once")
    carol.delete()
    presence.settle("here", {alice.pk, bob.pk}, set())
    presence.settle("here", set(), {bob.pk})
    presence.expire("here")


def test_what_the_services_store_has_no_drift(lively: None) -> None:
    assert lines() == []
    assert lines(repair=True) == []


# What can be mended -----------------------------------------------------------------------------


def test_a_last_seq_that_is_behind(conversation: Any, alice: Any) -> None:
    for _ in range(3):
        say(alice, conversation)
    spoil(conversation, last_seq=2)
    spoil_part(conversation, alice, last_read_seq=2)
    mends("last_seq is 2, should be 3")
    assert say(alice, conversation).seq == 4


def test_a_version_that_is_behind(conversation: Any, alice: Any) -> None:
    say(alice, conversation)
    say(alice, conversation)
    spoil(conversation, version=1)
    mends("version is 1, should be 2")
    assert numbers(conversation) == (2, 2)
    assert say(alice, conversation).version == 3


def test_an_updated_at_before_the_newest_message(group: Any, alice: Any) -> None:
    message = say(alice, group)
    spoil(group, updated_at=message.created_at - timedelta(hours=1))
    found = lines()
    mends(f"should be {message.created_at.isoformat()}")
    assert "updated_at is" in found[0]
    assert Conversation.objects.get(pk=group.pk).updated_at == message.created_at


def test_an_updated_at_after_the_newest_message_is_one_of_private_conversations_only(
    conversation: Any, group: Any, alice: Any
) -> None:
    message = say(alice, conversation)
    for each in (conversation, group):
        spoil(each, updated_at=timezone.now() + timedelta(hours=1))
    mends(f"should be {message.created_at.isoformat()}")


@pytest.mark.parametrize("field", ["last_read_seq", "visible_after_seq", "hidden_at_seq"])
def test_a_marker_above_the_newest_message(conversation: Any, alice: Any, bob: Any, field: str) -> None:
    say(alice, conversation)
    spoil_part(conversation, bob, **{"last_read_seq": 5, field: 5})
    also = [] if field == "last_read_seq" else [f"bob (user {bob.pk}): last_read_seq is 5, should be 1"]
    mends(f"conversation {conversation.pk}, bob (user {bob.pk}): {field} is 5, should be 1", *also)
    assert getattr(part(conversation, bob), field) == 1


def test_markers_are_held_against_a_last_seq_that_was_mended_before(conversation: Any, alice: Any, bob: Any) -> None:
    for _ in range(3):
        say(alice, conversation)
    spoil(conversation, last_seq=1)
    spoil_part(conversation, bob, last_read_seq=2)
    mends("last_seq is 1, should be 3")
    assert part(conversation, bob).last_read_seq == 2


def test_a_group_without_an_admin_gets_who_was_there_first(group: Any, alice: Any) -> None:
    spoil_part(group, alice, is_admin=False)
    mends(f"it has no admin, should have alice (user {alice.pk})")
    assert part(group, alice).is_admin
    assert events(group)[-1] == (None, {"action": "admin_granted", "user_id": alice.pk})


def test_an_admin_of_a_private_conversation(conversation: Any, bob: Any) -> None:
    spoil_part(conversation, bob, is_admin=True)
    mends("is_admin is True, should be False")


def test_a_hidden_group(group: Any, bob: Any) -> None:
    spoil_part(group, bob, hidden_at_seq=1)
    mends("hidden_at_seq is 1, should be None")


def test_a_private_key_of_others(conversation: Any, alice: Any, bob: Any) -> None:
    spoil(conversation, private_key="998:999")
    key = Conversation.private_key_of(alice.pk, bob.pk)
    mends(f"private_key is 998:999, should be {key}")
    assert services.open_private_conversation(user=bob, participant_ids=[alice.pk]) == (conversation, False)


def test_somebody_online_without_a_lease(alice: Any) -> None:
    User.objects.filter(pk=alice.pk).update(is_online=True)
    mends(f"user {alice.pk} (alice): is_online is True without a lease, should be False")


def test_somebody_offline_with_a_lease(alice: Any) -> None:
    presence.settle("here", {alice.pk}, set())
    User.objects.filter(pk=alice.pk).update(is_online=False)
    mends("is_online is False with a live lease, should be True")


def test_one_conversation_may_have_several(group: Any, alice: Any, bob: Any) -> None:
    say(alice, group)
    spoil(group, last_seq=1, version=1)
    spoil_part(group, alice, is_admin=False, last_read_seq=1)
    spoil_part(group, bob, last_read_seq=7)
    mends("last_seq is 1, should be 2", "version is 1, should be 2", "last_read_seq is 7, should be 2", f"{alice.pk})")
    assert numbers(group) == (3, 3)


# What cannot ------------------------------------------------------------------------------------


def stays(*texts: str) -> None:
    """Each text is a drift of its own, and one after a repair, too, that says why."""
    for repair in (False, True, False):
        found = lines(repair=repair)
        assert len(found) == len(texts), found
        for text, line in zip(texts, found, strict=True):
            assert f": {text} – cannot be mended: " in line


def test_a_message_that_is_gone_from_the_middle(conversation: Any, alice: Any, bob: Any) -> None:
    for _ in range(6):
        say(alice, conversation)
    services.mark_read(reader=bob, conversation_id=conversation.pk, message_id=conversation.messages.get(seq=2).pk)
    lose(conversation, 2, 4, 5)
    stays("seq 2 is missing", "seq 4 to 5 is missing", "unread_count is 4, should be 2")
    services.mark_read(reader=bob, conversation_id=conversation.pk)
    stays("seq 2 is missing", "seq 4 to 5 is missing")


def test_a_message_that_is_gone_from_the_end_does_not_lower_the_numbers(
    conversation: Any, alice: Any, bob: Any
) -> None:
    for _ in range(3):
        say(alice, conversation)
    lose(conversation, 3)
    stays(
        "last_seq is 3, and the newest message has seq 2",
        "version is 3, and the newest change has version 2",
        "seq 3 is missing",
        "unread_count is 3, should be 2",
    )
    message = say(bob, conversation)
    assert (message.seq, message.version) == (4, 4)
    stays("seq 3 is missing")


def test_all_messages_gone(conversation: Any, alice: Any) -> None:
    for _ in range(3):
        say(alice, conversation)
    lose(conversation, 1, 2, 3)
    assert any("seq 1 to 3 is missing" in line for line in lines())


def test_many_holes_are_not_each_a_line(conversation: Any, alice: Any) -> None:
    for _ in range(50):
        say(alice, conversation)
    lose(conversation, *range(1, 50, 2))
    found = [line for line in lines() if "missing" in line]
    assert len(found) == 21 + 1  # the one that says so, and Bob's unread count
    assert "seq is missing at 5 more places" in found[20]


def test_a_private_key_that_is_taken(conversation: Any, alice: Any, bob: Any) -> None:
    right = conversation.private_key
    spoil(conversation, private_key="998:999")
    services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    stays(f"private_key is 998:999, should be {right}")


def test_a_private_conversation_with_one_missing(conversation: Any, alice: Any, bob: Any) -> None:
    ConversationParticipant.objects.filter(conversation=conversation, user=bob).delete()
    stays(f"user {bob.pk} does not take part in it, and private_key is {conversation.private_key}")
    spoil(conversation, private_key="998:999")
    stays(f"private_key is 998:999, and user {alice.pk} is alone in it")


def test_a_private_conversation_of_three(conversation: Any, fill: Callable[..., Any]) -> None:
    fill(conversation, 1)
    stays("more than two take part in it, and it is private")


def test_a_conversation_of_nobody(conversation: Any, group: Any) -> None:
    ConversationParticipant.objects.all().delete()
    stays("nobody takes part in it", "nobody takes part in it")


def test_a_seq_that_is_there_twice(transactional_db: None, conversation: Any, alice: Any, monkeypatch: Any) -> None:
    """Which takes a database that has lost its constraint."""
    for _ in range(3):
        say(alice, conversation)
    constraints = {each.name: each for each in Message._meta.constraints}
    once = constraints.pop("message_seq_once")
    monkeypatch.setattr(Message._meta, "constraints", list(constraints.values()))
    with connection.schema_editor() as schema:
        schema.remove_constraint(Message, once)
    try:
        Message.objects.filter(conversation=conversation, seq=3).update(seq=2)
        assert any("seq 2 is there twice" in line for line in lines())
    finally:
        monkeypatch.undo()
        Message.objects.all().delete()
        with connection.schema_editor() as schema:
            schema.add_constraint(Message, once)


# Cost, and a server that writes meanwhile ---------------------------------------------------------


def test_the_number_of_queries_does_not_grow(
    make_user: Callable[..., Any], crowd: Callable[[int], list[Any]], alice: Any, bob: Any
) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert lines() == []
        return len(queries)

    services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    services.open_private_conversation(user=alice, participant_ids=[make_user("gone").pk])
    User.objects.get(username="gone").delete()
    first = count()
    for user in crowd(10):
        conversation, _ = services.open_private_conversation(user=alice, participant_ids=[user.pk])
        say(alice, conversation)
        say(alice, services.create_group(creator=alice, name="Another", participant_ids=[user.pk]))
    for username in ("gone", "too"):
        services.open_private_conversation(user=alice, participant_ids=[make_user(username).pk])
        User.objects.get(username=username).delete()
    assert count() == first


def test_a_server_that_writes_meanwhile_makes_no_drift(
    transactional_db: None, conversation: Any, group: Any, alice: Any, bob: Any
) -> None:
    def talk(user: Any) -> Callable[[], None]:
        def run() -> None:
            for number in range(20):
                for each in (conversation, group):
                    message = say(user, each, f"{number}")
                    services.edit_message(editor=user, message_id=message.pk, content="changed")
                    services.mark_read(reader=user, conversation_id=each.pk)

        return run

    def look() -> list[str]:
        return [line for _ in range(15) for line in lines()]

    assert at_once([talk(alice), talk(bob), look])[2] == []


def test_what_looks_suspicious_is_looked_at_again(conversation: Any, alice: Any, monkeypatch: Any) -> None:
    from chat.services import suspicion

    say(alice, conversation)
    monkeypatch.setitem(suspicion.OF_CONVERSATIONS, "all", lambda: iter([conversation.pk, 999_999]))
    assert lines() == []


# The command ------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    """What it printed."""
    out = io.StringIO()
    call_command("chat_audit", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_no_drift_is_one_line(conversation: Any, alice: Any) -> None:
    say(alice, conversation)
    assert run() == "no drift in 1 conversations with 1 messages.\n"


def test_a_drift_is_a_line_and_an_exit_code(conversation: Any, alice: Any, capsys: Any) -> None:
    say(alice, conversation)
    spoil(conversation, version=0)
    with pytest.raises(CommandError, match=r"^1 drift in 1 conversations with 1 messages\.$") as failed:
        call_command("chat_audit")
    assert failed.value.returncode == 1
    assert capsys.readouterr().out == f"conversation {conversation.pk}: version is 0, should be 1\n"


def test_a_repair_that_mends_everything_is_a_success(conversation: Any, alice: Any) -> None:
    say(alice, conversation)
    spoil(conversation, version=0)
    assert run("--repair").endswith("– mended\n1 mended, no drift left in 1 conversations with 1 messages.\n")


def test_a_repair_that_cannot_mend_everything_is_none(conversation: Any, alice: Any) -> None:
    for _ in range(3):
        say(alice, conversation)
    lose(conversation, 2)
    spoil(conversation, version=F("version") - 1)
    spoil_part(conversation, alice, last_read_seq=3)
    with pytest.raises(CommandError, match=r"^1 mended, 2 drifts in "):
        run("--repair")


def test_somebody_who_waits_is_told_for_what(conversation: Any, alice: Any) -> None:
    say(alice, conversation)
    spoil(conversation, version=0)
    assert "… the seq of every message\n" in run("--verbosity", "2", "--repair")
    assert "…" not in run()


def test_a_database_that_fails_is_one_line(conversation: Any) -> None:
    def fail(*args: Any) -> None:
        raise DatabaseError("the disk is gone\nand more")

    with connection.execute_wrapper(fail), pytest.raises(CommandError, match=r"the disk is gone$"):
        run()
