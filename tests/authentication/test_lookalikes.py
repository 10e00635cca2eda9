"""No username looks like another one: they are ASCII, and unique without case, whichever way they come."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from authentication.models import User
from tests.services.environment import PASSWORD
from tests.services.errors import errors

# Each looks like "kim.bisli", or becomes it somewhere on the way through upper and lower case or compatibility forms.
LOOKALIKES = {
    "Cyrillic і": "k\u0456m.bisli",
    "Turkish dotless ı": "k\u0131m.bisli",
    "Turkish dotted İ": "k\u0130m.bisli",
    "Kelvin sign": "\u212aim.bisli",
    "long s": "kim.bi\u017fli",
    "fullwidth": "\uff4bim.bisli",
    "mathematical": "\U0001d424im.bisli",
    "ligature": "kim.bis\ufb02i",
    "one dot leader": "kim\u2024bisli",
    "combining": "kim\u0307.bisli",
    "zero width": "kim.\u200bbisli",
    "direction": "\u202eilsib.mik",
    "soft hyphen": "kim\u00ad.bisli",
    "Arabic digit": "kim.bisli\u0661",
}
TAKEN = ["kim.bisli", "KIM.BISLI", "Kim.bIsLi"]


@pytest.fixture(autouse=True)
def kim(make_user):
    return make_user("kim.bisli")


@pytest.mark.parametrize("username", LOOKALIKES.values(), ids=LOOKALIKES)
def test_a_lookalike_is_no_username(api, alice, username):
    body = {"email": "new@example.com", "username": username, "password": "staple battery 7"}
    answers = [api().post("/api/auth/register/", body)]
    answers += [
        getattr(api(alice), method)("/api/auth/profile/", {"username": username}) for method in ("put", "patch")
    ]
    assert [errors(answer, 400) for answer in answers] == [[("invalid", "username")]] * 3


@pytest.mark.parametrize("username", TAKEN)
def test_one_is_taken_in_any_case(api, alice, username):
    body = {"email": "new@example.com", "username": username, "password": "staple battery 7"}
    answers = [api().post("/api/auth/register/", body)]
    answers += [
        getattr(api(alice), method)("/api/auth/profile/", {"username": username}) for method in ("put", "patch")
    ]
    assert [errors(answer, 400) for answer in answers] == [[("unique", "username")]] * 3


@pytest.mark.parametrize("username", [*LOOKALIKES.values(), *TAKEN], ids=[*LOOKALIKES, *TAKEN])
def test_the_admin_makes_no_lookalike(client, make_user, alice, username):
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    form = {"email": "new@example.com", "username": username, "usable_password": "true"}
    client.post(reverse("admin:authentication_user_add"), {**form, "password1": PASSWORD, "password2": PASSWORD})
    client.post(
        reverse("admin:authentication_user_change", args=[alice.pk]), {"email": alice.email, "username": username}
    )
    assert_no_lookalikes()


@pytest.mark.parametrize("username", [*LOOKALIKES.values(), *TAKEN], ids=[*LOOKALIKES, *TAKEN])
def test_the_command_makes_no_lookalike(monkeypatch, username):
    for name, value in {"EMAIL": "new@example.com", "USERNAME": username, "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(f"DJANGO_SUPERUSER_{name}", value)
    with pytest.raises(CommandError):
        call_command("createsuperuser", interactive=False, verbosity=0)
    assert_no_lookalikes()


def assert_no_lookalikes():
    names = list(User.objects.values_list("username", flat=True))
    assert all(name.isascii() for name in names)
    assert [name for name in names if name.lower() == "kim.bisli"] == ["kim.bisli"]
