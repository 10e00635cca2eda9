"""A participant, or the whole group, that goes between two queries of one call: never a 500, never a 503.

PostgreSQL shows every query what was committed when it began. So before one query after the other, the removal is done
on the call's own connection, where no lock of the call's would have kept it waiting.
"""

import pytest
from django.db import connection, transaction

from chat import services

from .calls import CONVERSATIONS, in_conversation, of_message, participant, say

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


@pytest.mark.parametrize("going", GOING)
@pytest.mark.parametrize("call", CALLS)
def test_what_goes_away_during_a_call_is_404(call, going, alice, bob, carol, eve, group, api):
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    services.set_admin(setter=alice, conversation_id=group.pk, user_id=bob.pk, is_admin=True)
    message = say(carol, group)
    client = api(bob)
    client.raise_request_exception = False
    statuses, moment, reached = {}, 0, True
    while reached:
        reached, seen, acting = False, 0, False
        outside = len(connection.savepoint_ids) + 1

        def interfere(execute, sql, params, many, context):
            nonlocal reached, seen, acting
            if not acting:
                locked = len(connection.savepoint_ids) > outside and call not in WITHOUT_A_LOCK
                if not locked and not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                    seen += 1
                    if seen == moment + 1:
                        reached = acting = True
                        GOING[going](alice, bob, group)
                        acting = False
            return execute(sql, params, many, context)

        with transaction.atomic():
            with connection.execute_wrapper(interfere):
                response = CALLS[call](client, group, message, eve)
            statuses[moment] = response.status_code
            transaction.set_rollback(True)
        moment += 1
    assert moment > 2
    assert set(statuses.values()) <= {200, 201, 204, 404}, statuses


@pytest.mark.parametrize("call", ["create", "create again"])
def test_a_private_conversation_is_shown_whatever_goes_on(call, alice, bob, api):
    """The other's account goes while it is opened."""
    from authentication.services import delete_account

    if call == "create again":
        services.open_private_conversation(user=alice, participant_ids=[bob.pk])
    client = api(alice)
    client.raise_request_exception = False
    body = {"type": "private", "participant_ids": [bob.pk]}
    statuses, moment, reached = {}, 0, True
    while reached:
        reached, seen, acting = False, 0, False
        outside = len(connection.savepoint_ids) + 1

        def interfere(execute, sql, params, many, context):
            nonlocal reached, seen, acting
            if not acting and len(connection.savepoint_ids) <= outside and not sql.startswith("SAVEPOINT"):
                seen += 1
                if seen == moment + 1:
                    reached = acting = True
                    delete_account(user=type(bob).objects.get(pk=bob.pk))
                    acting = False
            return execute(sql, params, many, context)

        with transaction.atomic():
            with connection.execute_wrapper(interfere):
                response = client.post("/api/chat/conversations/create/", body)
            statuses[moment] = response.status_code
            transaction.set_rollback(True)
        moment += 1
    assert set(statuses.values()) <= {200, 201, 400}, statuses
