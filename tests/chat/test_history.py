"""GET conversations/<id>/messages/"""

import pytest

from chat import services
from tests.services.errors import refusal, refused

from .calls import in_conversation, results, say, walk


@pytest.fixture
def ten(alice, bob, conversation):
    """Ten messages, seq 1 to 10."""
    for number in range(1, 11):
        say(alice if number % 2 else bob, conversation, f"Number {number}")
    return conversation


def seqs(response):
    return [message["seq"] for message in results(response)]


def page(client, conversation, **query):
    return client.get(in_conversation(conversation, "messages/"), query)


def test_messages_come_oldest_first(alice, ten, api):
    response = page(api(alice), ten)
    assert [message["content"] for message in results(response)] == [f"Number {number}" for number in range(1, 11)]
    assert (response.json()["next"], response.json()["previous"]) == (None, None)


def test_an_empty_one_is_an_empty_list(alice, conversation, api):
    assert page(api(alice), conversation).json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize(
    ("query", "expected", "older", "newer"),
    [
        ({"limit": 3}, [8, 9, 10], True, False),
        ({"limit": 10}, [*range(1, 11)], False, False),
        ({"before": 4, "limit": 2}, [2, 3], True, True),
        ({"before": 4}, [1, 2, 3], False, True),
        ({"before": 1}, [], False, True),
        ({"before": 11, "limit": 2}, [9, 10], True, False),
        ({"before": 999, "limit": 2}, [9, 10], True, False),
        ({"before": 10**30, "limit": 2}, [9, 10], True, False),
        ({"after": 0, "limit": 2}, [1, 2], False, True),
        ({"after": 7}, [8, 9, 10], True, False),
        ({"after": 4, "limit": 3}, [5, 6, 7], True, True),
        ({"after": 10}, [], True, False),
        ({"after": 999}, [], True, False),
        ({"after": 10**30}, [], True, False),
        ({"around": 5, "limit": 1}, [5], True, True),
        ({"around": 1, "limit": 1}, [1], False, True),
        ({"around": 10, "limit": 1}, [10], True, False),
        ({"around": 1, "limit": 4}, [1, 2, 3, 4], False, True),
        ({"around": 10, "limit": 4}, [7, 8, 9, 10], True, False),
        ({"around": 5}, [*range(1, 11)], False, False),
    ],
)
def test_pages(query, expected, older, newer, alice, ten, api):
    response = page(api(alice), ten, **query)
    assert seqs(response) == expected
    assert (response.json()["previous"] is not None, response.json()["next"] is not None) == (older, newer)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 9, 10, 11])
def test_around_is_a_full_page_with_that_message_in_it(limit, alice, ten, api):
    client = api(alice)
    for seq in range(1, 11):
        found = seqs(page(client, ten, around=seq, limit=limit))
        assert seq in found
        assert len(found) == min(limit, 10)
        assert found == list(range(found[0], found[-1] + 1))


def test_around_beyond_the_ends_is_the_nearest_page(alice, ten, api):
    assert seqs(page(api(alice), ten, around=999, limit=2)) == [9, 10]


@pytest.mark.parametrize(
    "query",
    [
        {"before": 5, "after": 2},
        {"before": 5, "around": 2},
        {"after": 5, "around": 2},
        {"before": 5, "after": 2, "around": 3},
        {"before": 5, "after": 0},
    ],
)
def test_two_of_the_parameters_together_are_400(query, alice, ten, api):
    assert refused(page(api(alice), ten, **query)) == (400, "invalid")


@pytest.mark.parametrize("name", ["before", "after", "around"])
@pytest.mark.parametrize("value", ["abc", "", "-1", "1.5", "+1", " 1", "1e3", "٣", "0x1", "null"])
def test_a_parameter_that_is_no_number_is_400(name, value, alice, ten, api):
    assert refusal(page(api(alice), ten, **{name: value})) == (400, "invalid", name)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 10, 50])
def test_walking_either_way_visits_every_message_once(limit, alice, ten, api):
    client, start = api(alice), in_conversation(ten, f"messages/?limit={limit}")
    back = walk(client, start, "previous")
    assert [message["seq"] for rows in reversed(back) for message in rows] == list(range(1, 11))
    forth = walk(client, f"{start}&after=0", "next")
    assert [message["seq"] for rows in forth for message in rows] == list(range(1, 11))


@pytest.mark.parametrize("seq", [1, 5, 10])
def test_from_a_page_around_one_every_message_is_reached_once(seq, alice, ten, api):
    client, start = api(alice), in_conversation(ten, f"messages/?limit=3&around={seq}")
    older = walk(client, start, "previous")
    newer = walk(client, start, "next")[1:]
    found = [message["seq"] for rows in [*reversed(older), *newer] for message in rows]
    assert found == list(range(1, 11))


def test_walking_stays_right_while_messages_come(alice, bob, ten, api):
    pages = walk(
        api(alice), in_conversation(ten, "messages/?limit=3"), "previous", between=lambda: say(bob, ten, "Meanwhile")
    )
    assert [message["seq"] for rows in reversed(pages) for message in rows] == list(range(1, 11))


def test_the_newest_page_leads_to_what_came_since(alice, bob, ten, api):
    client = api(alice)
    older = client.get(page(client, ten, limit=2).json()["previous"])
    assert seqs(older) == [7, 8]
    assert seqs(client.get(older.json()["next"])) == [9, 10]


def test_a_newcomer_s_history_begins_with_their_own_coming(alice, carol, group, api):
    for _ in range(3):
        say(alice, group)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    say(alice, group)
    response = page(api(carol), group)
    assert seqs(response) == [5, 6]
    assert results(response)[0]["event"] == {"action": "participant_added", "user_id": carol.pk}
    assert response.json()["previous"] is None


@pytest.mark.parametrize("query", [{"before": 4}, {"around": 1, "limit": 2}, {"after": 0}, {"limit": 100}])
def test_no_parameter_shows_what_was_before(query, alice, carol, group, api):
    for _ in range(5):
        say(alice, group)
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[carol.pk])
    say(alice, group)
    client = api(carol)
    response = page(client, group, **query)
    assert all(seq >= 7 for seq in seqs(response))
    for link in ("previous", "next"):
        for rows in walk(client, in_conversation(group, f"messages/?limit=1&around={7}"), link):
            assert all(message["seq"] >= 7 for message in rows)


def test_who_was_removed_and_added_again_sees_only_what_came_since(alice, bob, group, api):
    say(alice, group, "Before")
    services.remove_participant(remover=alice, conversation_id=group.pk, user_id=bob.pk)
    say(alice, group, "Meanwhile")
    services.add_participants(adder=alice, conversation_id=group.pk, user_ids=[bob.pk])
    say(alice, group, "After")
    assert [message["content"] for message in results(page(api(bob), group))] == ["", "After"]


def test_first_participants_see_everything(bob, group, api):
    assert seqs(page(api(bob), group)) == [1]


def test_deleted_messages_keep_their_place(alice, ten, api):
    client = api(alice)
    middle = results(page(client, ten))[4]
    services.delete_message(deleter=alice, message_id=middle["id"])
    after = results(page(client, ten))
    assert [message["seq"] for message in after] == list(range(1, 11))
    assert [message["is_deleted"] for message in after] == [False] * 4 + [True] + [False] * 5


@pytest.mark.parametrize("limit", ["0", "x", ""])
def test_a_limit_that_will_not_do_is_told_to_who_takes_part_only(limit, alice, eve, ten, api):
    assert refused(page(api(alice), ten, limit=limit)) == (400, "invalid")
    assert refused(page(api(eve), ten, limit=limit)) == (404, "not_found")


def test_a_limit_alone_is_the_newest_page_with_links_that_keep_it(alice, ten, api):
    found = page(api(alice), ten, limit=3)
    assert seqs(found) == [8, 9, 10]
    assert "limit=3" in found.json()["previous"]
