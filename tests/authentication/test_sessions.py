import pytest
from django.utils import timezone

from authentication.models import Session
from tests.services.errors import errors

SESSIONS = "/api/auth/sessions/"


def test_the_list_shows_ones_own_sessions_newest_first(alice, bob, log_in, bearer):
    log_in(bob)
    log_in(alice, HTTP_USER_AGENT="phone", REMOTE_ADDR="192.0.2.1")
    pair = log_in(alice, HTTP_USER_AGENT="laptop", REMOTE_ADDR="192.0.2.2")
    body = bearer(pair["access"]).get(SESSIONS).json()
    assert set(body) == {"next", "previous", "results"}
    assert set(body["results"][0]) == {"id", "created_at", "last_used_at", "ip", "user_agent", "is_current"}
    assert [(row["user_agent"], row["ip"], row["is_current"]) for row in body["results"]] == [
        ("laptop", "192.0.2.2", True),
        ("phone", "192.0.2.1", False),
    ]
    assert body["results"][0]["created_at"].endswith("Z")


def test_expired_sessions_do_not_count(alice, api):
    Session.objects.create(user=alice, expires_at=timezone.now())
    assert len(api(alice).get(SESSIONS).json()["results"]) == 1


def test_pages_lead_through_every_session_once(alice, api):
    for _ in range(6):
        Session.objects.create(user=alice)
    client, url, seen = api(alice), f"{SESSIONS}?limit=2", []
    while url:
        page = client.get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == list(Session.objects.order_by("-created_at", "-id").values_list("pk", flat=True))


def test_the_list_costs_two_queries_however_long(alice, api, django_assert_num_queries):
    client = api(alice)
    for _ in range(9):
        Session.objects.create(user=alice)
    with django_assert_num_queries(2):
        client.get(SESSIONS)


def test_ending_a_session_is_at_once(alice, log_in, bearer, works, api):
    phone, laptop = log_in(alice), log_in(alice)
    phones = bearer(phone["access"]).get(SESSIONS).json()["results"]
    phones_id = next(row["id"] for row in phones if row["is_current"])
    assert bearer(laptop["access"]).delete(f"{SESSIONS}{phones_id}/").status_code == 204
    assert (works(phone["access"]), works(laptop["access"])) == (False, True)
    assert api().post("/api/auth/token/refresh/", {"refresh": phone["refresh"]}).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_it(alice, api, ended):
    session = Session.objects.create(user=alice)
    api(alice).delete(f"{SESSIONS}{session.pk}/")
    assert ended == [session.pk]


def test_somebody_elses_session_is_404_and_goes_on(alice, eve, log_in, works, api):
    pair = log_in(alice)
    alices = Session.objects.get().pk
    assert errors(api(eve).delete(f"{SESSIONS}{alices}/"), 404) == [("not_found", None)]
    assert works(pair["access"])


@pytest.mark.parametrize("session_id", ["unknown", "x" * 5000, "%00", "ä", "a.b", "0"])
def test_an_unknown_session_is_404(api, alice, session_id):
    assert errors(api(alice).delete(f"{SESSIONS}{session_id}/"), 404) == [("not_found", None)]


def test_an_expired_session_is_404(api, alice):
    session = Session.objects.create(user=alice, expires_at=timezone.now())
    assert errors(api(alice).delete(f"{SESSIONS}{session.pk}/"), 404) == [("not_found", None)]
