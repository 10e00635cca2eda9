import re

import pytest

from authentication.models import Session
from tests.services.environment import PASSWORD
from tests.services.errors import errors
from tests.services.threads import at_once

LOGIN = "/api/auth/login/"


def test_logging_in_answers_with_tokens_and_the_profile(alice, log_in, works):
    body = log_in(alice)
    assert set(body) == {"access", "refresh", "user"}
    assert body["user"]["email"] == alice.email
    assert works(body["access"])


def test_the_address_is_compared_without_case(api, alice):
    assert api().post(LOGIN, {"email": " ALICE@Example.com", "password": PASSWORD}).status_code == 200


@pytest.fixture
def refused(api, alice, bob):
    """The three ways to be refused."""
    bob.is_active = False
    bob.save()
    return [
        api().post(LOGIN, {"email": alice.email, "password": "wrong"}),
        api().post(LOGIN, {"email": "nobody@example.com", "password": PASSWORD}),
        api().post(LOGIN, {"email": bob.email, "password": PASSWORD}),
    ]


def test_bad_credentials_are_401(refused):
    assert [errors(response, 401) for response in refused] == [[("invalid_credentials", None)]] * 3
    assert refused[0]["WWW-Authenticate"] == "Bearer"


def test_every_refusal_has_the_same_bytes(refused):
    assert len({response.content for response in refused}) == 1
    assert len({str(sorted(response.headers.items())) for response in refused}) == 1


@pytest.mark.parametrize("email", ["nobody@example.com", "alice@example.com", "bob@example.com"])
def test_every_refusal_hashes_once(api, alice, bob, email, monkeypatch):
    from django.contrib.auth.hashers import get_hasher

    bob.is_active = False
    bob.save()
    hashes = []
    hasher = type(get_hasher())
    for name in ("encode", "verify"):
        original = getattr(hasher, name)
        monkeypatch.setattr(hasher, name, lambda *args, original=original: (hashes.append(1), original(*args))[1])
    api().post(LOGIN, {"email": email, "password": "wrong" if email.startswith("alice") else PASSWORD})
    assert len(hashes) == 1


def test_a_password_is_compared_untrimmed(api, make_user):
    user = make_user("carol", password=" staple battery 7 ")
    assert api().post(LOGIN, {"email": user.email, "password": "staple battery 7"}).status_code == 401
    assert api().post(LOGIN, {"email": user.email, "password": " staple battery 7 "}).status_code == 200


def test_a_short_password_is_wrong_and_not_invalid(api, alice):
    assert errors(api().post(LOGIN, {"email": alice.email, "password": "x"}), 401) == [("invalid_credentials", None)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, [("required", "email"), ("required", "password")]),
        ({"email": "alice@example.com"}, [("required", "password")]),
        ({"email": "alice@example.com", "password": {"a": 1}}, [("invalid", "password")]),
        ({"email": ["alice@example.com"], "password": "x"}, [("invalid", "email")]),
        ({"email": "alice@example.com", "password": "x" * 129}, [("max_length", "password")]),
    ],
)
def test_a_body_that_is_no_login_is_400(api, alice, body, code):
    assert errors(api().post(LOGIN, body), 400) == code


def test_a_user_without_a_password_cannot_log_in(api, make_user):
    user = make_user("carol", password=None)
    assert errors(api().post(LOGIN, {"email": user.email, "password": PASSWORD}), 401)


def test_a_login_remembers_where_from(alice, log_in):
    log_in(alice, REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Firefox\x00" + "x" * 400)
    session = Session.objects.get()
    assert session.ip == "192.0.2.7"
    assert session.user_agent == ("Firefox" + "x" * 400)[:300]


def test_a_login_removes_the_users_own_expired_sessions(alice, bob, log_in):
    from django.utils import timezone

    old, other = (Session.objects.create(user=user, expires_at=timezone.now()) for user in (alice, bob))
    log_in(alice)
    assert not Session.objects.filter(pk=old.pk).exists()
    assert Session.objects.filter(pk=other.pk).exists()


def test_what_is_stored_lets_nobody_in(alice, log_in):
    body = log_in(alice)
    stored = " ".join(str(value) for row in Session.objects.values() for value in row.values())
    assert body["refresh"] not in stored
    assert body["access"] not in stored
    assert re.fullmatch(r"[0-9a-f]{64}", Session.objects.get().refresh_hash)


def test_logins_that_are_right_never_throttle_each_other(api, alice, transactional_db, settings):
    from chat_server.environment import Rate

    settings.THROTTLE_LOGIN = Rate(5, 60)
    responses = at_once([lambda: api().post(LOGIN, {"email": alice.email, "password": PASSWORD})] * 20)
    assert {response.status_code for response in responses} == {200}
