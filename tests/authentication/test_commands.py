"""`manage.py createsuperuser` and `manage.py deactivate_user`."""

import sys

import pytest
from django.core.management import CommandError, call_command

from authentication.models import User
from tests.services.environment import PASSWORD


@pytest.fixture
def create(monkeypatch, db):
    def create(email="Root@Example.com", username="root"):
        for name, value in {"EMAIL": email, "USERNAME": username, "PASSWORD": PASSWORD}.items():
            monkeypatch.setenv(f"DJANGO_SUPERUSER_{name}", value)
        call_command("createsuperuser", interactive=False, verbosity=0)

    return create


def test_without_input_it_takes_the_environment(create):
    create()
    user = User.objects.get()
    assert (user.email, user.username, user.is_staff, user.is_superuser) == ("root@example.com", "root", True, True)
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    "wrong", [{"email": "x"}, {"username": "a b"}, {"username": "ab"}, {"email": "a" * 255 + "@b.de"}]
)
def test_what_will_not_do_is_one_line(create, wrong):
    with pytest.raises(CommandError):
        create(**wrong)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "again", [{"email": "ROOT@example.com", "username": "other"}, {"username": "ROOT", "email": "o@x.de"}]
)
def test_a_second_one_of_that_name_is_one_line(create, again):
    create()
    with pytest.raises(CommandError):
        create(**again)


def test_at_a_terminal_it_asks(db, monkeypatch):
    answers = iter(["Root@Example.com", "root"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    monkeypatch.setattr("getpass.getpass", lambda *args: "staple battery 7")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    call_command("createsuperuser", interactive=True, verbosity=0, stdin=sys.stdin)
    assert User.objects.get().email == "root@example.com"


def test_a_user_is_found_by_address_in_any_case(alice):
    assert User.objects.get_by_natural_key("ALICE@example.com") == alice


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice@example.com"])
def test_a_user_is_deactivated_by_name_or_address(alice, log_in, works, name, capsys):
    pair = log_in(alice)
    call_command("deactivate_user", name)
    assert "alice is deactivated." in capsys.readouterr().out
    assert not works(pair["access"])
    assert not alice.sessions.exists()


def test_a_deactivation_can_be_undone(alice, log_in, capsys):
    call_command("deactivate_user", "alice")
    call_command("deactivate_user", "alice", "--undo")
    assert log_in(alice)


def test_a_name_that_nobody_has_does_nothing(alice, log_in, works):
    pair = log_in(alice)
    with pytest.raises(CommandError):
        call_command("deactivate_user", "alice", "nobody")
    assert works(pair["access"])
