"""`?limit=`, `?cursor=`, `next` and `previous` of every list that is read by key."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chat import services
from chat.models import Conversation, ConversationParticipant, Message
from tests.services.errors import refusal, refused

from .calls import CONVERSATIONS, in_conversation, of_message, results, walk

LISTS = ["conversations", "participants", "receipts"]
ALL_LISTS = [*LISTS, "history"]


class Listed:
    """A list of nine rows, and how a row comes and goes."""

    def __init__(self, kind, alice, group, crowd):
        self.kind, self.alice, self.group = kind, alice, group
        self.users = iter(crowd(40))
        if kind == "conversations":
            group.delete()
        elif kind == "participants":
            ConversationParticipant.objects.filter(conversation=group).exclude(user=alice).delete()
        self.message = None if kind == "conversations" else Message.objects.get(conversation=group)
        self.rows = [self.insert() for _ in range(8 if kind == "participants" else 9)]
        if kind == "participants":
            self.rows.insert(0, alice.pk)

    @property
    def path(self):
        return {
            "conversations": CONVERSATIONS,
            "participants": in_conversation(self.group, "participants/"),
            "receipts": self.message and of_message(self.message, "receipts/"),
            "history": in_conversation(self.group, "messages/"),
        }[self.kind]

    def key(self, row):
        return row["id"] if self.kind == "conversations" else row["user"]["id"]

    def keys(self, pages):
        return [self.key(row) for rows in pages for row in rows]

    def insert(self, at=0):
        """One more row; what the list shows of it. `at` moves it by that many seconds."""
        now = timezone.now() + timedelta(seconds=at)
        if self.kind == "conversations":
            made = Conversation.objects.create(type="group", name="G", created_at=now, updated_at=now)
            ConversationParticipant.objects.create(conversation=made, user=self.alice, joined_at=now)
            return made.pk
        user = next(self.users)
        ConversationParticipant.objects.create(
            conversation=self.group, user=user, joined_at=now, last_read_seq=1, last_read_at=now
        )
        return user.pk

    def remove(self, row):
        if self.kind == "conversations":
            Conversation.objects.filter(pk=row).delete()
        else:
            ConversationParticipant.objects.filter(conversation=self.group, user=row).delete()

    @property
    def expected(self):
        return self.rows[::-1] if self.kind == "conversations" else self.rows


@pytest.fixture(params=LISTS)
def listed(request, alice, bob, group, crowd):
    return Listed(request.param, alice, group, crowd)


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 9, 10, 100])
def test_walking_on_visits_every_row_once(limit, listed, alice, api):
    pages = walk(api(alice), f"{listed.path}?limit={limit}")
    assert listed.keys(pages) == listed.expected
    assert [len(rows) for rows in pages[:-1]] == [limit] * (len(pages) - 1)


@pytest.mark.parametrize("limit", [1, 2, 4])
def test_walking_back_visits_every_row_once(limit, listed, alice, api):
    client = api(alice)
    url = f"{listed.path}?limit={limit}"
    while (following := client.get(url).json()["next"]) is not None:
        url = following
    pages = walk(client, url, "previous")
    assert listed.keys(pages[::-1]) == listed.expected


def test_there_is_nothing_before_the_first_page_nor_after_the_last(listed, alice, api):
    client = api(alice)
    first = client.get(listed.path, {"limit": 5}).json()
    assert first["previous"] is None
    last = client.get(first["next"]).json()
    assert last["next"] is None
    assert client.get(last["previous"]).json() == {**first, "previous": None}


@pytest.mark.parametrize("at", [-3600, 3600])
def test_rows_that_come_meanwhile_move_nothing(at, listed, alice, api):
    pages = walk(api(alice), f"{listed.path}?limit=2", between=lambda: listed.insert(at))
    seen = listed.keys(pages)
    assert [key for key in seen if key in listed.rows] == listed.expected
    assert len(seen) == len(set(seen))


def test_rows_that_go_meanwhile_hide_no_others(listed, alice, api):
    shown = iter(listed.expected)

    def remove():
        if (row := next(shown)) != alice.pk:
            listed.remove(row)

    # Before each step a row goes that was shown already, also the one at which the page ended.
    pages = walk(api(alice), f"{listed.path}?limit=1", between=remove)
    assert listed.keys(pages) == listed.expected


def test_the_row_at_which_a_page_ended_may_go(listed, alice, api):
    client = api(alice)
    first = client.get(listed.path, {"limit": 4}).json()
    listed.remove(listed.key(first["results"][-1]))
    rest = walk(client, first["next"])
    assert listed.keys(rest) == listed.expected[4:]


def test_rows_with_the_same_moment_are_all_visited(listed, alice, api):
    now = timezone.now()
    Conversation.objects.update(updated_at=now)
    ConversationParticipant.objects.update(joined_at=now)
    seen = listed.keys(walk(api(alice), f"{listed.path}?limit=2"))
    assert sorted(seen) == sorted(listed.rows)


def test_the_links_keep_the_limit_and_the_filters(alice, group, api):
    for _ in range(5):
        services.create_group(creator=alice, name="Wanted", participant_ids=[])
    pages = walk(api(alice), f"{CONVERSATIONS}?limit=2&type=group&search=Wanted")
    assert [len(rows) for rows in pages] == [2, 2, 1]
    assert {row["name"] for rows in pages for row in rows} == {"Wanted"}


# What is no limit and no cursor --------------------------------------------------------------------


@pytest.fixture(params=ALL_LISTS)
def any_list(request, alice, bob, group, crowd):
    return Listed(request.param, alice, group, crowd).path


@pytest.mark.parametrize("limit", ["0", "-1", "abc", "", "1.5", "+5", " 5", "٣", "1e2", "00", "null", "-0"])
def test_a_limit_that_is_no_positive_integer_is_400(limit, any_list, alice, api):
    assert refusal(api(alice).get(any_list, {"limit": limit})) == (400, "invalid", "limit")


def test_the_limit_is_fifty_where_it_is_left_out_and_a_hundred_at_most(alice, bob, group, fill, api):
    fill(group, 120)
    Message.objects.bulk_create(
        Message(conversation=group, seq=seq, version=seq, sender=alice, content="x", created_at=timezone.now())
        for seq in range(2, 122)
    )
    Conversation.objects.filter(pk=group.pk).update(last_seq=121, version=121)
    ConversationParticipant.objects.exclude(user=alice).update(last_read_seq=1)
    for _ in range(120):
        services.create_group(creator=alice, name="G", participant_ids=[])
    message = Message.objects.get(conversation=group, seq=1)
    client = api(alice)
    for path in (
        CONVERSATIONS,
        in_conversation(group, "participants/"),
        in_conversation(group, "messages/"),
        in_conversation(group, "changes/"),
        of_message(message, "receipts/"),
    ):
        lengths = [
            len(client.get(path, query).json()["results"])
            for query in ({}, {"limit": 1}, {"limit": 100}, {"limit": 101}, {"limit": 10**18}, {"limit": "050"})
        ]
        assert lengths == [50, 1, 100, 100, 100, 50], path


@pytest.mark.parametrize("digits", [30, 5000])
def test_a_limit_above_a_hundred_means_a_hundred_however_long_it_is(digits, any_list, alice, api):
    assert api(alice).get(any_list, {"limit": "9" * digits}).status_code == 200


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "abc:def:ghi", "\x00", "é", "W10:1a:sig", "x" * 5000, "../../etc", "null", "1", "::", "a:b:c:d"],
)
def test_a_broken_cursor_is_400(cursor, listed, alice, api):
    assert refusal(api(alice).get(listed.path, {"cursor": cursor})) == (400, "invalid", "cursor")


def test_a_cursor_that_was_changed_is_400(listed, alice, api):
    from urllib.parse import parse_qs, urlsplit

    client = api(alice)
    following = client.get(listed.path, {"limit": 2}).json()["next"]
    [cursor] = parse_qs(urlsplit(following).query)["cursor"]
    assert results(client.get(listed.path, {"cursor": cursor}))
    for changed in (cursor[:-1], cursor + "A", "A" + cursor, cursor.swapcase(), cursor[::-1]):
        assert refused(client.get(listed.path, {"cursor": changed})) == (400, "invalid")


def test_a_cursor_of_another_list_is_400(alice, bob, conversation, group, api):
    from urllib.parse import parse_qs, urlsplit

    client = api(alice)
    services.mark_read(reader=bob, conversation_id=group.pk)
    paths = [CONVERSATIONS, in_conversation(group, "participants/"), in_conversation(conversation, "participants/")]
    for path in paths:
        following = client.get(path, {"limit": 1}).json()["next"]
        [cursor] = parse_qs(urlsplit(following).query)["cursor"]
        message = Message.objects.get(conversation=group)
        for other in [*paths, of_message(message, "receipts/"), "/api/auth/users/"]:
            expected = 200 if other == path else 400
            assert client.get(other, {"cursor": cursor}).status_code == expected
