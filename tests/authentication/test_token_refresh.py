import pytest

from authentication.models import Session
from tests.services.errors import errors
from tests.services.threads import at_once

REFRESH = "/api/auth/token/refresh/"


def test_a_refresh_token_gives_a_new_pair(alice, log_in, api, works):
    pair = log_in(alice)
    response = api().post(REFRESH, {"refresh": pair["refresh"]})
    fresh = response.json()
    assert response.status_code == 200
    assert set(fresh) == {"access", "refresh"}
    assert works(fresh["access"])
    assert api().post(REFRESH, {"refresh": fresh["refresh"]}).status_code == 200


def test_refreshing_leaves_the_older_access_token_alone(alice, log_in, api, works):
    pair = log_in(alice)
    api().post(REFRESH, {"refresh": pair["refresh"]})
    assert works(pair["access"])


def test_refreshing_keeps_one_session(alice, log_in, api):
    pair = log_in(alice)
    api().post(REFRESH, {"refresh": pair["refresh"]})
    assert Session.objects.count() == 1


def test_refreshing_makes_the_session_last_longer(alice, log_in, api):
    from datetime import timedelta

    from django.utils import timezone

    pair = log_in(alice)
    soon = timezone.now() + timedelta(seconds=30)
    Session.objects.update(expires_at=soon)
    api().post(REFRESH, {"refresh": pair["refresh"]})
    assert Session.objects.get().expires_at > soon + timedelta(days=13)


def test_a_spent_refresh_token_ends_the_whole_session(alice, log_in, api, works):
    pair = log_in(alice)
    other = log_in(alice)
    fresh = api().post(REFRESH, {"refresh": pair["refresh"]}).json()
    assert errors(api().post(REFRESH, {"refresh": pair["refresh"]}), 401) == [("token_not_valid", None)]
    assert not works(fresh["access"])
    assert errors(api().post(REFRESH, {"refresh": fresh["refresh"]}), 401) == [("token_not_valid", None)]
    assert works(other["access"])


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_a_session_that_reuse_ended(alice, log_in, api, ended):
    pair = log_in(alice)
    session_id = Session.objects.get().pk
    api().post(REFRESH, {"refresh": pair["refresh"]})
    assert ended == []
    api().post(REFRESH, {"refresh": pair["refresh"]})
    assert ended == [session_id]


def test_of_twenty_refreshes_at_once_one_wins(alice, log_in, api, transactional_db):
    pair = log_in(alice)
    codes = sorted(
        response.status_code for response in at_once([lambda: api().post(REFRESH, {"refresh": pair["refresh"]})] * 20)
    )
    assert codes == [200] + [401] * 19
    assert not Session.objects.exists()


def test_an_access_token_refreshes_nothing(alice, log_in, api):
    pair = log_in(alice)
    assert errors(api().post(REFRESH, {"refresh": pair["access"]}), 401) == [("token_not_valid", None)]
    assert Session.objects.exists()


def test_the_refusal_says_how_to_authenticate(api, db):
    assert api().post(REFRESH, {"refresh": "rubbish"})["WWW-Authenticate"] == "Bearer"


def test_an_expired_refresh_token_is_refused(alice, log_in, api, forge):
    old = forge(log_in(alice)["refresh"], exp=1)
    assert errors(api().post(REFRESH, {"refresh": old}), 401) == [("token_not_valid", None)]


def test_a_deactivated_user_cannot_refresh(alice, log_in, api):
    from authentication.models import User

    pair = log_in(alice)
    User.objects.update(is_active=False)
    assert errors(api().post(REFRESH, {"refresh": pair["refresh"]}), 401) == [("token_not_valid", None)]


def test_a_deleted_user_cannot_refresh(alice, log_in, api):
    pair = log_in(alice)
    alice.delete()
    assert errors(api().post(REFRESH, {"refresh": pair["refresh"]}), 401) == [("token_not_valid", None)]


@pytest.mark.parametrize("refresh", [None, 5, [], {}, "", True])
def test_a_refresh_token_is_text(api, db, refresh):
    assert {attr for _, attr in errors(api().post(REFRESH, {"refresh": refresh}), 400)} == {"refresh"}
