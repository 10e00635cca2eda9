import pytest

from tests.services.errors import errors

LOGOUT = "/api/auth/logout/"


def test_logging_out_ends_the_session_at_once(alice, log_in, bearer, works, api):
    pair = log_in(alice)
    assert bearer(pair["access"]).post(LOGOUT).status_code == 204
    assert not works(pair["access"])
    assert api().post("/api/auth/token/refresh/", {"refresh": pair["refresh"]}).status_code == 401


def test_logging_out_leaves_the_other_sessions(alice, log_in, bearer, works):
    one, other = log_in(alice), log_in(alice)
    bearer(one["access"]).post(LOGOUT)
    assert works(other["access"])


def test_all_ends_every_session_of_the_user_and_of_nobody_else(alice, bob, log_in, bearer, works):
    one, other, bobs = log_in(alice), log_in(alice), log_in(bob)
    assert bearer(one["access"]).post(LOGOUT, {"all": True}).status_code == 204
    assert [works(pair["access"]) for pair in (one, other, bobs)] == [False, False, True]


def test_all_false_ends_this_session_only(alice, log_in, bearer, works):
    one, other = log_in(alice), log_in(alice)
    bearer(one["access"]).post(LOGOUT, {"all": False})
    assert (works(one["access"]), works(other["access"])) == (False, True)


def test_its_own_refresh_token_may_be_named(alice, log_in, bearer, works):
    pair = log_in(alice)
    assert bearer(pair["access"]).post(LOGOUT, {"refresh": pair["refresh"]}).status_code == 204
    assert not works(pair["access"])


def test_its_own_spent_refresh_token_will_do(alice, log_in, bearer, api):
    pair = log_in(alice)
    api().post("/api/auth/token/refresh/", {"refresh": pair["refresh"]})
    assert bearer(pair["access"]).post(LOGOUT, {"refresh": pair["refresh"]}).status_code == 204


@pytest.mark.parametrize("whose", ["another session", "another user", "an access token", "rubbish"])
def test_a_refresh_token_that_is_not_its_own_ends_nothing(alice, bob, log_in, bearer, works, whose):
    pair, second, bobs = log_in(alice), log_in(alice), log_in(bob)
    refresh = {
        "another session": second["refresh"],
        "another user": bobs["refresh"],
        "an access token": pair["access"],
        "rubbish": "rubbish",
    }[whose]
    response = bearer(pair["access"]).post(LOGOUT, {"refresh": refresh, "all": True})
    assert errors(response, 400) == [("invalid", "refresh")]
    assert all(works(each["access"]) for each in (pair, second, bobs))


@pytest.mark.parametrize("body", [{"all": "yes"}, {"all": 1}, {"all": None}, {"refresh": 5}, {"refresh": ""}])
def test_a_wrong_body_ends_nothing(alice, log_in, bearer, works, body):
    pair = log_in(alice)
    assert errors(bearer(pair["access"]).post(LOGOUT, body), 400)
    assert works(pair["access"])


def test_nobody_cannot_log_out(api):
    assert errors(api().post(LOGOUT), 401) == [("not_authenticated", None)]


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_the_ended_session(alice, log_in, bearer, ended):
    from authentication.models import Session

    pair = log_in(alice)
    session_id = Session.objects.get().pk
    bearer(pair["access"]).post(LOGOUT)
    assert ended == [session_id]


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_stops_nothing(alice, log_in, bearer, works, ended, monkeypatch):
    from authentication import hooks

    def fail(session_ids):
        raise RuntimeError

    monkeypatch.setattr(hooks, "sessions_ended", [fail, ended.extend])
    pair = log_in(alice)
    assert bearer(pair["access"]).post(LOGOUT).status_code == 204
    assert not works(pair["access"])
    assert len(ended) == 1
