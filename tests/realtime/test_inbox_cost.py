"""What an inbox costs does not grow with its user's conversations, nor a message with the inboxes that it goes to."""

import threading
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from chat.hub import get_hub
from tests.realtime.frames import durable

Open = Callable[..., Any]
MANY = 1000


@pytest.fixture
def statements(monkeypatch: Any) -> list[str]:
    """What sockets have the database do from here on; not what is done by timers."""
    done: list[str] = []
    plain = CursorWrapper.execute

    def execute(self: Any, sql: Any, params: Any = None) -> Any:
        if threading.current_thread().name.startswith("sockets"):
            done.append(str(sql))
        return plain(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", execute)
    return done


def fill(user: Any) -> None:
    """As if the user had created so many groups."""
    from chat.models import Conversation, ConversationParticipant

    now = timezone.now()
    groups = [Conversation(type="group", name=str(n), created_at=now, updated_at=now) for n in range(MANY)]
    ConversationParticipant.objects.bulk_create(
        ConversationParticipant(conversation=each, user=user, joined_at=now)
        for each in Conversation.objects.bulk_create(groups)
    )


async def test_an_inbox_of_a_thousand_conversations_opens_for_as_many_queries_as_one_of_two(
    open_inbox: Open, statements: list[str], alice: Any, bob: Any, eve: Any, conversation: Any, group: Any
) -> None:
    await sync_to_async(fill)(eve)
    await open_inbox(bob)  # what is done once
    costs = []
    for user, count in ((alice, 2), (eve, MANY)):
        statements.clear()
        await open_inbox(user)
        [inbox] = get_hub().inboxes[user.pk]
        assert len(inbox.subscribers) == count
        costs.append([statement.split(" FROM ")[-1][:60] for statement in statements])
    assert costs[0] == costs[1]
    assert len(costs[0]) <= 4


async def test_an_inbox_asks_the_layer_only_for_conversations_that_nobody_has_open_here(
    layer: Callable[..., None], enter: Open, open_inbox: Open, alice: Any, bob: Any, conversation: Any, group: Any
) -> None:
    layer("CountingLayer")
    await enter(bob, conversation)
    for user in (alice, alice, bob):
        await open_inbox(user)
    asked = [name for name in get_channel_layer().asked if name.startswith("conversation.")]
    assert asked == [f"conversation.{conversation.pk}", f"conversation.{group.pk}"]


async def test_a_message_is_encoded_and_published_once_for_all_inboxes_and_sockets(
    layer: Callable[..., None], enter: Open, open_inbox: Open, post: Callable[..., Any],
    alice: Any, bob: Any, group: Any, monkeypatch: Any,
) -> None:  # fmt: skip
    layer("CountingLayer")
    sockets = [await open_inbox(user) for user in [alice, bob] * 4]
    sockets += [await enter(user, group) for user in [alice, bob] * 4]
    encoded: list[str] = []
    plain = orjson.dumps

    def dumps(value: Any) -> bytes:
        encoded.append(value["type"] if isinstance(value, dict) else "rows")
        return plain(value)

    monkeypatch.setattr("chat.broadcast.orjson.dumps", dumps)
    get_channel_layer().sent.clear()
    await post(alice, group)
    for socket in sockets:
        assert len(await durable(socket, 1)) == 1
    assert encoded.count("chat_message") == 1
    assert get_channel_layer().sent.count(f"conversation.{group.pk}") == 1
