"""Statements over many rows say the same on PostgreSQL and on SQLite, whatever the values."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from chat.models import Conversation, ConversationParticipant, Message
from chat.services import rows
from chat_server.statements import Statement

pytestmark = pytest.mark.usefixtures("db")

COLUMNS = {"number": "bigint", "words": "text", "moment": "timestamptz"}
ECHO = Statement(COLUMNS, "SELECT number, words FROM given ORDER BY number")
LARGEST = 2**63 - 1


def echo(*given: tuple[int | None, str | None]) -> list[tuple[Any, ...]]:
    return ECHO.run([(number, words, None) for number, words in given])


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**53 + 1, LARGEST, -LARGEST - 1])
def test_a_number_stays_what_it_is(number: int) -> None:
    assert echo((number, "x")) == [(number, "x")]


@pytest.mark.parametrize(
    "words",
    [
        "",
        'it\'s "quoted", `quoted` and $$quoted$$',
        "\\ \\n \\u0041 \\\\",
        "100 % of %s, %(name)s and %%",
        "{} {0} {json} {for_update} {returning}",
        "\N{GRINNING FACE} e\u0301 \u05d0 \U0010ffff",
        "a\u2028b\u2029c\x85d\ufeffe",
        "\t\n\r\x01\x1f\x7f",
        "NULL",
        "null",
        "1",
        "1.0",
        "true",
        '{"a": [1]}',
        "{1,2}",
        "; DROP TABLE given; --",
        "x" * 100_000,
    ],
    ids=lambda words: words[:12].encode("ascii", "backslashreplace").decode(),
)
def test_a_text_stays_what_it_is(words: str) -> None:
    assert echo((1, words)) == [(1, words)]


def test_none_is_null_in_every_column() -> None:
    none = Statement(COLUMNS, "SELECT count(*), count(number), count(words), count(moment) FROM given")
    assert none.run([(None, None, None)] * 2) == [(2, 0, 0, 0)]


def test_none_beside_values_stays_in_its_row() -> None:
    assert echo((1, None), (2, "two"), (3, None)) == [(1, None), (2, "two"), (3, None)]


def test_without_rows_nothing_is_returned() -> None:
    assert ECHO.run([]) == []


def test_a_thousand_rows_are_one_query(django_assert_num_queries: Callable[..., Any]) -> None:
    given = [(number, f"words of {number}") for number in range(1000)]
    with django_assert_num_queries(1):
        assert echo(*given) == given


def test_the_same_statement_is_run_again_with_other_rows() -> None:
    assert [echo((number, str(number))) for number in range(8)] == [[(number, str(number))] for number in range(8)]


def test_a_moment_is_stored_to_the_microsecond(make_user: Callable[..., Any]) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    user = make_user("alice")
    seen = Statement(
        {"user_id": "bigint", "moment": "timestamptz"},
        """UPDATE authentication_user SET date_joined = given.moment FROM given
        WHERE authentication_user.id = given.user_id""",
    )
    assert seen.run([(user.pk, connection.ops.adapt_datetimefield_value(moment))]) == []
    user.refresh_from_db()
    assert user.date_joined == moment


def test_what_the_first_part_returns_is_returned_and_the_others_are_done(make_user: Callable[..., Any]) -> None:
    alice, bob = make_user("alice"), make_user("bob")
    both = Statement(
        {"first": "bigint", "second": "bigint"},
        "SELECT first + second FROM given",
        "UPDATE authentication_user SET first_name = 'First' FROM given WHERE authentication_user.id = given.first",
        "UPDATE authentication_user SET first_name = 'Second' FROM given WHERE authentication_user.id = given.second",
    )
    assert both.run([(alice.pk, bob.pk)]) == [(alice.pk + bob.pk,)]
    for user, name in ((alice, "First"), (bob, "Second")):
        user.refresh_from_db()
        assert user.first_name == name


# Those of a message -----------------------------------------------------------------------------


def message(conversation: Conversation, seq: int, sender: Any = None, **fields: Any) -> Message:
    """One that is numbered and not stored."""
    return Message(conversation=conversation, seq=seq, version=seq, sender=sender, created_at=timezone.now(), **fields)


@pytest.fixture
def returns_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SQLite before 3.35: nothing comes back from an INSERT. PostgreSQL always returns what it is asked for."""
    vars(rows.STORE).pop("_texts", None)
    if connection.vendor == "sqlite":
        monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    yield
    vars(rows.STORE).pop("_texts", None)


def test_stored_messages_have_their_ids(alice: Any, conversation: Any, group: Any) -> None:
    said = [message(conversation, 1, alice, content="one"), message(group, 2, alice, content="two")]
    rows.store(said)
    assert [Message.objects.get(pk=each.pk).content for each in said] == ["one", "two"]


@pytest.mark.usefixtures("returns_nothing")
def test_stored_messages_have_their_ids_where_nothing_is_returned(alice: Any, conversation: Any, group: Any) -> None:
    said = [message(conversation, seq, alice, content=f"{seq}") for seq in (1, 2)] + [message(group, 2, alice)]
    rows.store(said)
    stored = [Message.objects.get(pk=each.pk) for each in said]
    assert [(each.conversation_id, each.content) for each in stored] == [
        (conversation.pk, "1"),
        (conversation.pk, "2"),
        (group.pk, ""),
    ]


def test_all_of_a_message_is_stored(alice: Any, conversation: Any) -> None:
    content = 'it\'s \\ % %s {} \N{GRINNING FACE} \u2028 "x"'
    first = message(conversation, 1, alice, content="first")
    rows.store([first])
    event = {"action": "renamed", "name": content}
    second = message(
        *(conversation, 2, alice), content=content, reply_to=first, client_id="%s'\\", client_digest="d", event=event
    )
    rows.store([second])
    stored = Message.objects.get(pk=second.pk)
    for name in ("type", "content", "reply_to_id", "client_id", "client_digest", "event", "created_at", "sender_id"):
        assert getattr(stored, name) == getattr(second, name), name


def test_what_a_message_does_not_have_is_null(conversation: Any) -> None:
    rows.store([message(conversation, 1, type=Message.Type.SYSTEM)])
    stored = Message.objects.get()
    assert (stored.sender_id, stored.reply_to_id, stored.client_id, stored.event) == (None, None, None, None)


def test_conversations_and_markers_move_to_the_last_of_several(alice: Any, bob: Any, conversation: Any) -> None:
    rows.store([message(conversation, seq, sender) for seq, sender in ((1, alice), (2, bob), (3, alice))])
    stored = Conversation.objects.get(pk=conversation.pk)
    assert (stored.last_seq, stored.version) == (3, 3)
    markers = ConversationParticipant.objects.filter(conversation=conversation)
    assert dict(markers.values_list("user", "last_read_seq")) == {alice.pk: 3, bob.pk: 2}


def test_what_is_known_of_sends_comes_in_their_order(alice: Any, bob: Any, eve: Any, conversation: Any) -> None:
    rows.store([message(conversation, 1, alice, client_id="it's 100 %")])
    sends = [
        (conversation.pk, alice.pk, "it's 100 %"),
        (conversation.pk, bob.pk, "it's 100 %"),
        (conversation.pk, eve.pk, None),
        (LARGEST, alice.pk, None),
        (conversation.pk, alice.pk, None),
    ]
    known = rows.lock_and_read(sends)
    assert [each.is_there for each in known] == [True, True, True, False, True]
    assert [each.part and each.part.user.username for each in known] == ["alice", "bob", None, None, "alice"]
    assert [each.said_id is not None for each in known] == [True, False, False, False, False]
    assert {each.conversation and each.conversation.version for each in known} == {1, None}


def test_of_no_sends_nothing_is_known() -> None:
    assert rows.lock_and_read([]) == []


def test_nothing_is_stored_of_no_messages() -> None:
    rows.store([])
    assert not Message.objects.exists()
