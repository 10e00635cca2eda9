"""What all processes count together, in Redis."""

import hashlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import redis

from .environment import Rate

logger = logging.getLogger(__name__)

TIMEOUT = 0.1  # seconds; a send is acknowledged within one even where Redis hangs
RETRY_SECONDS = 1.0  # after a failure; meanwhile nobody waits for it
WELL_SECONDS = 5.0  # without a failure: on a busy machine one answer in a hundred may be late, which is not news
# As `throttling.charge`, by the clock of Redis, which all processes share; in milliseconds. It answers those to wait.
CHARGE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local step, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + step
local wait = full_at - now - window
if wait > step / 1000 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', full_at), 'PX', math.max(1, math.ceil(full_at - now)))
return 0
"""
DIGEST = hashlib.sha1(CHARGE.encode(), usedforsecurity=False).hexdigest()  # as Redis names a script


class SharedCounts:
    """Buckets in Redis. Thread-safe. Where it is away or slow it refuses nobody, and is not asked for a second."""

    def __init__(self, urls: Sequence[str]) -> None:
        """`urls`: the shards; with none of them nothing is counted."""
        self.shards = [
            redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT) for url in urls
        ]
        self.lock = threading.Lock()
        self.failing = False
        self.ask_at = self.failed_at = 0.0

    def take(self, rate: Rate, keys: Sequence[str]) -> list[float]:
        """For each key take one and answer 0, or answer the seconds to wait and take nothing."""
        waits = [0.0] * len(keys)
        if not self.shards or not keys or time.monotonic() < self.ask_at:
            return waits
        by_shard: dict[int, list[int]] = defaultdict(list)
        for number, key in enumerate(keys):
            by_shard[crc32(key.encode()) % len(self.shards)].append(number)
        try:
            for shard, numbers in by_shard.items():
                answers = _ask(self.shards[shard], rate, [keys[number] for number in numbers])
                for number, wait in zip(numbers, answers, strict=True):
                    waits[number] = wait / 1000
        except redis.RedisError as error:
            self._note(error)
        else:
            self._note(None)
        return waits

    def _note(self, error: Exception | None) -> None:
        """One line when it begins to fail and one when it has been well for `WELL_SECONDS`."""
        if error is None and not self.failing:
            return
        now = time.monotonic()
        with self.lock:
            if error is not None:
                self.failed_at, self.ask_at = now, now + RETRY_SECONDS
                if not self.failing:
                    logger.warning("rate limits count in this process only (%s)", type(error).__name__)
                self.failing = True
            elif self.failing and now - self.failed_at >= WELL_SECONDS:
                logger.warning("rate limits count over all processes again")
                self.failing = False


def _ask(shard: redis.Redis, rate: Rate, keys: Sequence[str]) -> list[int]:
    """The milliseconds to wait for each key, in one round trip."""
    names = [f"chat:throttle:{rate.count}/{rate.seconds}:{key}" for key in keys]
    limits = (1000 * rate.seconds / rate.count, 1000 * rate.seconds)
    commands = [("EVALSHA", DIGEST, 1, name, *limits) for name in names]
    try:
        return _answers(shard, commands)
    except redis.exceptions.NoScriptError:  # it has been restarted
        shard.script_load(CHARGE)
        return _answers(shard, commands)


def _answers(shard: redis.Redis, commands: Sequence[tuple[Any, ...]]) -> list[int]:
    """On one connection of the pool, without what a pipeline does beside: it costs as much again."""
    connection = shard.connection_pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        answers = [_answer(connection) for _ in commands]
    finally:
        shard.connection_pool.release(connection)
    for answer in answers:
        if isinstance(answer, redis.RedisError):
            raise answer
    return answers


def _answer(connection: Any) -> Any:
    """The next answer, an error among them; a connection that fails raises, and is closed."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error
