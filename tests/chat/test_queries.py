"""What each call costs: a known number of queries, the same for 3 rows and for 30."""

from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import ConversationParticipant, Message

from .calls import CONVERSATIONS, CREATE, SEND, UNREAD, in_conversation, of_message, participant, say

# Reads and writes, without BEGIN and SAVEPOINT. The first one of each call is the session with its user.
KNOWN = {
    "conversations": 3,
    "conversations?type=group&unread=true&search=g": 3,
    "conversation": 4,
    "history": 2,
    "history of a size": 2,
    "history around": 3,
    "changes": 3,
    "participants": 3,
    "receipts": 3,
    "message": 2,
    "unread": 2,
}


def cost(call):
    """How many rows-touching queries the call makes."""
    with CaptureQueriesContext(connection) as captured:
        response = call()
    assert response.status_code < 300, response.content
    words = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    return len([query for query in captured if query["sql"].lstrip().startswith(words)])


@pytest.fixture
def grow(alice, bob, group, fill):
    """`grow(n)`: n more members, n messages, each a reply to the one before, and n more groups with a message."""

    def more(count):
        members = fill(group, count)
        ConversationParticipant.objects.filter(conversation=group).update(last_read_seq=1)
        reply_to = None
        for number in range(count):
            reply_to = say(members[number], group, reply_to=reply_to).pk
            ids = [bob.pk, members[0].pk, members[-1].pk]
            say(bob, services.create_group(creator=alice, name="Group", participant_ids=ids), reply_to=None)

    return more


def calls(client, group):
    first = Message.objects.get(conversation=group, seq=1)
    return {
        "conversations": (CONVERSATIONS, {"limit": 100}),
        "conversations?type=group&unread=true&search=g": (
            CONVERSATIONS,
            {"limit": 100, "type": "group", "unread": "true", "search": "g"},
        ),
        "conversation": (in_conversation(group), {}),
        "history": (in_conversation(group, "messages/"), {}),
        "history of a size": (in_conversation(group, "messages/"), {"limit": 100}),
        "history around": (in_conversation(group, "messages/"), {"limit": 100, "around": 2}),
        "changes": (in_conversation(group, "changes/"), {"limit": 100}),
        "participants": (in_conversation(group, "participants/"), {"limit": 100}),
        "receipts": (of_message(first, "receipts/"), {"limit": 100}),
        "message": (of_message(first), {}),
        "unread": (UNREAD, {}),
    }


def test_every_list_costs_the_same_whatever_its_length(alice, group, grow, api):
    client = api(alice)
    lists = calls(client, group)
    for count in (3, 27):
        grow(count)
        assert {name: cost(partial(client.get, *lists[name])) for name in lists} == KNOWN
    lengths = {name: len(client.get(*lists[name]).json().get("results", [])) for name in lists}
    assert all(length >= 28 for name, length in lengths.items() if name not in ("conversation", "message", "unread")), (
        lengths
    )


def test_a_private_conversation_costs_what_a_group_does(alice, bob, conversation, api):
    say(bob, conversation)
    client = api(alice)
    assert cost(lambda: client.get(in_conversation(conversation))) == KNOWN["conversation"]
    assert cost(lambda: client.get(CONVERSATIONS)) == KNOWN["conversations"]


def test_an_empty_list_costs_no_more(eve, api):
    client = api(eve)
    assert cost(lambda: client.get(CONVERSATIONS)) <= KNOWN["conversations"]


def test_a_send_costs_the_same_in_a_group_of_any_size(alice, group, grow, api):
    client = api(alice)
    original = say(alice, group)
    costs = []
    for count in (3, 27):
        grow(count)
        body = {"conversation": group.pk, "content": "Hello", "client_id": f"{count}", "reply_to": original.pk}
        costs.append(cost(lambda body=body: client.post(SEND, body)))
    # session; conversation (locked), participant and client_id; original; message, conversation and marker, which are
    # one statement on PostgreSQL and three on SQLite
    assert costs == ([4, 4] if connection.vendor == "postgresql" else [6, 6])


def test_every_write_costs_the_same_in_a_group_of_any_size(alice, bob, group, fill, api):
    client = api(alice)

    def costs(count):
        *_, granted, removed, leaving = fill(group, count)
        message, leaver = say(alice, group), api(leaving)
        say(bob, group)
        writes = {
            "edit": lambda: client.patch(of_message(message), {"content": "Edited"}),
            "delete": lambda: client.delete(of_message(message, "delete/")),
            "mark-read": lambda: client.post(in_conversation(group, "mark-read/")),
            "rename": lambda: client.patch(in_conversation(group), {"name": f"Name {count}"}),
            "grant": lambda: client.patch(participant(group, granted), {"is_admin": True}),
            "remove": lambda: client.delete(participant(group, removed)),
            "leave": lambda: leaver.delete(participant(group, leaving)),
        }
        return {name: cost(write) for name, write in writes.items()}

    assert costs(3) == costs(27)


@pytest.mark.parametrize("call", ["create", "add", "delete for everyone"])
def test_many_people_at_once_cost_what_few_do(call, alice, group, crowd, fill, api):
    client, costs = api(alice), []
    for count in (3, 30):
        ids = [user.pk for user in crowd(count)]
        made = services.create_group(creator=alice, name="G", participant_ids=[])
        if call == "delete for everyone":
            fill(made, count)
            for _ in range(count):
                say(alice, made)
        requests = {
            "create": lambda ids=ids: client.post(CREATE, {"type": "group", "name": "G", "participant_ids": ids}),
            "add": lambda ids=ids, g=made: client.post(in_conversation(g, "participants/"), {"user_ids": ids}),
            "delete for everyone": lambda g=made: client.delete(in_conversation(g, "delete/") + "?for_everyone=true"),
        }
        costs.append(cost(requests[call]))
    assert costs[0] == costs[1]
