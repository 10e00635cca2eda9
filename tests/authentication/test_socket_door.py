"""What the middleware makes of a handshake."""

import pytest

from authentication.middleware import AccessTokenMiddleware
from authentication.models import User


@pytest.fixture
def knock(transactional_db):
    """`await knock(headers=…, subprotocols=…, query=…)`: the scope that the consumer gets."""

    async def knock(headers=(), subprotocols=(), query=b""):
        seen = {}

        async def consumer(scope, receive, send):
            seen.update(scope)

        scope = {
            "type": "websocket",
            "headers": list(headers),
            "subprotocols": list(subprotocols),
            "query_string": query,
        }
        await AccessTokenMiddleware(consumer)(scope, None, None)
        return seen

    return knock


@pytest.fixture
def token(transactional_db, alice, log_in):
    return log_in(alice)["access"]


def header(token):
    return [(b"authorization", f"Bearer {token}".encode())]


async def test_the_header_lets_in(knock, token, alice):
    scope = await knock(headers=header(token))
    assert scope["access"].user == alice
    assert scope["accepted_subprotocol"] is None
    assert scope["access_error"] is None


async def test_the_subprotocol_lets_in_and_is_accepted(knock, token, alice):
    scope = await knock(subprotocols=["bearer", token])
    assert scope["access"].user == alice
    assert scope["accepted_subprotocol"] == "bearer"


async def test_the_query_lets_in(knock, token, alice):
    scope = await knock(query=f"since=5&token={token}".encode())
    assert scope["access"].user == alice


async def test_the_header_goes_first(knock, token):
    assert (await knock(headers=header("rubbish"), subprotocols=["bearer", token]))["access"] is None
    assert (await knock(headers=header(token), subprotocols=["bearer", "rubbish"]))["access"] is not None


async def test_the_subprotocol_goes_before_the_query(knock, token):
    assert (await knock(subprotocols=["bearer", "rubbish"], query=f"token={token}".encode()))["access"] is None


async def test_another_scheme_leaves_the_query(knock, token):
    scope = await knock(headers=[(b"authorization", b"Basic YTpi")], query=f"token={token}".encode())
    assert scope["access"] is not None


@pytest.mark.parametrize(
    "door",
    [
        {},
        {"headers": [(b"authorization", b"Bearer")]},
        {"headers": [(b"authorization", b"Bearer \xff\x00")]},
        {"subprotocols": ["bearer"]},
        {"subprotocols": ["chat", "x"]},
        {"query": b"token="},
        {"query": b"token=%00%ff&token=x"},
        {"query": b"\xff" * 1000},
    ],
)
async def test_nothing_good_is_nobody_and_no_error(knock, door):
    scope = await knock(**door)
    assert (scope["access"], scope["access_error"]) == (None, None)


async def test_an_ended_session_is_nobody(knock, token, alice):
    await alice.sessions.all().adelete()
    assert (await knock(headers=header(token)))["access"] is None


async def test_a_deactivated_user_is_nobody(knock, token):
    await User.objects.aupdate(is_active=False)
    assert (await knock(headers=header(token)))["access"] is None


async def test_a_database_that_is_away_is_told(knock, token, monkeypatch):
    from django.db import OperationalError

    from authentication import middleware

    async def away(raw):
        raise OperationalError

    monkeypatch.setattr(middleware, "averify_access", away)
    scope = await knock(headers=header(token))
    assert (scope["access"], scope["access_error"]) == (None, "unavailable")
