import re
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from authentication.models import PasswordResetToken
from tests.services.environment import PASSWORD
from tests.services.errors import errors
from tests.services.threads import at_once

RESET, CONFIRM = "/api/auth/password-reset/", "/api/auth/password-reset-confirm/"
NEW = "staple battery 7"


@pytest.fixture
def token(api, alice, mails):
    """The token of a mail that Alice has asked for."""
    api().post(RESET, {"email": alice.email})
    return re.search(r"#token=(\S+)", mails()[-1].body)[1]


def test_the_mail_links_to_the_frontend_and_never_to_the_host_header(api, alice, mails, settings):
    settings.FRONTEND_URL = "https://chat.example.com"
    settings.ALLOWED_HOSTS = ["evil.example"]
    response = api().post(RESET, {"email": alice.email}, HTTP_HOST="evil.example")
    assert response.status_code == 200
    (mail,) = mails()
    assert mail.to == [alice.email]
    assert re.search(r"^https://chat\.example\.com/reset-password#token=[A-Za-z0-9_-]{43}$", mail.body, re.MULTILINE)
    assert "evil" not in mail.body


def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(api, alice, bob, mails):
    bob.is_active = False
    bob.save()
    answers = [api().post(RESET, {"email": email}) for email in (alice.email, "nobody@example.com", bob.email)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert set(answers[0].json()) == {"detail"}
    assert [mail.to for mail in mails()] == [[alice.email]]


def test_the_request_does_the_same_work_for_both(api, alice, mails, django_assert_num_queries):
    for email in (alice.email, "nobody@example.com"):
        with django_assert_num_queries(1):
            api().post(RESET, {"email": email})
        mails()


def test_the_mail_is_sent_off_the_requests_path(api, alice, mails, monkeypatch):
    from authentication import services

    release = threading.Event()
    monkeypatch.setattr(services, "send_mail", lambda *args: release.wait(10))
    assert api().post(RESET, {"email": alice.email}).status_code == 200
    release.set()
    mails()


def test_the_address_is_compared_without_case(api, alice, mails):
    api().post(RESET, {"email": "ALICE@example.com"})
    assert len(mails()) == 1


def test_the_mail_holds_no_text_that_somebody_chose_for_its_reader(api, make_user, mails):
    # Anybody may register with somebody else's address, and then ask for a mail to it.
    lure = "You have won!\n\nhttps://evil.example/\u202e"
    user = make_user("carol", first_name=lure, last_name=lure, bio=lure)
    api().post(RESET, {"email": user.email})
    assert mails()[0].body.startswith("Hello carol,\n")
    assert "evil" not in mails()[0].body + mails()[0].subject


def test_a_mail_that_cannot_be_sent_is_one_line_without_the_token(api, alice, mails, monkeypatch, caplog):
    from authentication import services

    sent = []

    def fail(subject, text, *args):
        sent.append(text)
        raise OSError(text)

    monkeypatch.setattr(services, "send_mail", fail)
    assert api().post(RESET, {"email": alice.email}).status_code == 200
    mails()
    assert "could not be sent" in caplog.text
    assert re.search(r"#token=(\S+)", sent[0])[1] not in caplog.text


def test_the_token_is_stored_hashed_only(token):
    stored = PasswordResetToken.objects.values().get()
    assert token not in str(stored)
    assert re.fullmatch(r"[0-9a-f]{64}", stored["token_hash"])


def test_the_token_sets_the_password(api, alice, token, log_in):
    response = api().post(CONFIRM, {"token": token, "new_password": NEW})
    assert response.status_code == 200
    assert set(response.json()) == {"detail"}
    assert log_in(alice, NEW)


def test_a_reset_ends_every_session(api, alice, token, log_in, works, ended):
    pair = log_in(alice)
    api().post(CONFIRM, {"token": token, "new_password": NEW})
    assert not works(pair["access"])
    assert len(ended) == 1


def test_the_token_works_once(api, token):
    api().post(CONFIRM, {"token": token, "new_password": NEW})
    response = api().post(CONFIRM, {"token": token, "new_password": "another one 77"})
    assert errors(response, 400) == [("invalid_token", "token")]


def test_of_ten_uses_at_once_one_wins(api, token, transactional_db):
    codes = at_once([lambda: api().post(CONFIRM, {"token": token, "new_password": NEW}).status_code] * 10)
    assert sorted(codes) == [200] + [400] * 9


@pytest.mark.parametrize("password", ["short", "12345678901", "password", "alice@example.com", "x" * 129])
def test_a_password_that_will_not_do_leaves_the_token_good(api, token, password):
    response = api().post(CONFIRM, {"token": token, "new_password": password})
    assert {attr for _, attr in errors(response, 400)} == {"new_password"}
    assert api().post(CONFIRM, {"token": token, "new_password": NEW}).status_code == 200


@pytest.mark.parametrize(("age", "status"), [(timedelta(minutes=59), 200), (timedelta(minutes=60), 400)])
def test_the_token_lives_one_hour(api, token, age, status):
    stored = PasswordResetToken.objects.get()
    assert timedelta(minutes=59) < stored.expires_at - timezone.now() <= timedelta(minutes=60)
    PasswordResetToken.objects.update(expires_at=stored.expires_at - age)
    assert api().post(CONFIRM, {"token": token, "new_password": NEW}).status_code == status


def test_the_token_dies_when_a_newer_one_is_asked_for(api, alice, token, mails):
    api().post(RESET, {"email": alice.email})
    newer = re.search(r"#token=(\S+)", mails()[-1].body)[1]
    response = api().post(CONFIRM, {"token": token, "new_password": NEW})
    assert errors(response, 400) == [("invalid_token", "token")]
    assert api().post(CONFIRM, {"token": newer, "new_password": NEW}).status_code == 200


def test_the_token_dies_when_the_password_changes(api, alice, token):
    api(alice).post("/api/auth/password-change/", {"old_password": PASSWORD, "new_password": "another one 77"})
    response = api().post(CONFIRM, {"token": token, "new_password": NEW})
    assert errors(response, 400) == [("invalid_token", "token")]


def test_the_token_of_a_deactivated_user_is_none(api, alice, token):
    type(alice).objects.update(is_active=False)
    response = api().post(CONFIRM, {"token": token, "new_password": NEW})
    assert errors(response, 400) == [("invalid_token", "token")]


@pytest.mark.parametrize("token", ["rubbish", "ä" * 100, "x" * 100_000])
def test_a_token_that_is_none_is_invalid(api, db, token):
    response = api().post(CONFIRM, {"token": token, "new_password": NEW})
    assert errors(response, 400) == [("invalid_token", "token")]


@pytest.mark.parametrize("email", ["", "x", None, 5, "a@b", ["a@example.com"]])
def test_an_address_that_is_none_is_400(api, db, email):
    assert {attr for _, attr in errors(api().post(RESET, {"email": email}), 400)} == {"email"}
