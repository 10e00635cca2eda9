import pytest

from authentication.models import User
from tests.services.errors import errors
from tests.services.threads import at_once

REGISTER = "/api/auth/register/"
ADA = {"email": "ada@example.com", "username": "ada", "password": "staple battery 7"}


def test_registering_answers_with_tokens_and_the_profile(api, works, db):
    response = api().post(REGISTER, {**ADA, "first_name": "Ada", "last_name": "Lovelace"})
    body = response.json()
    assert response.status_code == 201
    assert set(body) == {"access", "refresh", "user"}
    assert set(body["user"]) == {
        "id", "username", "display_name", "avatar", "is_online", "last_seen",
        "email", "first_name", "last_name", "bio", "date_joined",
    }  # fmt: skip
    assert body["user"]["display_name"] == "Ada Lovelace"
    assert body["user"]["date_joined"].endswith("Z")
    assert works(body["access"])


def test_the_password_is_stored_as_argon2id(api):
    api().post(REGISTER, ADA)
    assert User.objects.get(username="ada").password.startswith("argon2$argon2id$")


def test_the_address_is_stored_in_lower_case(api):
    assert api().post(REGISTER, {**ADA, "email": " Ada@EXAMPLE.com "}).json()["user"]["email"] == "ada@example.com"


@pytest.mark.parametrize(
    ("taken", "attr"),
    [({"email": "ALICE@example.com"}, "email"), ({"username": "ALICE"}, "username")],
)
def test_a_taken_address_or_name_is_unique_without_case(api, alice, taken, attr):
    assert errors(api().post(REGISTER, {**ADA, **taken}), 400) == [("unique", attr)]


def test_both_taken_are_both_told(api, alice):
    response = api().post(REGISTER, {**ADA, "email": alice.email, "username": "Alice"})
    assert errors(response, 400) == [("unique", "email"), ("unique", "username")]


@pytest.mark.parametrize("missing", ["email", "username", "password"])
def test_what_is_needed_is_required(api, missing):
    assert errors(api().post(REGISTER, {**ADA, missing: None}), 400) == [("null", missing)]
    body = {name: value for name, value in ADA.items() if name != missing}
    assert errors(api().post(REGISTER, body), 400) == [("required", missing)]


@pytest.mark.parametrize("username", ["ab", "a" * 31, "ada lovelace", "äda", "ada!", "ada\n", "a/da", "", "  a  "])
def test_a_username_is_3_to_30_letters_digits_and_signs(api, username):
    codes = errors(api().post(REGISTER, {**ADA, "username": username + "\u200b" * (username == "ada\n")}), 400)
    assert {attr for _, attr in codes} == {"username"}


@pytest.mark.parametrize("username", ["a_.", "A-9", "a" * 30])
def test_every_allowed_username_is_allowed(api, username):
    assert api().post(REGISTER, {**ADA, "username": username}).status_code == 201


@pytest.mark.parametrize(
    "email", ["ada", "ada@", "@example.com", "a b@example.com", f"{'a' * 60}@{'b.' * 95}example.com"]
)
def test_an_address_that_is_none_is_refused(api, email):
    assert {attr for _, attr in errors(api().post(REGISTER, {**ADA, "email": email}), 400)} == {"email"}


@pytest.mark.parametrize(
    "password", ["sh0rt!!", "12345678901", "password", "ada@example.com", "x" * 129, 12345678, None]
)
def test_a_password_that_will_not_do_is_refused(api, password):
    codes = errors(api().post(REGISTER, {**ADA, "password": password}), 400)
    assert {attr for _, attr in codes} == {"password"}
    assert not User.objects.exists()


def test_a_password_like_the_name_is_refused(api):
    body = {**ADA, "last_name": "Lovelace", "password": "lovelace1"}
    assert errors(api().post(REGISTER, body), 400) == [("password_too_similar", "password")]


def test_a_password_is_not_trimmed(api):
    api().post(REGISTER, {**ADA, "password": "  staple battery 7 "})
    assert User.objects.get().check_password("  staple battery 7 ")


def test_a_password_of_128_characters_is_taken(api):
    assert api().post(REGISTER, {**ADA, "password": "aB3-" * 32}).status_code == 201


def test_the_confirmation_must_be_the_same(api):
    response = api().post(REGISTER, {**ADA, "password_confirm": "staple battery 8"})
    assert errors(response, 400) == [("password_mismatch", "password_confirm")]
    assert api().post(REGISTER, {**ADA, "password_confirm": ADA["password"]}).status_code == 201


@pytest.mark.parametrize("name", ["first_name", "last_name"])
def test_a_name_has_at_most_150_characters(api, name):
    assert errors(api().post(REGISTER, {**ADA, name: "x" * 151}), 400) == [("max_length", name)]


def test_a_name_that_nobody_can_see_is_none(api):
    assert api().post(REGISTER, {**ADA, "first_name": "\u200b"}).json()["user"]["display_name"] == "ada"


def test_a_bad_token_sent_along_does_not_matter(bearer):
    assert bearer("rubbish").post(REGISTER, ADA).status_code == 201


def test_of_twenty_equal_registrations_at_once_one_is_made(api, transactional_db):
    responses = at_once([lambda: api().post(REGISTER, ADA)] * 20)
    assert sorted(response.status_code for response in responses) == [201] + [400] * 19
    codes = {
        error["code"] for response in responses if response.status_code == 400 for error in response.json()["errors"]
    }
    assert codes == {"unique"}
    assert User.objects.count() == 1


def test_a_name_that_is_taken_while_the_password_is_hashed_is_unique(api, make_user, monkeypatch):
    from django.contrib.auth.hashers import get_hasher

    hasher = type(get_hasher())
    encode = hasher.encode

    def slow_encode(*args):
        monkeypatch.setattr(hasher, "encode", encode)
        make_user("ADA", email="other@example.com")
        return encode(*args)

    monkeypatch.setattr(hasher, "encode", slow_encode)
    assert errors(api().post(REGISTER, ADA), 400) == [("unique", "username")]
    assert User.objects.count() == 1
