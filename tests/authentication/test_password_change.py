import pytest

from authentication.models import PasswordResetToken, Session
from tests.services.environment import PASSWORD
from tests.services.errors import errors
from tests.services.threads import at_once

CHANGE = "/api/auth/password-change/"
NEW = "staple battery 7"


def test_the_answer_is_a_fresh_session_and_every_earlier_one_is_over(alice, log_in, bearer, works, api):
    one, other = log_in(alice), log_in(alice)
    response = bearer(one["access"]).post(CHANGE, {"old_password": PASSWORD, "new_password": NEW})
    fresh = response.json()
    assert response.status_code == 200
    assert set(fresh) == {"access", "refresh"}
    assert [works(pair["access"]) for pair in (one, other, fresh)] == [False, False, True]
    assert api().post("/api/auth/token/refresh/", {"refresh": one["refresh"]}).status_code == 401


def test_the_new_password_counts_from_then_on(alice, api, log_in):
    api(alice).post(CHANGE, {"old_password": PASSWORD, "new_password": NEW})
    assert api().post("/api/auth/login/", {"email": alice.email, "password": PASSWORD}).status_code == 401
    assert log_in(alice, NEW)


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_the_ended_sessions(alice, api, ended):
    client = api(alice)
    old = Session.objects.get().pk
    client.post(CHANGE, {"old_password": PASSWORD, "new_password": NEW})
    assert ended == [old]


def test_a_wrong_old_password_changes_nothing(alice, api):
    client = api(alice)
    response = client.post(CHANGE, {"old_password": "wrong", "new_password": NEW})
    assert errors(response, 400) == [("invalid", "old_password")]
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    assert client.get("/api/auth/profile/").status_code == 200


@pytest.mark.parametrize("password", ["short", "12345678901", "password", "x" * 129, "alice@example.com", None, 5])
def test_a_new_password_that_will_not_do_changes_nothing(alice, api, password):
    client = api(alice)
    response = client.post(CHANGE, {"old_password": PASSWORD, "new_password": password})
    assert {attr for _, attr in errors(response, 400)} == {"new_password"}
    assert client.get("/api/auth/profile/").status_code == 200


def test_a_password_change_kills_the_reset_tokens(alice, api):
    PasswordResetToken.objects.create(user=alice, token_hash="x")
    api(alice).post(CHANGE, {"old_password": PASSWORD, "new_password": NEW})
    assert not PasswordResetToken.objects.exists()


def test_of_changes_at_once_one_wins(alice, api, transactional_db):
    clients = [api(alice) for _ in range(6)]
    body = {"old_password": PASSWORD, "new_password": NEW}
    codes = [response.status_code for response in at_once([lambda: clients.pop().post(CHANGE, body)] * 6)]
    assert codes.count(200) == 1
    assert set(codes) <= {200, 400, 401}
    assert Session.objects.count() == 1


def test_manage_py_changepassword_ends_every_session(alice, log_in, works):
    pair = log_in(alice)
    alice.set_password(NEW)
    alice.save()  # as `manage.py changepassword` does
    assert not works(pair["access"])
