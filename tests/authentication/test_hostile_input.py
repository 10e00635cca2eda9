"""No input whatsoever gives a 500."""

import json

import pytest

from tests.services.errors import errors

BODIES = [
    b"[]", b'"text"', b"null", b"5", b"true", b"{", b"\xff", b"NaN", b'{"email": NaN}', b'{"email": "\\ud800"}',
    b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, b'{"a": ' * 20_000,
    b"\x00", b"1" * 10_000,
]  # fmt: skip
WRITES = [
    ("post", "register/"),
    ("post", "login/"),
    ("post", "logout/"),
    ("put", "profile/"),
    ("patch", "profile/"),
    ("post", "token/refresh/"),
    ("post", "password-reset/"),
    ("post", "password-reset-confirm/"),
    ("post", "password-change/"),
]
EVERY_FIELD = [
    "email", "username", "password", "password_confirm", "first_name", "last_name", "bio",
    "refresh", "all", "token", "new_password", "old_password",
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
def test_a_body_that_is_no_json_object_is_400(api, alice, method, path, body):
    response = getattr(api(alice), method)(f"/api/auth/{path}", body, content_type="application/json")
    assert errors(response, 400)


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("value", ["a\x00b", {"a": [1]}, ["x"], 1.5, 10**30, False, "\u202e\u0000", "x" * 50_000])
def test_a_value_of_the_wrong_kind_is_400(api, alice, method, path, value):
    response = getattr(api(alice), method)(f"/api/auth/{path}", dict.fromkeys(EVERY_FIELD, value))
    assert response.status_code in (400, 401)


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000 + "]" * 100_000], ids=["5000 digits", "deep"])
def test_a_value_out_of_all_bounds_is_400(api, alice, method, path, value):
    body = json.dumps(dict.fromkeys(EVERY_FIELD[:2] + EVERY_FIELD[7:8], "@")).replace('"@"', value)
    response = getattr(api(alice), method)(f"/api/auth/{path}", body, content_type="application/json")
    assert errors(response, 400)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_body_over_a_mebibyte_is_413(api, alice, method, path):
    body = b'{"email": "' + b"x" * 2**20 + b'"}'
    response = getattr(api(alice), method)(f"/api/auth/{path}", body, content_type="application/json")
    assert errors(response, 413)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_another_kind_of_body_is_415(api, alice, method, path):
    response = getattr(api(alice), method)(f"/api/auth/{path}", b"<a/>", content_type="application/xml")
    assert errors(response, 415)


@pytest.mark.parametrize(
    ("method", "path"), [("get", "login/"), ("delete", "profile/"), ("post", "users/"), ("put", "sessions/")]
)
def test_another_method_is_405(api, alice, method, path):
    assert errors(getattr(api(alice), method)(f"/api/auth/{path}"), 405) == [("method_not_allowed", None)]


def test_no_body_and_an_empty_object_are_the_same(api, db):
    assert api().post("/api/auth/login/").content == api().post("/api/auth/login/", {}).content
