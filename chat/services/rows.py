"""The rows of many sends at once. Everything here runs inside the transaction that numbers and stores them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model

from chat.models import Conversation, ConversationParticipant, Message
from chat_server.statements import Statement

Row = TypeVar("Row", bound=Model)

LOCK = Statement(
    {"id": "bigint"},
    """SELECT locked.id, locked.last_seq, locked.version FROM chat_conversation locked
    WHERE locked.id IN (SELECT id FROM {given}) ORDER BY locked.id {for_update}""",
)
PARTS = Statement(
    {"conversation_id": "bigint", "user_id": "bigint"},
    """SELECT part.id, part.conversation_id, part.user_id, part.visible_after_seq,
        person.username, person.first_name, person.last_name
    FROM {given}
    JOIN chat_conversationparticipant part
        ON part.conversation_id = given.conversation_id AND part.user_id = given.user_id
    JOIN authentication_user person ON person.id = part.user_id""",
)
SAID = Statement(
    {"conversation_id": "bigint", "sender_id": "bigint", "client_id": "text"},
    """SELECT said.id FROM {given} JOIN chat_message said
        ON said.conversation_id = given.conversation_id AND said.sender_id = given.sender_id
        AND said.client_id = given.client_id""",
)
INSERT = Statement(
    {
        "conversation_id": "bigint",
        "seq": "bigint",
        "version": "bigint",
        "type": "text",
        "sender_id": "bigint",
        "content": "text",
        "reply_to_id": "bigint",
        "client_id": "text",
        "client_digest": "text",
        "event": "text",
    },
    """INSERT INTO chat_message (created_at, conversation_id, seq, version, type, sender_id, content, reply_to_id,
        client_id, client_digest, event)
    SELECT %s, conversation_id, seq, version, type, sender_id, content, reply_to_id, client_id, client_digest,
        CAST(event AS {json}) FROM {given} WHERE true {returning}""",
    returning="id, conversation_id, seq",
)
STORED = Statement(
    {"conversation_id": "bigint", "seq": "bigint"},
    """SELECT stored.id, stored.conversation_id, stored.seq FROM {given} JOIN chat_message stored
        ON stored.conversation_id = given.conversation_id AND stored.seq = given.seq""",
)
MOVE_HEADS = Statement(
    {"id": "bigint", "last_seq": "bigint", "version": "bigint"},
    """UPDATE chat_conversation SET updated_at = %s, last_seq = given.last_seq, version = given.version
    FROM {given} WHERE chat_conversation.id = given.id""",
)
MOVE_MARKERS = Statement(
    {"id": "bigint", "last_read_seq": "bigint"},
    """UPDATE chat_conversationparticipant SET last_read_at = %s, last_read_seq = given.last_read_seq
    FROM {given} WHERE chat_conversationparticipant.id = given.id""",
)


def lock_free(conversation_ids: Iterable[int]) -> dict[int, Conversation]:
    """Those of the conversations that nobody else holds, locked, by id; of each no more than its head is read."""
    fields = ["id", "last_seq", "version"]
    return {row[0]: _of(Conversation, fields, row) for row in LOCK.run([(pk,) for pk in conversation_ids])}


def parts(wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], ConversationParticipant]:
    """By conversation and user, their part in it, where they have one, with of the user what a message shows."""
    found = {}
    for pk, conversation_id, user_id, visible_after_seq, *names in PARTS.run(list(wanted)):
        fields = ["id", "conversation_id", "user_id", "visible_after_seq"]
        part = _of(ConversationParticipant, fields, (pk, conversation_id, user_id, visible_after_seq))
        part.user = _of(get_user_model(), ["id", "username", "first_name", "last_name"], (user_id, *names))
        found[conversation_id, user_id] = part
    return found


def said(wanted: Collection[tuple[int, int, str]]) -> list[Message]:
    """The messages that were sent with these: conversation, sender, `client_id`."""
    ids = [pk for (pk,) in SAID.run(list(wanted))]
    return list(Message.objects.with_people().filter(pk__in=ids)) if ids else []


def insert(messages: Sequence[Message], now: datetime) -> None:
    """Store new messages, which get their id."""
    rows = [
        (
            *(message.conversation_id, message.seq, message.version, message.type, message.sender_id),
            *(message.content, message.reply_to_id, message.client_id, message.client_digest),
            None if message.event is None else orjson.dumps(message.event).decode(),
        )
        for message in messages
    ]
    ids = INSERT.run(rows, before=[_moment(now)])
    if not INSERT.returns:
        ids = STORED.run([(message.conversation_id, message.seq) for message in messages])
    by_place = {(conversation_id, seq): pk for pk, conversation_id, seq in ids}
    for message in messages:
        message.pk = by_place[message.conversation_id, message.seq]
        message._state.adding, message._state.db = False, connection.alias


def move_heads(conversations: Iterable[Conversation], now: datetime) -> None:
    """Store how far the conversations are."""
    MOVE_HEADS.run([(each.pk, each.last_seq, each.version) for each in conversations], before=[_moment(now)])


def move_markers(parts: Iterable[ConversationParticipant], now: datetime) -> None:
    """Store how far these participants have read."""
    MOVE_MARKERS.run([(part.pk, part.last_read_seq) for part in parts], before=[_moment(now)])


def _of(model: type[Row], fields: list[str], values: Sequence[Any]) -> Row:
    """A row of which no more was read."""
    return model.from_db(connection.alias, fields, values)


def _moment(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
