import pytest

from chat_server.environment import Rate
from tests.services.environment import PASSWORD
from tests.services.errors import errors
from tests.services.threads import at_once

WRONG = "wrong"
LOGIN, REGISTER, RESET = "/api/auth/login/", "/api/auth/register/", "/api/auth/password-reset/"


@pytest.fixture
def try_login(api, alice):
    def try_login(password=WRONG, email=alice.email, **headers):
        return api().post(LOGIN, {"email": email, "password": password}, **headers)

    return try_login


def test_after_too_many_failed_logins_even_the_right_one_waits(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(3, 60)
    assert [try_login().status_code for _ in range(3)] == [401] * 3
    response = try_login(PASSWORD)
    assert errors(response, 429) == [("throttled", None)]
    assert 1 <= int(response["Retry-After"]) <= 20


def test_retry_after_is_at_least_one_second(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(1, 1)
    try_login()
    assert try_login()["Retry-After"] == "1"


def test_logins_that_are_right_are_not_counted(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(2, 60)
    assert [try_login(PASSWORD).status_code for _ in range(6)] == [200] * 6


def test_nobody_can_lock_another_one_out_from_elsewhere(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(2, 60)
    for _ in range(4):
        try_login(REMOTE_ADDR="192.0.2.66")
    assert try_login(PASSWORD, REMOTE_ADDR="192.0.2.1").status_code == 200


def test_guesses_at_many_accounts_from_one_address_are_counted_together(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(3, 60)
    codes = [try_login(email=f"user{number}@example.com").status_code for number in range(4)]
    assert codes == [401, 401, 401, 429]


def test_many_guesses_at_once_are_counted(try_login, transactional_db, settings):
    settings.THROTTLE_LOGIN = Rate(5, 60)
    codes = [response.status_code for response in at_once([try_login] * 20)]
    assert (codes.count(401), codes.count(429)) == (5, 15)


def test_wrong_old_passwords_count_as_failed_logins(api, alice, try_login, settings):
    settings.THROTTLE_LOGIN = Rate(2, 60)
    client = api(alice)
    body = {"old_password": "wrong", "new_password": "staple battery 7"}
    assert [client.post("/api/auth/password-change/", body).status_code for _ in range(3)] == [400, 400, 429]
    assert try_login(PASSWORD).status_code == 429


def test_a_new_password_that_will_not_do_is_no_failed_login(api, alice, settings):
    settings.THROTTLE_LOGIN = Rate(1, 60)
    client = api(alice)
    body = {"old_password": PASSWORD, "new_password": "password"}
    assert [client.post("/api/auth/password-change/", body).status_code for _ in range(3)] == [400] * 3


def test_a_deactivated_account_with_its_right_password_counts_as_failed(try_login, alice, settings):
    settings.THROTTLE_LOGIN = Rate(2, 60)
    alice.is_active = False
    alice.save()
    assert [try_login(PASSWORD).status_code for _ in range(3)] == [401, 401, 429]


def test_another_rate_begins_anew(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(1, 60)
    assert [try_login().status_code for _ in range(2)] == [401, 429]
    settings.THROTTLE_LOGIN = Rate(2, 60)
    assert [try_login().status_code for _ in range(3)] == [401, 401, 429]


def test_off_switches_it_off(try_login, settings):
    settings.THROTTLE_LOGIN = None
    assert {try_login().status_code for _ in range(15)} == {401}


def test_a_forwarded_address_is_not_believed(try_login, settings):
    settings.THROTTLE_LOGIN = Rate(2, 60)
    codes = [try_login(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}").status_code for number in range(3)]
    assert codes == [401, 401, 429]


def test_behind_one_proxy_the_last_forwarded_address_counts(try_login, settings):
    settings.THROTTLE_LOGIN, settings.NUM_PROXIES = Rate(2, 60), 1
    lies = [try_login(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}, 192.0.2.1").status_code for number in range(3)]
    assert lies == [401, 401, 429]
    assert try_login(HTTP_X_FORWARDED_FOR="203.0.113.1, 192.0.2.2").status_code == 401


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.1", "127.0.0.1"),
        (1, "203.0.113.1", "203.0.113.1"),
        (1, "10.9.9.9, 203.0.113.1", "203.0.113.1"),
        (2, "10.9.9.9, 203.0.113.1, 192.0.2.1", "203.0.113.1"),
        (2, "203.0.113.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "unknown", "127.0.0.1"),
        (1, "\x00", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_address_of_a_client(rf, settings, proxies, forwarded, address):
    from authentication.throttling import client_address

    settings.NUM_PROXIES = proxies
    assert client_address(rf.get("/", REMOTE_ADDR="127.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)) == address
    header = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert client_address({"client": ("127.0.0.1", 5), "headers": header}) == address


def test_there_may_be_no_address(rf):
    from authentication.throttling import client_address

    assert client_address({"client": None, "headers": []}) == ""
    assert client_address(rf.get("/", REMOTE_ADDR="")) == ""


def test_registrations_are_counted_by_address(api, db, settings):
    settings.THROTTLE_REGISTER = Rate(2, 3600)
    bodies = [
        {"email": f"new{number}@example.com", "username": f"new{number}", "password": "staple battery 7"}
        for number in range(3)
    ]
    responses = [api().post(REGISTER, body) for body in bodies]
    assert [response.status_code for response in responses] == [201, 201, 429]
    assert 1 <= int(responses[2]["Retry-After"]) <= 1800
    assert api().post(REGISTER, bodies[2], REMOTE_ADDR="192.0.2.1").status_code == 201


def test_resets_are_counted_by_address(api, mails, settings):
    settings.THROTTLE_PASSWORD_RESET = Rate(2, 3600)
    codes = [api().post(RESET, {"email": f"n{number}@example.com"}).status_code for number in range(3)]
    assert codes == [200, 200, 429]
    mails()


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_resets_are_counted_by_the_address_named(api, alice, mails, settings, email):
    settings.THROTTLE_PASSWORD_RESET = Rate(2, 3600)
    codes = [api().post(RESET, {"email": email}, REMOTE_ADDR=f"192.0.2.{number}").status_code for number in range(3)]
    assert codes == [200, 200, 429]
    mails()


def test_a_refused_reset_takes_nothing_from_the_other_key(api, mails, settings):
    settings.THROTTLE_PASSWORD_RESET = Rate(1, 3600)
    assert api().post(RESET, {"email": "a@example.com"}, REMOTE_ADDR="192.0.2.1").status_code == 200
    assert api().post(RESET, {"email": "a@example.com"}, REMOTE_ADDR="192.0.2.2").status_code == 429
    assert api().post(RESET, {"email": "b@example.com"}, REMOTE_ADDR="192.0.2.2").status_code == 200
    mails()


def test_all_calls_of_one_user_are_counted_together(api, alice, bob, settings):
    settings.THROTTLE_USER = Rate(3, 60)
    phone, laptop = api(alice), api(alice)
    assert [client.get("/api/auth/profile/").status_code for client in (phone, laptop, phone)] == [200] * 3
    response = laptop.get("/api/auth/users/")
    assert errors(response, 429) == [("throttled", None)]
    assert 1 <= int(response["Retry-After"]) <= 20
    assert api(bob).get("/api/auth/profile/").status_code == 200


def test_who_is_nobody_is_not_counted(api, db, settings):
    settings.THROTTLE_USER = Rate(1, 60)
    assert [api().get("/api/auth/profile/").status_code for _ in range(3)] == [401] * 3
