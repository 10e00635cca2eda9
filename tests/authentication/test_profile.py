import pytest

from authentication.models import User
from tests.services.errors import errors
from tests.services.threads import at_once

PROFILE = "/api/auth/profile/"


def test_a_profile_shows_what_only_its_owner_sees(api, alice):
    body = api(alice).get(PROFILE).json()
    assert set(body) == {
        "id", "username", "display_name", "avatar", "is_online", "last_seen",
        "email", "first_name", "last_name", "bio", "date_joined",
    }  # fmt: skip
    assert (body["email"], body["avatar"], body["is_online"], body["last_seen"]) == (alice.email, None, False, None)


@pytest.mark.parametrize(
    ("first", "last", "shown"),
    [("Ada", "Lovelace", "Ada Lovelace"), ("Ada", "", "Ada"), ("", "Lovelace", "Lovelace"), ("", "", "alice")],
)
def test_the_display_name_is_the_name_or_else_the_username(api, alice, first, last, shown):
    body = api(alice).patch(PROFILE, {"first_name": first, "last_name": last}).json()
    assert body["display_name"] == shown


def test_patch_changes_what_is_given(api, alice):
    client = api(alice)
    client.patch(PROFILE, {"first_name": "Ada", "bio": "Numbers"})
    response = client.patch(PROFILE, {"bio": ""})
    assert response.status_code == 200
    assert (response.json()["first_name"], response.json()["bio"]) == ("Ada", "")


def test_put_needs_the_username_only(api, alice):
    client = api(alice)
    client.patch(PROFILE, {"first_name": "Ada"})
    assert errors(client.put(PROFILE, {"first_name": "Eva"}), 400) == [("required", "username")]
    body = client.put(PROFILE, {"username": "alice2"}).json()
    assert (body["username"], body["first_name"]) == ("alice2", "Ada")


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("username", ["bob", "BOB"])
def test_a_taken_username_is_unique(api, alice, bob, method, username):
    assert errors(getattr(api(alice), method)(PROFILE, {"username": username}), 400) == [("unique", "username")]
    alice.refresh_from_db()
    assert alice.username == "alice"


@pytest.mark.parametrize("username", ["alice", "ALICE"])
def test_ones_own_username_is_fine_in_any_case(api, alice, username):
    assert api(alice).patch(PROFILE, {"username": username}).json()["username"] == username


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("username", "ab"), ("username", "a" * 31), ("username", "a b c"), ("username", ""), ("username", None),
        ("username", 12345), ("first_name", "x" * 151), ("last_name", "x" * 151), ("bio", "x" * 501), ("bio", None),
        ("bio", ["x"]), ("first_name", "a\x00b"),
    ],
)  # fmt: skip
def test_what_will_not_do_is_400(api, alice, name, value):
    assert {attr for _, attr in errors(api(alice).patch(PROFILE, {name: value}), 400)} == {name}


@pytest.mark.parametrize(("name", "value"), [("first_name", "x" * 150), ("last_name", "ä" * 150), ("bio", "😀" * 500)])
def test_the_longest_is_taken(api, alice, name, value):
    assert api(alice).patch(PROFILE, {name: value}).json()[name] == value


def test_a_change_that_changes_nothing_writes_nothing(api, alice, django_assert_num_queries):
    client = api(alice)
    with django_assert_num_queries(1):
        assert client.patch(PROFILE, {"username": "alice", "bio": ""}).status_code == 200


def test_no_body_changes_nothing(api, alice):
    assert api(alice).patch(PROFILE).status_code == 200


def test_a_profile_change_keeps_the_session(api, alice):
    client = api(alice)
    client.patch(PROFILE, {"bio": "x"})
    assert client.get(PROFILE).status_code == 200


def test_of_many_that_want_a_name_at_once_one_gets_it(api, make_user, transactional_db):
    clients = [api(make_user(f"user{number}")) for number in range(8)]
    codes = sorted(
        response.status_code for response in at_once([lambda: clients.pop().patch(PROFILE, {"username": "wanted"})] * 8)
    )
    assert codes == [200] + [400] * 7
    assert User.objects.filter(username="wanted").count() == 1
