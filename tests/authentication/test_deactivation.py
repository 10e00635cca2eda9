"""However a user is shut out, nothing of theirs works any more."""

import pytest

from authentication import services
from authentication.models import Session, User


def by_service(user):
    services.deactivate_user(user=user)


def by_save(user):
    user.is_active = False
    user.save()


def by_update(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("deactivate", [by_service, by_save, by_update])
def test_at_once_no_token_works(alice, log_in, works, api, deactivate):
    pair = log_in(alice)
    deactivate(alice)
    assert not works(pair["access"])
    assert api().post("/api/auth/token/refresh/", {"refresh": pair["refresh"]}).status_code == 401


@pytest.mark.parametrize("deactivate", [by_service, by_save])
@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_every_session(alice, log_in, ended, deactivate):
    log_in(alice)
    log_in(alice)
    ids = set(Session.objects.values_list("pk", flat=True))
    deactivate(alice)
    assert set(ended) == ids
    assert not Session.objects.exists()


def test_somebody_activated_again_has_to_log_in_again(alice, log_in, works):
    pair = log_in(alice)
    services.deactivate_user(user=alice)
    services.activate_user(user=alice)
    assert not works(pair["access"])
    assert works(log_in(alice)["access"])


def test_a_deleted_account_ends_with_its_sessions(alice, log_in, works):
    pair = log_in(alice)
    services.delete_account(user=alice)
    assert not works(pair["access"])


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_of_a_closing_account_before_it_goes(alice, log_in, ended, monkeypatch):
    from authentication import hooks

    log_in(alice)
    seen = []
    monkeypatch.setattr(hooks, "account_closing", [lambda user: seen.append(User.objects.filter(pk=user.pk).exists())])
    services.delete_account(user=alice)
    assert seen == [True]
    assert len(ended) == 1
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_keeps_the_account(alice, log_in, works, ended, monkeypatch):
    from authentication import hooks

    def fail(user):
        raise RuntimeError

    pair = log_in(alice)
    monkeypatch.setattr(hooks, "account_closing", [fail])
    with pytest.raises(RuntimeError):
        services.delete_account(user=alice)
    assert works(pair["access"])
    assert ended == []
