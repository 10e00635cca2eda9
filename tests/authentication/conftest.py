"""What the tests of accounts need beyond the shared fixtures."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from tests.services.environment import PASSWORD


@pytest.fixture
def log_in(api: Callable[..., APIClient]) -> Callable[..., dict[str, Any]]:
    """`log_in(user)`: the body of a login: access, refresh, user."""

    def log_in(user: Any, password: str = PASSWORD, **headers: str) -> dict[str, Any]:
        response = api().post("/api/auth/login/", {"email": user.email, "password": password}, **headers)
        assert response.status_code == 200, response.json()
        return response.json()

    return log_in


@pytest.fixture
def bearer(api: Callable[..., APIClient]) -> Callable[[str], APIClient]:
    """`bearer(token)`: a client with that access token."""

    def client(token: str) -> APIClient:
        client = api()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return client

    return client


@pytest.fixture
def works(bearer: Callable[[str], APIClient]) -> Callable[[str], bool]:
    """`works(access)`: whether the token still lets its owner in."""

    def works(token: str) -> bool:
        response = bearer(token).get("/api/auth/check-session/")
        assert response.status_code in (200, 401), response.json()
        return response.status_code == 200

    return works


@pytest.fixture
def forge() -> Callable[..., str]:
    """`forge(token, exp=None, …)`: the same token with other claims (None: without), signed as ours, or with `key`."""

    def forge(
        token: str, *, key: str = settings.SIMPLE_JWT["SIGNING_KEY"], algorithm: str = "HS256", **claims: Any
    ) -> str:
        payload = jwt.decode(token, options={"verify_signature": False}) | claims
        return jwt.encode({name: value for name, value in payload.items() if value is not None}, key, algorithm)

    return forge


@pytest.fixture
def mails(transactional_db: None, mailoutbox: list[Any]) -> Callable[[], list[Any]]:
    """`mails()`: what was sent, once the threads that send are through."""

    def mails() -> list[Any]:
        for thread in threading.enumerate():
            if thread.name == "password-reset":
                thread.join(10)
        return mailoutbox

    return mails


@pytest.fixture
def ended() -> Iterator[list[str]]:
    """The session ids that `hooks.sessions_ended` has heard of."""
    from authentication import hooks

    heard: list[str] = []
    hooks.sessions_ended.append(heard.extend)
    yield heard
    hooks.sessions_ended.remove(heard.extend)
