"""What happens at the same moment, on real transactions."""

import threading

import pytest
from django.db import connections, transaction

from chat import services
from chat.models import Conversation, ConversationParticipant, Message
from tests.services.errors import refused
from tests.services.threads import at_once

from .calls import SEND, events, in_conversation, numbers, of_message, participant, say

pytestmark = pytest.mark.django_db(transaction=True)
TIMES = 20


def gapless(conversation):
    """The seqs, after it was found that seqs and versions are without a hole or a repeat and the row agrees."""
    messages = Message.objects.filter(conversation=conversation)
    seqs = sorted(messages.values_list("seq", flat=True))
    versions = sorted(messages.values_list("version", flat=True))
    last_seq, version = numbers(conversation)
    assert seqs == list(range(1, last_seq + 1))
    assert len(versions) == len(set(versions))
    assert not versions or versions[-1] == version
    return seqs


def test_parallel_sends_with_one_client_id_store_one_message(alice, conversation, api):
    body = {"conversation": conversation.pk, "content": "Hello", "client_id": "once"}
    clients = [api(alice) for _ in range(TIMES)]
    answers = at_once([lambda client=client: client.post(SEND, body) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200] * (TIMES - 1) + [201]
    assert len({answer.content for answer in answers}) == 1
    assert Message.objects.count() == 1
    assert numbers(conversation) == (1, 1)


def test_parallel_sends_are_numbered_without_a_hole(alice, bob, conversation, api):
    clients = [api(user) for user in (alice, bob) * (TIMES // 2)]
    answers = at_once(
        [
            lambda client=client, n=number: client.post(SEND, {"conversation": conversation.pk, "content": f"{n}"})
            for number, client in enumerate(clients)
        ]
    )
    assert [answer.status_code for answer in answers] == [201] * TIMES
    assert sorted(answer.json()["seq"] for answer in answers) == list(range(1, TIMES + 1))
    assert gapless(conversation) == list(range(1, TIMES + 1))
    assert numbers(conversation) == (TIMES, TIMES)


def test_one_client_id_for_different_messages_is_a_conflict_for_all_but_one(alice, conversation, api):
    client = api(alice)
    body = {"conversation": conversation.pk, "client_id": "once"}
    answers = at_once([lambda n=n: client.post(SEND, {**body, "content": f"Number {n}"}) for n in range(8)])
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert Message.objects.count() == 1


def test_edits_deletions_and_sends_are_versions_without_a_hole(alice, bob, conversation, api):
    mine = [say(alice, conversation, f"Number {number}") for number in range(6)]
    client, other = api(alice), api(bob)
    answers = at_once(
        [
            *(lambda m=m: client.patch(of_message(m), {"content": "Edited"}) for m in mine),
            *(lambda m=m: client.delete(of_message(m, "delete/")) for m in mine[:3]),
            *(lambda: other.post(SEND, {"conversation": conversation.pk, "content": "x"}) for _ in range(6)),
        ]
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 204, 403}
    assert gapless(conversation) == list(range(1, 13))
    changes = sum(answer.status_code in (200, 201, 204) for answer in answers)
    assert numbers(conversation) == (12, 6 + changes)


def test_nobody_is_heard_after_their_removal(alice, bob, group, api):
    sender, admin = api(bob), api(alice)
    answers = at_once(
        [
            *(lambda: sender.post(SEND, {"conversation": group.pk, "content": "x"}) for _ in range(10)),
            lambda: admin.delete(participant(group, bob)),
        ]
    )
    assert answers[-1].status_code == 204
    assert {answer.status_code for answer in answers[:-1]} <= {201, 404}
    gapless(group)
    removal = Message.objects.get(event__action="participant_removed").seq
    assert not Message.objects.filter(sender=bob, seq__gt=removal).exists()
    assert Message.objects.filter(sender=bob).count() == sum(answer.status_code == 201 for answer in answers[:-1])


def test_two_removals_of_the_same_one_are_one(alice, bob, group, api):
    client = api(alice)
    answers = at_once([lambda: client.delete(participant(group, bob)) for _ in range(5)])
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404, 404]
    assert [event["action"] for _, event in events(group)] == ["conversation_created", "participant_removed"]


def test_the_same_one_added_twice_is_added_once(alice, carol, group, api):
    client = api(alice)
    body = {"user_ids": [carol.pk]}
    answers = at_once([lambda: client.post(in_conversation(group, "participants/"), body) for _ in range(5)])
    assert [answer.status_code for answer in answers] == [201] * 5
    assert sorted(len(answer.json()["results"]) for answer in answers) == [0, 0, 0, 0, 1]
    assert len(events(group)) == 2


def test_a_group_never_gets_more_than_a_thousand(alice, group, fill, crowd, api):
    fill(group, 997)
    client, newcomers = api(alice), crowd(5)
    answers = at_once(
        [
            lambda user=user: client.post(in_conversation(group, "participants/"), {"user_ids": [user.pk]})
            for user in newcomers
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400, 400]
    assert group.participants.count() == 1000


def test_two_admins_who_give_up_at_once_leave_one(alice, bob, group, api):
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    clients = {user: api(user) for user in (alice, bob)}
    answers = at_once(
        [lambda user=user: clients[user].patch(participant(group, user), {"is_admin": False}) for user in clients]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert group.participants.filter(is_admin=True).count() == 1


def test_everyone_who_leaves_at_once_takes_the_group_with_them(alice, bob, carol, dave, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk, dave.pk])
    clients = {user: api(user) for user in (alice, bob, carol, dave)}
    answers = at_once([lambda user=user: clients[user].delete(participant(group, user)) for user in clients])
    assert [answer.status_code for answer in answers] == [204] * 4
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


def test_sends_into_a_group_that_is_deleted_are_stored_or_404(alice, bob, group, api):
    sender, admin = api(bob), api(alice)
    answers = at_once(
        [
            *(lambda: sender.post(SEND, {"conversation": group.pk, "content": "x"}) for _ in range(8)),
            lambda: admin.delete(in_conversation(group, "delete/") + "?for_everyone=true"),
        ]
    )
    assert answers[-1].status_code == 204
    assert {answer.status_code for answer in answers[:-1]} <= {201, 404}
    assert not Message.objects.exists()


def test_the_marker_goes_to_the_furthest_of_all_readings(alice, bob, conversation, api):
    messages = [say(bob, conversation) for _ in range(10)]
    client = api(alice)
    path = in_conversation(conversation, "mark-read/")
    answers = at_once([lambda m=m: client.post(path, {"message_id": m.pk}) for m in reversed(messages)])
    assert {answer.status_code for answer in answers} == {200}
    assert ConversationParticipant.objects.get(conversation=conversation, user=alice).last_read_seq == 10
    for message, answer in zip(reversed(messages), answers, strict=True):
        assert answer.json()["last_read_seq"] >= message.seq


def test_a_refused_send_leaves_no_hole(alice, conversation, api):
    client = api(alice)
    bodies = [{"conversation": conversation.pk, "content": "x", "reply_to": each} for each in (None, 999_999_999) * 6]
    answers = at_once([lambda body=body: client.post(SEND, body) for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [201] * 6 + [400] * 6
    assert gapless(conversation) == list(range(1, 7))


def test_an_account_is_deleted_while_its_owner_is_still_talking(alice, bob, conversation, group, api):
    """Bob's last message is not committed yet when his account goes."""
    from authentication.services import delete_account

    sent, may_commit = threading.Event(), threading.Event()
    outcome = {}

    def talk():
        try:
            with transaction.atomic():
                say(bob, conversation, "The last word")
                sent.set()
                may_commit.wait(1)  # as long as a slow commit takes; nothing is asserted of it
            outcome["talk"] = None
        except Exception as error:
            outcome["talk"] = error
        finally:
            connections.close_all()

    def delete():
        sent.wait(5)
        try:
            delete_account(user=type(bob).objects.get(pk=bob.pk))
            outcome["delete"] = None
        except Exception as error:
            outcome["delete"] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=talk), threading.Thread(target=delete)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert outcome == {"talk": None, "delete": None}
    shown = api(alice).get(in_conversation(conversation)).json()
    assert (shown["name"], shown["last_message"]["content"]) == ("Deleted user", "The last word")
    assert refused(api(alice).get(participant(group, bob)))[0] == 405
