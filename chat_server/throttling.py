"""Rate limits: a bucket that holds `count` and refills at `count` per `seconds`, counted in this process."""

import threading
import time

from django.conf import settings
from rest_framework.exceptions import Throttled

from .environment import Rate


class Bucket:
    """One limit over many keys (users, addresses). Thread-safe; a key that is full again soon costs no memory.

    The generic cell rate algorithm: per key it keeps one moment, the one at which its bucket is full again.
    """

    def __init__(self, rate: Rate | None) -> None:
        self.rate = rate
        self.full_at: dict[str, float] = {}
        self.lock = threading.Lock()
        self.sweep_at = 0.0

    def take(self, key: str) -> None:
        """Take one, or raise `Throttled` with the seconds to wait (`wait`) and take nothing."""
        if self.rate is None:
            return
        now, step = time.monotonic(), self.rate.seconds / self.rate.count
        with self.lock:
            full_at = max(self.full_at.get(key, 0.0), now) + step
            if full_at - now > self.rate.seconds + step / 1000:
                raise Throttled(wait=full_at - now - self.rate.seconds)
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


def bucket(setting_name: str) -> Bucket:
    """The one bucket of a setting (`THROTTLE_LOGIN`, …); where the setting's value has changed, a new and full one."""
    rate: Rate | None = getattr(settings, setting_name)
    with _buckets_lock:
        found = _buckets.get(setting_name)
        if found is None or found.rate != rate:
            found = _buckets[setting_name] = Bucket(rate)
        return found


def reset() -> None:
    """Forget every count."""
    with _buckets_lock:
        _buckets.clear()
