"""A participant, or the whole group, that goes between two queries of one call: never a 500, never a 503.

PostgreSQL shows every query what was committed when it began. So before one query after the other, the removal is done
on the call's own connection, where no lock of the call's would have kept it waiting.
"""

import pytest
from django.db import connection, transaction

from authentication.services import delete_account
from chat import services

from .calls import CONVERSATIONS, CREATE, in_conversation, of_message, participant, say

GOING = {
    "removed": lambda alice, bob, group: services.remove_participant(
        remover=alice, conversation_id=group.pk, user_id=bob.pk
    ),
    "deleted": lambda alice, bob, group: services.delete_any_conversation(conversation_id=group.pk),
}
# Bob is removed while he asks; he is an admin too, or he could not ask everything.
CALLS = {
    "conversations": lambda client, group, message, eve: client.get(CONVERSATIONS),
    "conversation": lambda client, group, message, eve: client.get(in_conversation(group)),
    "rename": lambda client, group, message, eve: client.patch(in_conversation(group), {"name": "Renamed"}),
    "history": lambda client, group, message, eve: client.get(in_conversation(group, "messages/")),
    "changes": lambda client, group, message, eve: client.get(in_conversation(group, "changes/")),
    "mark-read": lambda client, group, message, eve: client.post(in_conversation(group, "mark-read/")),
    "participants": lambda client, group, message, eve: client.get(in_conversation(group, "participants/")),
    "add": lambda client, group, message, eve: client.post(
        in_conversation(group, "participants/"), {"user_ids": [eve.pk]}
    ),
    "grant": lambda client, group, message, eve: client.patch(
        participant(group, message.sender_id), {"is_admin": True}
    ),
    "remove": lambda client, group, message, eve: client.delete(participant(group, message.sender_id)),
    "message": lambda client, group, message, eve: client.get(of_message(message)),
    "receipts": lambda client, group, message, eve: client.get(of_message(message, "receipts/")),
    "delete message": lambda client, group, message, eve: client.delete(of_message(message, "delete/")),
    "leave": lambda client, group, message, eve: client.delete(in_conversation(group, "delete/")),
}
WITHOUT_A_LOCK = {"mark-read"}


class Interruption:
    """Does something once, before the query of that number; queries under a lock of the call's are not counted."""

    def __init__(self, number, action, *, locks):
        self.left, self.action, self.locks = number, action, locks
        self.outside = len(connection.savepoint_ids) + 1
        self.done = False

    def __call__(self, execute, sql, params, many, context):
        locked = self.locks and len(connection.savepoint_ids) > self.outside
        if not (self.done or locked or sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))):
            self.left -= 1
            if self.left < 0:
                self.done = True
                self.action()
        return execute(sql, params, many, context)


def at_every_moment(call, action, *, locks=True):
    """The status of the call with the action before its first query, before its second one, and so on to the last."""
    statuses = []
    while True:
        interruption = Interruption(len(statuses), action, locks=locks)
        with transaction.atomic():
            with connection.execute_wrapper(interruption):
                statuses.append(call().status_code)
            transaction.set_rollback(True)
        if not interruption.done:
            return statuses


@pytest.mark.parametrize("going", GOING)
@pytest.mark.parametrize("call", CALLS)
def test_what_goes_away_during_a_call_is_404(call, going, alice, bob, carol, eve, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    message = say(carol, group)
    client = api(bob)
    client.raise_request_exception = False
    statuses = at_every_moment(
        lambda: CALLS[call](client, group, message, eve),
        lambda: GOING[going](alice, bob, group),
        locks=call not in WITHOUT_A_LOCK,
    )
    assert len(statuses) > 2
    assert set(statuses) <= {200, 201, 204, 404}, statuses


@pytest.mark.parametrize("there", [False, True], ids=["new", "there already"])
def test_a_private_conversation_is_opened_while_the_other_s_account_goes(there, alice, bob, api):
    if there:
        services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    client = api(alice)
    client.raise_request_exception = False
    statuses = at_every_moment(
        lambda: client.post(CREATE, {"type": "private", "participant_ids": [bob.pk]}),
        lambda: delete_account(user=type(bob).objects.get(pk=bob.pk)),
    )
    assert set(statuses) <= {200, 201, 400}, statuses
