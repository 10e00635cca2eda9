import pytest
from django.urls import reverse

from authentication.models import PasswordResetToken, Session, User
from tests.services.environment import PASSWORD

NEW = "staple battery 7"
USERS = "admin:authentication_user_changelist"


@pytest.fixture
def boss(make_user):
    return make_user("boss", is_staff=True, is_superuser=True)


@pytest.fixture
def admin(client, boss):
    client.force_login(boss)
    return client


def form_of(user, **changes):
    fields = {name: getattr(user, name) for name in ("email", "username", "first_name", "last_name", "bio")}
    flags = {name: "on" for name in ("is_active", "is_staff", "is_superuser") if getattr(user, name)}
    return {name: value for name, value in (fields | flags | changes).items() if value is not None}


def test_staff_log_in_with_their_address_in_any_case(client, boss):
    response = client.post("/admin/login/?next=/admin/", {"username": "BOSS@example.com", "password": PASSWORD})
    assert response.status_code == 302
    assert client.get("/admin/").status_code == 200


def test_who_is_no_staff_stays_outside(client, alice):
    client.force_login(alice)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("query", ["", "?q=ali", "?is_active__exact=1", "?is_staff__exact=0"])
def test_users_are_listed_searched_and_filtered(admin, alice, query):
    assert "alice" in admin.get(reverse(USERS) + query).content.decode()


@pytest.mark.parametrize("model", ["user", "session"])
def test_the_lists_cost_the_same_however_long(admin, make_user, model, django_assert_max_num_queries):
    for number in range(15):
        Session.objects.create(user=make_user(f"user{number}"))
    with django_assert_max_num_queries(10):
        assert admin.get(reverse(f"admin:authentication_{model}_changelist")).status_code == 200


def act(admin, action, *users):
    response = admin.post(
        reverse(USERS), {"action": action, "_selected_action": [user.pk for user in users]}, follow=True
    )
    assert response.status_code == 200


def test_deactivating_ends_every_session(admin, alice, log_in, works):
    pair = log_in(alice)
    act(admin, "deactivate", alice)
    alice.refresh_from_db()
    assert not alice.is_active
    assert not works(pair["access"])
    assert not alice.sessions.exists()


def test_activating_allows_logins_again(admin, alice, log_in):
    act(admin, "deactivate", alice)
    act(admin, "activate", alice)
    assert log_in(alice)


def test_ending_sessions_leaves_the_account(admin, alice, log_in, works):
    pair = log_in(alice)
    act(admin, "end_sessions", alice)
    assert not works(pair["access"])
    assert log_in(alice)


def test_the_form_can_deactivate_as_well(admin, alice, log_in, works):
    pair = log_in(alice)
    url = reverse("admin:authentication_user_change", args=[alice.pk])
    assert admin.get(url).status_code == 200
    assert admin.post(url, form_of(alice, is_active=None)).status_code == 302
    alice.refresh_from_db()
    assert not alice.is_active
    assert not alice.sessions.exists()
    assert not works(pair["access"])


def test_the_form_leaves_sessions_alone_where_only_a_name_changes(admin, alice, log_in, works):
    pair = log_in(alice)
    url = reverse("admin:authentication_user_change", args=[alice.pk])
    assert admin.post(url, form_of(alice, first_name="Al")).status_code == 302
    assert works(pair["access"])


@pytest.mark.parametrize("taken", [{"username": "BOB"}, {"email": "BOB@example.com"}])
def test_the_form_refuses_what_is_taken(admin, alice, bob, taken):
    url = reverse("admin:authentication_user_change", args=[alice.pk])
    assert b"already exists" in admin.post(url, form_of(alice, **taken)).content


def test_a_user_can_be_added(admin):
    url = reverse("admin:authentication_user_add")
    assert admin.get(url).status_code == 200
    form = {"email": "New@Example.com", "username": "new_one", "usable_password": "true"}
    assert admin.post(url, {**form, "password1": NEW, "password2": NEW}).status_code == 302
    user = User.objects.get(username="new_one")
    assert user.email == "new@example.com"
    assert user.check_password(NEW)


@pytest.mark.parametrize(
    "form", [{"password1": NEW, "password2": NEW, "usable_password": "true"}, {"usable_password": "false"}]
)
def test_a_new_password_ends_every_session(admin, alice, log_in, works, form):
    pair = log_in(alice)
    PasswordResetToken.objects.create(user=alice, token_hash="x")
    url = reverse("admin:auth_user_password_change", args=[alice.pk])
    assert admin.get(url).status_code == 200
    submit = {"unset-password": "1"} if form["usable_password"] == "false" else {}
    assert admin.post(url, {**form, **submit}).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW) is (form["usable_password"] == "true")
    assert not works(pair["access"])
    assert not PasswordResetToken.objects.exists()


def test_ones_own_new_password_ends_every_session(admin, boss, log_in, works):
    pair = log_in(boss)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, "usable_password": "true"}
    response = admin.post(reverse("admin:password_change"), {**form, "password1": NEW, "password2": NEW})
    assert response.status_code == 302
    assert not works(pair["access"])


@pytest.mark.parametrize("way", ["one", "selected"])
def test_deleting_lets_the_other_apps_go_first(admin, alice, log_in, works, way, monkeypatch):
    from authentication import hooks

    closed = []
    monkeypatch.setattr(hooks, "account_closing", [lambda user: closed.append(user.username)])
    pair = log_in(alice)
    if way == "one":
        admin.post(reverse("admin:authentication_user_delete", args=[alice.pk]), {"post": "yes"})
    else:
        selected = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
        admin.post(reverse(USERS), selected)
    assert closed == ["alice"]
    assert not User.objects.filter(username="alice").exists()
    assert not works(pair["access"])


def test_sessions_are_listed_and_searched_without_their_hash(admin, alice, bob, log_in):
    log_in(alice, HTTP_USER_AGENT="Alices phone")
    log_in(bob, HTTP_USER_AGENT="Bobs phone")
    url = reverse("admin:authentication_session_changelist")
    page = admin.get(url, {"q": "alice"}).content.decode()
    assert "Alices phone" in page
    assert "Bobs phone" not in page
    session = alice.sessions.get()
    page += admin.get(reverse("admin:authentication_session_change", args=[session.pk])).content.decode()
    assert session.refresh_hash not in page


@pytest.mark.parametrize("way", ["one", "selected"])
@pytest.mark.django_db(transaction=True)
def test_deleting_a_session_ends_it(admin, alice, log_in, works, ended, way):
    pair = log_in(alice)
    session = alice.sessions.get()
    if way == "one":
        admin.post(reverse("admin:authentication_session_delete", args=[session.pk]), {"post": "yes"})
    else:
        selected = {"action": "delete_selected", "_selected_action": [session.pk], "post": "yes"}
        admin.post(reverse("admin:authentication_session_changelist"), selected)
    assert not works(pair["access"])
    assert ended == [session.pk]


def test_sessions_are_not_made_or_changed_by_hand(admin, alice, log_in):
    log_in(alice)
    assert admin.get(reverse("admin:authentication_session_add")).status_code == 403
    session = alice.sessions.get()
    url = reverse("admin:authentication_session_change", args=[session.pk])
    assert admin.post(url, {"ip": "1.2.3.4"}).status_code == 403


def test_reset_tokens_are_not_in_the_admin():
    from django.contrib.admin import site

    assert not site.is_registered(PasswordResetToken)
