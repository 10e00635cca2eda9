"""What opens REST's door, and what does not."""

import base64
import json
from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from authentication.models import Session, User
from authentication.tokens import TokenNotValid, verify_each
from tests.services.errors import errors

CHECK = "/api/auth/check-session/"
PRIVATE = [
    ("post", "logout/"),
    ("get", "profile/"),
    ("put", "profile/"),
    ("patch", "profile/"),
    ("get", "check-session/"),
    ("post", "password-change/"),
    ("get", "users/"),
    ("get", "users/1/"),
    ("get", "sessions/"),
    ("delete", "sessions/abc/"),
]


def verify_access(raw):
    [verdict] = verify_each([raw])
    if isinstance(verdict, TokenNotValid):
        raise verdict
    return verdict


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_with_a_bad_token_everything_private_is_401(bearer, method, path):
    response = getattr(bearer("rubbish"), method)(f"/api/auth/{path}")
    assert errors(response, 401) == [("token_not_valid", None)]
    assert response["WWW-Authenticate"] == "Bearer"


def test_check_session_tells_who_and_until_when(api, alice):
    body = api(alice).get(CHECK).json()
    assert set(body) == {"authenticated", "user", "expires_at"}
    assert body["authenticated"] is True
    assert body["user"]["email"] == alice.email
    assert timezone.datetime.fromisoformat(body["expires_at"]) - timezone.now() < timedelta(seconds=601)


@pytest.mark.parametrize("header", ["Basic YTpi", "Token abc", "Bearer", "Bearer ", "bearer a b c", "\x00", "é", ","])
def test_a_header_that_is_no_bearer_token_is_401(api, header):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert errors(client.get(CHECK), 401) == [("token_not_valid", None)]


def test_the_scheme_is_compared_without_case(api, alice, log_in):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"bearer {log_in(alice)['access']}")
    assert client.get(CHECK).status_code == 200


def encoded(part):
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


GARBAGE = {
    "empty": lambda token: "",
    "no ascii": lambda token: "ä.ö.ü",
    "NUL": lambda token: "\x00",
    "a lone surrogate": lambda token: "\ud800",
    "a megabyte": lambda token: "a" * 2**20,
    "a megabyte of dots": lambda token: "." * 2**20,
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "another signature": lambda token: token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB"),
    "another payload": lambda token: ".".join([token.split(".")[0], encoded({"user_id": "1"}), token.split(".")[2]]),
    "algorithm none": lambda token: encoded({"alg": "none", "typ": "JWT"}) + "." + token.split(".")[1] + ".",
    "algorithm is a list": lambda token: encoded({"alg": ["HS256"]}) + "." + token.split(".", 1)[1],
    "a header that is a list": lambda token: encoded([1]) + "." + token.split(".", 1)[1],
    "a header without an end": lambda token: (
        base64.urlsafe_b64encode(b"[" * 2000).decode() + "." + token.split(".", 1)[1]
    ),
    "a huge number": lambda token: base64.urlsafe_b64encode(b"1" * 2000).decode() + "." + token.split(".", 1)[1],
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_not_valid(alice, log_in, kind):
    with pytest.raises(TokenNotValid):
        verify_access(GARBAGE[kind](log_in(alice)["access"]))


CLAIMS = [
    {"exp": None},
    {"exp": 1},
    {"exp": "soon"},
    {"exp": "99999999999"},
    {"exp": []},
    {"exp": {}},
    {"exp": True},
    {"exp": 10**30},
    {"exp": float("inf")},
    {"exp": float("nan")},
    {"iat": 99999999999},
    {"iat": "x"},
    {"nbf": 99999999999},
    {"jti": None},
    {"jti": 5},
    {"jti": "\x00"},
    {"token_type": None},
    {"token_type": "refresh"},
    {"token_type": ["access"]},
    {"sid": None},
    {"sid": 5},
    {"sid": ["a"]},
    {"sid": "\x00"},
    {"sid": "x" * 10_000},
    {"sid": "unknown"},
    {"user_id": None},
    {"user_id": "999999"},
    {"user_id": [1]},
]


@pytest.mark.parametrize("claims", CLAIMS, ids=str)
def test_wrong_claims_are_not_valid_even_signed(alice, log_in, forge, claims):
    access = log_in(alice)["access"]
    payload = jwt.decode(access, options={"verify_signature": False})
    name, value = next(iter(claims.items()))
    forged = forge(access, **{name: value})
    assert jwt.decode(forged, options={"verify_signature": False}) != payload
    with pytest.raises(TokenNotValid):
        verify_access(forged)


def test_a_forged_token_that_is_right_is_valid(alice, log_in, forge):
    assert verify_access(forge(log_in(alice)["access"])).user == alice


def test_another_key_is_not_valid(alice, log_in, forge):
    with pytest.raises(TokenNotValid):
        verify_access(forge(log_in(alice)["access"], key="0" * 64))


def test_the_secret_key_itself_signs_no_token(alice, log_in, forge, settings):
    with pytest.raises(TokenNotValid):
        verify_access(forge(log_in(alice)["access"], key=settings.SECRET_KEY))


def test_another_algorithm_is_not_valid(alice, log_in, forge):
    with pytest.raises(TokenNotValid):
        verify_access(forge(log_in(alice)["access"], algorithm="HS384"))


def test_a_refresh_token_opens_nothing(alice, log_in, works):
    assert not works(log_in(alice)["refresh"])


def test_another_users_session_is_not_valid(alice, bob, log_in, forge):
    log_in(bob)
    bobs = Session.objects.get(user=bob).pk
    with pytest.raises(TokenNotValid):
        verify_access(forge(log_in(alice)["access"], sid=bobs))


def test_an_expired_session_lets_nobody_in(alice, log_in, works):
    pair = log_in(alice)
    Session.objects.update(expires_at=timezone.now())
    assert not works(pair["access"])


def test_an_access_token_lives_as_long_as_the_setting_says(alice, log_in, settings):
    settings.ACCESS_TOKEN_LIFETIME = timedelta(seconds=30)
    access = verify_access(log_in(alice)["access"])
    assert timedelta(seconds=25) < access.expires_at - timezone.now() <= timedelta(seconds=30)


def test_a_token_never_outlives_its_session(alice, log_in):
    pair = log_in(alice)
    soon = timezone.now() + timedelta(seconds=5)
    Session.objects.update(expires_at=soon)
    assert verify_access(pair["access"]).expires_at == soon


def test_a_deleted_user_is_401(alice, log_in, works):
    pair = log_in(alice)
    User.objects.all().delete()
    assert not works(pair["access"])


def test_verifying_is_one_query(alice, log_in, django_assert_num_queries):
    access = log_in(alice)["access"]
    with django_assert_num_queries(1):
        verify_access(access)


def test_verifying_several_is_one_query_and_each_has_its_own_answer(alice, bob, log_in, django_assert_num_queries):
    good, others = log_in(alice)["access"], log_in(bob)["access"]
    Session.objects.filter(user=bob).delete()
    with django_assert_num_queries(1):
        first, second, third, again = verify_each([good, "rubbish", others, good])
    assert first.user == again.user == alice
    assert isinstance(second, TokenNotValid)
    assert isinstance(third, TokenNotValid)


def test_a_request_is_one_query(api, alice, django_assert_num_queries):
    client = api(alice)
    with django_assert_num_queries(1):
        client.get("/api/auth/profile/")


def test_a_session_is_touched_once_a_minute(api, alice, django_assert_num_queries):
    client = api(alice)
    before = timezone.now() - timedelta(seconds=61)
    Session.objects.update(last_used_at=before)
    client.get(CHECK)
    touched = Session.objects.get().last_used_at
    assert touched > before + timedelta(seconds=60)
    with django_assert_num_queries(1):
        client.get(CHECK)
    assert Session.objects.get().last_used_at == touched


def test_no_token_or_password_is_ever_logged(api, alice, log_in, bearer, caplog, capfd):
    caplog.set_level("DEBUG")
    pair = log_in(alice)
    bearer(pair["access"]).get(CHECK)
    bearer(pair["access"][:-3]).get(CHECK)
    api().post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    api().post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    api().post("/api/auth/login/", {"email": alice.email, "password": "hunter2-hunter2"})
    logged = caplog.text + "".join(capfd.readouterr())
    for secret in (pair["access"][-20:], pair["refresh"][-20:], "hunter2-hunter2"):
        assert secret not in logged
