import pytest

from tests.services.errors import errors

USERS = "/api/auth/users/"


def names(response):
    assert response.status_code == 200, response.content
    return [user["username"] for user in response.json()["results"]]


def test_others_are_seen_without_their_address(api, alice, bob):
    body = api(alice).get(USERS).json()
    assert set(body) == {"next", "previous", "results"}
    assert set(body["results"][0]) == {"id", "username", "display_name", "avatar", "is_online", "last_seen"}
    assert bob.email not in str(body)


def test_the_list_is_by_username_without_the_caller_and_without_inactive_accounts(api, alice, make_user):
    for name in ("Zoe", "carl", "Bea"):
        make_user(name)
    make_user("gone", is_active=False)
    assert names(api(alice).get(USERS)) == ["Bea", "carl", "Zoe"]


@pytest.fixture
def people(make_user):
    make_user("countess", first_name="Ada", last_name="Lovelace")
    make_user("ada.byron")
    make_user("grace_h", first_name="Grace", last_name="Hopper")
    make_user("umit", first_name="Ümit", last_name="100%")


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("ada", ["ada.byron", "countess"]),
        ("ADA", ["ada.byron", "countess"]),
        ("love", ["countess"]),
        ("Ada Lov", ["countess"]),
        ("  ada   lov ", ["countess"]),
        ("count", ["countess"]),
        ("byron", ["ada.byron"]),
        ("ountess", []),
        ("lace", []),
        ("da", []),
        ("ümi", ["umit"]),
        ("%", []),
        ("_", []),
        ("100%", ["umit"]),
        ("1__%", []),
        ("1%", []),
        (".*", []),
        ("(", []),
        ("\\", []),
        ("[a-z]", []),
        ("' OR 1=1 --", []),
        ("example", []),
        ("", ["ada.byron", "countess", "grace_h", "umit"]),
        ("   ", ["ada.byron", "countess", "grace_h", "umit"]),
    ],
)
def test_search_is_from_the_start_of_a_word(api, alice, people, term, found):
    assert names(api(alice).get(USERS, {"search": term})) == found


@pytest.mark.parametrize(
    "query", ["search=%00", f"search={'x' * 101}", "limit=0", "limit=x", "limit=-1", "cursor=x", "limit="]
)
def test_a_parameter_that_is_none_is_400(api, alice, query):
    assert {attr for _, attr in errors(api(alice).get(f"{USERS}?{query}"), 400)} == {query.partition("=")[0]}


def test_pages_lead_through_everyone_once_and_back(api, alice, make_user):
    for number in range(7):
        make_user(f"user{number}")
    client, url, seen = api(alice), f"{USERS}?limit=3", []
    while url:
        page = client.get(url)
        seen += names(page)
        last, url = page.json(), page.json()["next"]
    assert seen == [f"user{number}" for number in range(7)]
    assert names(client.get(last["previous"])) == ["user3", "user4", "user5"]


def test_more_than_a_hundred_is_a_hundred(api, alice, db):
    from authentication.models import User

    User.objects.bulk_create(User(email=f"u{n}@example.com", username=f"u{n:03}") for n in range(120))
    client = api(alice)
    assert len(names(client.get(USERS))) == 50
    assert len(names(client.get(f"{USERS}?limit=1000"))) == 100


def test_the_list_costs_two_queries_however_long(api, alice, make_user, django_assert_num_queries):
    client = api(alice)
    for number in range(12):
        make_user(f"user{number}")
    with django_assert_num_queries(2):
        client.get(USERS, {"search": "user"})


def test_one_user_is_seen_by_id(api, alice, bob):
    response = api(alice).get(f"{USERS}{bob.pk}/")
    assert response.status_code == 200
    assert response.json() == {
        "id": bob.pk, "username": "bob", "display_name": "bob", "avatar": None, "is_online": False, "last_seen": None,
    }  # fmt: skip


def test_one_can_see_oneself(api, alice):
    assert api(alice).get(f"{USERS}{alice.pk}/").json()["id"] == alice.pk


@pytest.mark.parametrize(
    "user_id", ["0", "999999", str(2**63 - 1), str(2**63), str(2**70), "9" * 5000, "-1", "x", "1.5"]
)
def test_an_unknown_user_is_404(api, alice, user_id):
    assert errors(api(alice).get(f"{USERS}{user_id}/"), 404) == [("not_found", None)]


def test_an_inactive_account_is_404(api, alice, bob):
    bob.is_active = False
    bob.save()
    assert errors(api(alice).get(f"{USERS}{bob.pk}/"), 404) == [("not_found", None)]


def test_one_user_costs_two_queries(api, alice, bob, django_assert_num_queries):
    client = api(alice)
    with django_assert_num_queries(2):
        client.get(f"{USERS}{bob.pk}/")
