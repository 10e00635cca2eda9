"""What leaves this process: group names, encoding, publishing after the commit. The only file that calls `group_send`.

What the channel layer carries is a hint; the database is the truth. A publish that fails is counted and logged, never
raised.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import orjson
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from chat_server.batching import Arrivals, arrivals_here

from .events import ChatMessage, Event, MessageDeleted, MessageUpdated, Payload
from .models import Message
from .shapes import message_shape

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

EVERYWHERE = "everywhere"  # the group of every process
LEAVING = ("participant_removed", "participant_left")
WELL_SECONDS = 5.0  # without a failure: on a busy machine one publish in a hundred may be late, which is not news
PUBLISH_TIMEOUT = 0.5  # seconds; a send is acknowledged within one second even where Redis hangs


def conversation_group(conversation_id: int) -> str:
    """The group of the processes that have sockets of this conversation."""
    return f"conversation.{conversation_id}"


def encode(event: Event) -> str:
    """The frame as JSON text; raises `TypeError` for what is no JSON, so encode before the commit."""
    return orjson.dumps(event.frame()).decode()


def _layer() -> Any:
    return get_channel_layer()  # typed loosely: the groups are an extension of the layer


@dataclass(slots=True)
class PublishCount:
    """How often publishing failed since the process began, and whether it does so these days."""

    failed: int = 0
    failing: bool = False
    failed_at: float = 0.0

    def reset(self) -> None:
        """As when the process began."""
        self.failed, self.failing, self.failed_at = 0, False, 0.0

    def note(self, error: Exception | None) -> None:
        """Count, and write one line when it starts to fail and one when it has been well for `WELL_SECONDS`."""
        now = time.monotonic()
        if error is not None:
            self.failed += 1
            self.failed_at = now
            if not self.failing:
                logger.warning("the channel layer does not take messages (%s); they arrive late", type(error).__name__)
            self.failing = True
        elif self.failing and now - self.failed_at >= WELL_SECONDS:
            logger.warning("the channel layer takes messages again; %d had failed in all", self.failed)
            self.failing = False


published = PublishCount()


async def within(seconds: float, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What the work returns or raises, or `TimeoutError` after so many seconds, whatever it makes of being cancelled.

    `asyncio.timeout` waits until the work has ended, and redis-py may lose a cancellation (in `asyncio.wait_for`, which
    swallows one that comes at the wrong moment in Python 3.11) and then wait for Redis for five seconds.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()  # does nothing to one that is done
    if not done:
        task.add_done_callback(lambda task: task.cancelled() or task.exception())  # heard, should it raise later
        raise TimeoutError
    return task.result()


async def reach_layer() -> None:
    """Raise, or hang, where the channel layer does not take a message; nobody gets this one."""
    await _layer().group_send("nobody", {"type": "nothing"})


async def probe() -> None:
    """Note it where the channel layer takes messages again, though nobody publishes anything."""
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await reach_layer()
    except Exception:
        published.failed_at = time.monotonic()  # still not well, which is no news
    else:
        published.note(None)


ForGroup = tuple[str, Payload]  # the group that it is for, and what it says


async def publish(*messages: ForGroup) -> None:
    """Hand messages to every process of their groups, within `PUBLISH_TIMEOUT`; never raises."""
    try:
        async with asyncio.timeout(PUBLISH_TIMEOUT):
            await _send(messages)
    except Exception as error:  # whatever the layer raises: what it lost is repaired from the database
        published.note(error)
    else:
        published.note(None)


async def _send(messages: Sequence[ForGroup]) -> None:
    layer = _layer()
    send_each = getattr(layer, "group_send_each", None)
    if send_each is not None:
        await send_each(messages)
        return
    for group, message in messages:
        await layer.group_send(group, message)


_serving: Arrivals | None = None
_under_way: set[asyncio.Task[None]] = set()


def publish_from_here() -> None:
    """Publish on the running event loop, the server's, from now on."""
    global _serving
    _serving = arrivals_here()


def publish_soon(*messages: ForGroup) -> None:
    """Publish from whatever thread; a server does not wait for it, so a layer that hangs holds up no answer."""
    if _serving is not None and _serving.loop.is_running():
        _serving.bring(partial(_publish_beside, messages))
    else:  # a command
        async_to_sync(publish)(*messages)


def _publish_beside(messages: Sequence[ForGroup]) -> None:
    send_soon = getattr(_layer(), "group_send_soon", None)
    if send_soon is None:
        task = asyncio.ensure_future(publish(*messages))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        return
    try:
        send_soon(messages, published.note)
    except Exception as error:  # it is for one of those who wait on the loop, and none of them must hear of it
        published.note(error)


def publish_on_commit(*messages: ForGroup) -> None:
    """`publish_soon` once the transaction is committed; never if it is rolled back."""
    transaction.on_commit(lambda: publish_soon(*messages), robust=True)


# What travels between processes. `type` names the method of the hub that takes it. -----------------


def durable(conversation_id: int, events: list[Payload]) -> Payload:
    """Messages of one conversation that were stored together, each as `durable_event`, in version order."""
    return {"type": "durable", "conversation_id": conversation_id, "events": events}


def durable_event(message: Message) -> Payload:
    """A new, edited or deleted message, its frame encoded; `gone` is the user whom this very message takes out."""
    kind = MessageDeleted if message.is_deleted else MessageUpdated if message.is_edited else ChatMessage
    happened = message.event or {}
    return {
        "version": message.version,
        "seq": message.seq,
        "frame": encode(kind(message=message_shape(message), version=message.version)),
        "sender_id": message.sender_id,
        "is_new": not (message.is_edited or message.is_deleted),
        "gone": happened.get("user_id") if happened.get("action") in LEAVING else None,
    }


def receipt(*, conversation_id: int, user_id: int, last_read_seq: int, frame: str) -> Payload:
    """The frame of a read receipt, and how far who has read: their inboxes count anew."""
    return {
        "type": "receipt",
        "conversation_id": conversation_id,
        "user_id": user_id,
        "last_read_seq": last_read_seq,
        "frame": frame,
    }


def typing(*, conversation_id: int, user_id: int, username: str, is_typing: bool) -> Payload:
    """Somebody began or stopped typing."""
    return {
        "type": "typing",
        "conversation_id": conversation_id,
        "user_id": user_id,
        "username": username,
        "is_typing": is_typing,
    }


def statuses(statuses: list[Payload]) -> Payload:
    """Users who came or went, each as `status`."""
    return {"type": "statuses", "statuses": statuses}


def status(*, user_id: int, username: str, online: bool, last_seen: str | None, conversation_ids: list[int]) -> Payload:
    """Somebody came or went, in all of their conversations."""
    return {
        "user_id": user_id,
        "username": username,
        "online": online,
        "last_seen": last_seen,
        "conversation_ids": conversation_ids,
    }


def sessions_ended(*, session_ids: list[str]) -> Payload:
    """These sessions are over: their sockets close."""
    return {"type": "sessions_ended", "session_ids": session_ids}


def conversation_deleted(*, conversation_id: int) -> Payload:
    """The conversation is gone for all."""
    return {"type": "conversation_deleted", "conversation_id": conversation_id}


def conversation_changed(*, conversation_id: int) -> Payload:
    """Something of it that is no message changed: what its `revision` counts."""
    return {"type": "conversation_changed", "conversation_id": conversation_id}


def part_changed(*, conversation_id: int, user_id: int, visible_after_seq: int) -> Payload:
    """A private conversation went from a user's list, or came back; what was said up to there is not for them."""
    return {
        "type": "part_changed",
        "conversation_id": conversation_id,
        "user_id": user_id,
        "visible_after_seq": visible_after_seq,
    }


def joined(*, conversation_id: int, user_ids: list[int]) -> Payload:
    """These users take part from now on: their inboxes show it."""
    return {"type": "joined", "conversation_id": conversation_id, "user_ids": user_ids}
