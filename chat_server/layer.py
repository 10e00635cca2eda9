"""The channel layer on Redis: channels-redis' pub/sub layer, where what comes together goes together.

channels-redis makes a round trip for each message that it publishes, and four coroutines and a timer for each that it
receives. Here all that is published while a round trip is under way shares the next one, and all that has arrived is
taken at once. What is overridden is not public, so tests/realtime/test_layer.py says what it goes on doing.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection

PUBLISH_SECONDS = 0.5  # for one round trip
READ_SECONDS = 1.0  # after which redis-py looks whether the connection still lives


class Shard(RedisSingleShardConnection):
    """One Redis."""

    def __init__(self, host: Any, channel_layer: Any) -> None:
        super().__init__(host, channel_layer)
        self._waiting: list[tuple[str, bytes, asyncio.Future[None]]] = []
        self._publishing: asyncio.Task[None] | None = None

    def publish_soon(self, channel: str, message: bytes) -> "asyncio.Future[None]":
        """Done when Redis has it; what is cancelled before it is sent is not sent."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((channel, message, done))
        if self._publishing is None:
            self._publishing = asyncio.ensure_future(self._publish())
        return done

    async def publish(self, channel: str, message: bytes) -> None:
        await self.publish_soon(channel, message)

    async def _publish(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = [each for each in self._waiting if not each[2].done()], []
                await self._publish_together(batch)
        finally:
            self._publishing = None

    async def _publish_together(self, batch: list[tuple[str, bytes, "asyncio.Future[None]"]]) -> None:
        error: Exception | None = None
        try:
            self._ensure_redis()
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self._ask([("PUBLISH", channel, message) for channel, message, _ in batch])
        except Exception as raised:
            error = raised
        for _, _, done in batch:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    async def _ask(self, commands: list[tuple[Any, ...]]) -> None:
        """One round trip for all, without what a pipeline of redis-py does beside: it costs as much again."""
        pool = self._redis.connection_pool
        connection = await pool.get_connection()
        try:
            await connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                await connection.read_response()
        except BaseException:  # answers that come later would be taken for those to the next commands
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)

    async def _do_receiving(self) -> None:
        while True:
            try:
                if self._pubsub and self._pubsub.subscribed:
                    self._receive_message(
                        await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=READ_SECONDS)
                    )
                    for reply in self._arrived():
                        if reply[0] == b"message":
                            self._receive_message({"channel": reply[1], "data": reply[2]})
                        else:  # about a subscription, which redis-py keeps account of
                            await self._pubsub.handle_message(reply, ignore_subscribe_messages=True)
                else:
                    await asyncio.sleep(0.1)
            except Exception:  # the subscriber of the layer notices, and says so once
                await asyncio.sleep(1)

    def _arrived(self) -> Iterator[Any]:
        """Replies that were read together with the last one; none where redis-py has no hiredis, or looks otherwise."""
        reader = getattr(getattr(self._pubsub.connection, "_parser", None), "_reader", None)
        gets = getattr(reader, "gets", None)
        while gets is not None and isinstance(reply := gets(), list):
            yield reply


class SharingLayer(RedisPubSubChannelLayer):
    """A drop-in for its parent, with `group_send_each` and `group_send_soon` beside `group_send`."""

    def group_send_soon(self, messages: Iterable[tuple[str, Any]], tell: Callable[[Exception | None], None]) -> None:
        """`group_send_each` that nobody waits for: `tell` hears of each how it went."""

        def heard(sent: "asyncio.Future[None]") -> None:
            if not sent.cancelled():
                tell(sent.exception())  # type: ignore[arg-type]  # which was set here

        layer = self._get_layer()
        for group, message in messages:
            channel = layer._get_group_channel_name(group)
            layer._get_shard(channel).publish_soon(channel, self.serialize(message)).add_done_callback(heard)

    async def group_send_each(self, messages: Iterable[tuple[str, Any]]) -> None:
        """`group_send` for many groups and messages at once; raises one of the failures when all have been tried."""
        layer = self._get_layer()
        sent = []
        for group, message in messages:
            channel = layer._get_group_channel_name(group)
            sent.append(layer._get_shard(channel).publish_soon(channel, self.serialize(message)))
        failure: Exception | None = None
        try:
            for done in sent:
                try:
                    await done
                except Exception as error:
                    failure = error
        finally:
            for done in sent:
                done.cancel()  # does nothing to one that is done
        if failure is not None:
            raise failure

    def _get_layer(self) -> RedisPubSubLoopLayer:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], Shard):
            layer._shards = [Shard(shard.host, layer) for shard in layer._shards]
        return layer
