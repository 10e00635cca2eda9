"""Rate limits that are asked for all the time: counted in this process, and where there is Redis over all of them.

A bucket holds `count` and refills at `count` per `seconds`: the generic cell rate algorithm, which keeps per key one
moment, the one at which the bucket is full again. Where Redis is away or slow, what this process has counted holds.
"""

import threading
import time
from collections.abc import Sequence

from django.conf import settings
from rest_framework.exceptions import Throttled

from .environment import Rate
from .shared_counts import SharedCounts


def charge(full_at: float, now: float, rate: Rate) -> tuple[float, float]:
    """When a bucket that is full at `full_at` is so after one more; and by how many seconds that one is too early."""
    step = rate.seconds / rate.count
    full_at = max(full_at, now) + step
    wait = full_at - now - rate.seconds
    return full_at, wait if wait > step / 1000 else 0.0


class Bucket:
    """One limit over many keys (users, addresses). Thread-safe; a key that is full again soon costs no memory."""

    def __init__(self, rate: Rate | None) -> None:
        self.rate = rate
        self.full_at: dict[str, float] = {}
        self.lock = threading.Lock()
        self.sweep_at = 0.0

    def take(self, key: str) -> None:
        """Take one, or raise `Throttled` with the seconds to wait (`wait`) and take nothing."""
        if self.rate is None:
            return
        now = time.monotonic()
        with self.lock:
            full_at, wait = charge(self.full_at.get(key, 0.0), now, self.rate)
            if wait:
                raise Throttled(wait=wait)
            self.full_at[key] = full_at
            self._sweep(now)

    def give_back(self, key: str) -> None:
        """Undo one `take`: what it was taken for does not count."""
        if self.rate is None:
            return
        with self.lock:
            if key in self.full_at:
                self.full_at[key] -= self.rate.seconds / self.rate.count

    def _sweep(self, now: float) -> None:
        if self.rate is not None and now > self.sweep_at:
            self.sweep_at = now + self.rate.seconds
            self.full_at = {key: full_at for key, full_at in self.full_at.items() if full_at > now}


_buckets: dict[str, Bucket] = {}
_buckets_lock = threading.Lock()
_shared: SharedCounts | None = None


def _bucket(setting_name: str) -> Bucket:
    """This process's bucket of a setting; where the setting's value has changed, a new and full one."""
    rate: Rate | None = getattr(settings, setting_name)
    with _buckets_lock:
        found = _buckets.get(setting_name)
        if found is None or found.rate != rate:
            found = _buckets[setting_name] = Bucket(rate)
        return found


def _shared_counts() -> SharedCounts:
    global _shared
    with _buckets_lock:
        if _shared is None:
            _shared = SharedCounts(settings.REDIS_URLS)
        return _shared


def take(setting_name: str, key: str) -> None:
    """Take one from the bucket of a setting (`THROTTLE_USER`, …), or raise `Throttled` and take nothing."""
    [refusal] = take_each(setting_name, [key])
    if refusal is not None:
        raise refusal


def take_each(setting_name: str, keys: Sequence[str]) -> list[Throttled | None]:
    """For each key `take` one, and answer the refusal where there is none left; one question to Redis for all."""
    bucket = _bucket(setting_name)
    refusals: list[Throttled | None] = [None] * len(keys)
    if bucket.rate is None:
        return refusals
    for number, key in enumerate(keys):
        try:
            bucket.take(key)
        except Throttled as refusal:
            refusals[number] = refusal
    taken = [number for number, refusal in enumerate(refusals) if refusal is None]
    waits = _shared_counts().take(bucket.rate, [f"{setting_name}:{keys[number]}" for number in taken])
    for number, wait in zip(taken, waits, strict=True):
        if wait:
            bucket.give_back(keys[number])
            refusals[number] = Throttled(wait=wait)
    return refusals


def reset() -> None:
    """Forget what this process has counted."""
    global _shared
    with _buckets_lock:
        _buckets.clear()
        _shared = None
