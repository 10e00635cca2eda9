"""Who is counted, and for what.

What is tried without a token is counted in the database, where every process sees it and none takes it along when it
dies. It is rare, and while the database is away nobody comes in anyway.
"""

import hmac
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from chat_server.environment import Rate

from .exceptions import InvalidCredentials, WrongPassword
from .models import Attempts

FORGET_SECONDS = 60


def client_address(source: HttpRequest | Request | Mapping[str, Any]) -> str:
    """The client's IP address, of a request or an ASGI scope; "" where there is none (a Unix socket).

    `X-Forwarded-For` is believed as far as NUM_PROXIES proxies of ours have written it.
    """
    if isinstance(source, Mapping):
        peer = (source.get("client") or ("",))[0]
        forwarded = b",".join(value for name, value in source["headers"] if name == b"x-forwarded-for").decode(
            "latin-1"
        )
    else:
        peer, forwarded = source.META.get("REMOTE_ADDR", ""), source.META.get("HTTP_X_FORWARDED_FOR", "")
    hops = forwarded.split(",")
    believed = hops[-settings.NUM_PROXIES] if 0 < settings.NUM_PROXIES <= len(hops) else ""
    return _address(believed) or _address(peer)


def _address(text: str) -> str:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)[:64]


def take(setting_name: str, *keys: str) -> None:
    """Count one for each key, or, where one of them is over its limit, none, and raise `Throttled`."""
    rate: Rate | None = getattr(settings, setting_name)
    if rate is None:
        return
    _forget_old()
    if wait := Attempts.objects.take(_names(setting_name, rate, keys), rate):
        raise Throttled(wait=wait)


@contextmanager
def login_attempt(ip: str, email: str) -> Iterator[None]:
    """Count what is tried in here only if the password turns out wrong; `Throttled` before it is tried."""
    # Counted first and given back, so that many guesses at once cannot all pass before the first one fails.
    keys = (f"from:{ip}", f"from:{ip} as:{email}")
    take("THROTTLE_LOGIN", *keys)
    try:
        yield
    except (InvalidCredentials, WrongPassword):
        raise
    except BaseException:
        _give_back("THROTTLE_LOGIN", *keys)
        raise
    _give_back("THROTTLE_LOGIN", *keys)


def _give_back(setting_name: str, *keys: str) -> None:
    rate: Rate | None = getattr(settings, setting_name)
    if rate is not None:
        Attempts.objects.give_back(_names(setting_name, rate, keys), rate)


def _names(setting_name: str, rate: Rate, keys: Iterable[str]) -> list[str]:
    texts = [f"{setting_name} {rate.count}/{rate.seconds} {key}" for key in keys]
    return [hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256").hex() for text in texts]


_forgot_at = 0.0


def _forget_old() -> None:
    global _forgot_at
    if time.monotonic() - _forgot_at > FORGET_SECONDS:
        _forgot_at = time.monotonic()
        Attempts.objects.forget_old()
