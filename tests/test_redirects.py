"""No answer leads to another host, and no host that a request names is believed."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from tests.services.environment import PASSWORD
from tests.services.errors import errors

HOST = "testserver"
ELSEWHERE = [
    *("//evil.example", "//evil.example/", "///evil.example/", "////evil.example/%2e%2e", "http:evil.example"),
    *("https://evil.example/", "HTTP://evil.example", "https:///evil.example", "/\\evil.example/", "\\\\evil.example"),
    *("/\t/evil.example/", "\t//evil.example/", "/\r\n/evil.example/", "http://testserver@evil.example/"),
    *("//testserver:80@evil.example/", "http://evil.example\\@testserver/", "javascript:alert(1)", "data:text/html,x"),
]


def place(location: str, scheme: str = "http") -> tuple[str, str]:
    """The scheme and host where a browser goes: it takes `\\` for `/` and leaves out tabs and line ends."""
    for ignored in "\t\r\n":
        location = location.replace(ignored, "")
    url = urlsplit(urljoin(f"{scheme}://{HOST}/here", location.strip().replace("\\", "/")))
    return url.scheme, url.netloc


@pytest.fixture
def boss(make_user: Callable[..., Any]) -> Any:
    return make_user("boss", is_staff=True, is_superuser=True)


@pytest.mark.parametrize("path", ELSEWHERE)
@pytest.mark.parametrize("prefix", ["", "/admin", "/admin/", "/api/", "/static/", "/admin/r/1/"])
def test_no_path_leads_elsewhere(client: Client, boss: Any, prefix: str, path: str) -> None:
    for _ in ("stranger", "staff"):
        for ending in ("", "/", "/admin", "/admin/login"):
            answer = client.get("/", PATH_INFO=f"{prefix}{path}{ending}")
            assert place(answer.get("Location", "")) == ("http", HOST)
        client.force_login(boss)


@pytest.mark.parametrize("where", ELSEWHERE)
def test_logging_in_and_out_leads_nowhere_else(client: Client, boss: Any, where: str) -> None:
    entered = {"username": boss.email, "password": PASSWORD, "next": where}
    answers = [
        client.post("/admin/login/", entered),
        client.get("/admin/login/", {"next": where}),  # as somebody who is in already
        client.get("/admin/password_change/", {"next": where}),
        client.get("/admin/jsi18n/", {"next": where}),
        client.get("/reset-password", {"next": where}),
        client.post("/admin/logout/", {"next": where}),
        client.get("/admin/", {"next": where}),
    ]
    assert [answer.status_code for answer in answers] == [302, 302, 200, 200, 200, 200, 302]
    assert {place(answer.get("Location", "")) for answer in answers} == {("http", HOST)}


@pytest.mark.parametrize("path", ["/", "/admin", "/api/auth/login/", "//evil.example/", "/\\evil.example/"])
def test_the_way_to_https_stays_on_the_host(client: Client, settings: Any, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/", PATH_INFO=path)
    assert (answer.status_code, place(answer["Location"])) == (301, ("https", HOST))


FORGED = ["evil.example", "testserver.evil.example", "testserver@evil.example", "testserver:80@evil.example", "a b", ""]


@pytest.mark.parametrize("host", FORGED)
@pytest.mark.parametrize("https", [False, True])
def test_a_forged_host_is_refused(client: Client, settings: Any, boss: Any, host: str, https: bool) -> None:
    settings.SECURE_SSL_REDIRECT = https
    for path in ("/", "/admin", "/admin/login/", "/api/", "/api/schema/", "/api/auth/users/", "/api/no", "/no"):
        answer = client.get(path, HTTP_HOST=host)
        assert (answer.status_code, "Location" in answer.headers) == (400, False), path
    answer = client.post("/api/auth/password-reset/", {"email": boss.email}, "application/json", HTTP_HOST=host)
    assert errors(answer, 400) == [("invalid", None)]


TOLD = {
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_HOST": "evil.example",
    "HTTP_FORWARDED": "host=evil.example;proto=https",
    "HTTP_X_ORIGINAL_URL": "//evil.example/",
    "HTTP_X_FORWARDED_SERVER": "evil.example",
    "HTTP_X_FORWARDED_PORT": "666",
}


def test_a_host_told_beside_the_host_header_is_not_believed(
    api: Callable[..., Any], client: Client, settings: Any, alice: Any, group: Any
) -> None:
    from chat import services

    services.send_message(sender=alice, conversation_id=group.pk, content="Hello")
    for path in ("/api/auth/users/?limit=1", f"/api/chat/conversations/{group.pk}/messages/?limit=1"):
        body = api(alice).get(path, **TOLD).json()
        links = [link for link in (body["next"], body["previous"]) if link]
        assert all(link.startswith(f"http://{HOST}/api/") for link in links)
    assert links
    assert place(client.get("/admin", **TOLD)["Location"]) == ("http", HOST)
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get(reverse("admin:index"), **TOLD)
    assert answer["Location"] == f"https://{HOST}/admin/"


def test_a_reset_mail_leads_to_the_frontend_whatever_is_told(
    api: Callable[..., Any], alice: Any, mailoutbox: list[Any], transactional_db: None
) -> None:
    import threading

    assert api().post("/api/auth/password-reset/", {"email": alice.email}, **TOLD).status_code == 200
    for thread in threading.enumerate():
        if thread.name == "password-reset":
            thread.join(10)
    (mail,) = mailoutbox
    assert "\nhttp://localhost:8000/reset-password#token=" in mail.body
    assert "evil" not in mail.body + mail.subject + str(mail.extra_headers) + mail.from_email
