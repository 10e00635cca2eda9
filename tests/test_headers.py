"""What every answer tells a browser, whoever in the server makes it; and that nothing in a request leads elsewhere."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess

Answer = tuple[int, dict[str, str], bytes]
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def ask(shared_server: ServerProcess) -> Ask:
    """`ask("GET /path", body=b"", **headers)`: status, headers by lower-case name and body, byte by byte as asked."""

    def ask(line: str, body: bytes | None = None, **headers: str) -> Answer:
        head = {"Host": "localhost", "Connection": "close", **headers}
        if body is not None:
            head |= {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        lines = [f"{line} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in head.items()), "", ""]
        with socket.create_connection(("127.0.0.1", shared_server.port), timeout=10) as connection:
            connection.sendall("\r\n".join(lines).encode("latin-1") + (body or b""))
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        first, *rest = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        fields = [field.partition(": ") for field in rest]
        return int(first.split()[1]), {name.lower(): value for name, _, value in fields}, received

    return ask


def register(ask: Ask, name: str) -> Answer:
    body = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
    return ask("POST /api/auth/register/", json.dumps(body).encode())


KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "page": (200, {"line": "GET /"}),
    "reset page": (200, {"line": "GET /reset-password"}),
    "admin": (200, {"line": "GET /admin/login/"}),
    "admin's door": (302, {"line": "GET /admin/"}),
    "redirect": (301, {"line": "GET /admin"}),
    "API page": (200, {"line": "GET /api/"}),
    "API page's script": (200, {"line": "GET /api/?script="}),
    "schema": (200, {"line": "GET /api/schema/"}),
    "refused login": (401, {"line": "POST /api/auth/login/", "body": b'{"email": "a@example.com", "password": "x"}'}),
    "not logged in": (401, {"line": "GET /api/chat/conversations/"}),
    "not valid": (400, {"line": "POST /api/auth/register/", "body": b"{}"}),
    "no such path": (404, {"line": "GET /no"}),
    "no such path of the API": (404, {"line": "GET /api/no"}),
    "method": (405, {"line": "DELETE /api/auth/login/", "body": b"{}"}),
    "method of a page": (405, {"line": "TRACE /"}),
    "form without a token": (403, {"line": "POST /admin/login/", "body": b""}),
    "kind of body": (415, {"line": "POST /api/auth/login/", "body": b"x", "Content_Type": "text/plain"}),
    "Host": (400, {"line": "GET /", "Host": "evil.example"}),
    "Host of the API": (400, {"line": "GET /api/auth/profile/", "Host": "evil.example"}),
    "preflight": (
        200,
        {"line": "OPTIONS /api/auth/login/", "Access_Control_Request_Method": "POST", "Origin": "http://x"},
    ),
    "static file": (200, {"line": "GET /static/chat/app.js"}),
    "static file of the admin": (200, {"line": "HEAD /static/admin/css/base.css"}),
    "no such file": (404, {"line": "GET /static/no.css"}),
    "no WebSocket": (404, {"line": "GET /ws/chat/1/"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_says_what_a_browser_may_do_with_it(ask: Ask, kind: str) -> None:
    expected, question = KINDS[kind]
    status, headers, _ = ask(**question)
    assert (status, missing_policies(headers)) == (expected, {})


def missing_policies(headers: dict[str, str]) -> dict[str, str | None]:
    """The policies that are not as they should be."""
    policy = dict(rule.split(" ", 1) for rule in headers.get("content-security-policy", "none at all").split("; "))
    have = {name: headers.get(name) for name in WANTED} | {name: policy.get(name) for name in RULES}
    wrong = {name: value for name, value in have.items() if value != (WANTED | RULES)[name]}
    unsafe = [rule for rule in policy.values() if "unsafe" in rule or "*" in rule]
    return wrong | ({"unsafe": str(unsafe)} if unsafe else {})


WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
RULES = {
    "default-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "form-action": "'self'",
}


@pytest.mark.django_db
def test_a_fault_of_ours_and_a_redirect_to_https_say_so_too(client: Client, settings: Any, monkeypatch: Any) -> None:
    from django.views.generic import TemplateView

    settings.SECURE_SSL_REDIRECT = True
    client.raise_request_exception = False
    monkeypatch.setattr(TemplateView, "get", lambda *args, **kwargs: 1 / 0)
    answers = [client.get("/"), client.get("/", HTTP_HOST="evil.example"), client.get("/", secure=True)]
    assert [answer.status_code for answer in answers] == [301, 400, 500]
    for answer in answers:
        assert missing_policies({name.lower(): value for name, value in answer.headers.items()}) == {}


@pytest.mark.parametrize(
    ("status", "question"),
    [
        (413, {"line": "POST /api/auth/login/", "Content_Length": "1048577"}),
        (413, {"line": "POST /admin/login/", "Content_Length": "1048577"}),
        (400, {"line": "GET /api/x?\xa0"}),
        (400, {"line": "GET / x"}),
    ],
)
def test_what_is_refused_below_the_application_is_taken_for_nothing_else(
    ask: Ask, status: int, question: dict[str, Any]
) -> None:
    answer = ask(**question)
    assert (answer[0], answer[1]["x-content-type-options"]) == (status, "nosniff")


# Who keeps and who reads it -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind, (_, question) in KINDS.items() if " /api/" in question["line"]])
def test_no_cache_keeps_an_answer_of_the_api(ask: Ask, kind: str) -> None:
    assert ask(**KINDS[kind][1])[1]["cache-control"] == "no-store"


def test_no_cache_keeps_tokens_and_no_cookie_comes_with_them(ask: Ask) -> None:
    status, headers, received = register(ask, "keeper")
    assert (status, headers["cache-control"], headers.get("set-cookie")) == (201, "no-store", None)
    token = json.loads(received.partition(b"\r\n\r\n")[2])["access"]
    for line in ("GET /api/auth/profile/", "GET /api/chat/conversations/", "GET /api/auth/sessions/"):
        status, headers, _ = ask(line, Authorization=f"Bearer {token}")
        assert (status, headers["cache-control"], headers.get("set-cookie")) == (200, "no-store", None)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "admin" not in kind and "token" not in kind])
def test_cookies_are_for_the_admin_only(ask: Ask, kind: str) -> None:
    assert "set-cookie" not in ask(**KINDS[kind][1])[1]


@pytest.mark.django_db
@pytest.mark.parametrize("https", [False, True])
def test_no_script_and_no_other_site_gets_at_the_admins_cookies(
    client: Client, make_user: Callable[..., Any], settings: Any, https: bool
) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = https  # as the setting HTTPS has it
    make_user("boss", is_staff=True, is_superuser=True)
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "boss@example.com", "password": PASSWORD})
    assert set(client.cookies) == {"csrftoken", "sessionid"}
    for cookie in client.cookies.values():
        assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, "Lax", https)


ELSEWHERE = "https://elsewhere.example"


@pytest.mark.parametrize("method", ["get", "options"])
@pytest.mark.parametrize(
    ("origin", "path", "allowed"),
    [
        (ELSEWHERE, "/api/auth/profile/", ELSEWHERE),
        (ELSEWHERE, "/api/no", ELSEWHERE),
        (ELSEWHERE, "/", None),
        (ELSEWHERE, "/admin/login/", None),
        ("https://evil.example", "/api/auth/profile/", None),
        ("https://elsewhere.example.evil.example", "/api/auth/profile/", None),
        ("https://evil-elsewhere.example", "/api/auth/profile/", None),
        ("https://elsewhere.example:8443", "/api/auth/profile/", None),
        ("http://elsewhere.example", "/api/auth/profile/", None),
        ("null", "/api/auth/profile/", None),
    ],
)
@pytest.mark.django_db
def test_only_pages_of_the_setting_read_the_api_from_elsewhere(
    client: Client, settings: Any, method: str, origin: str, path: str, allowed: str | None
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ELSEWHERE]
    asked = {"HTTP_ORIGIN": origin, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "GET"}
    answer = getattr(client, method)(path, **asked)
    assert answer.get("Access-Control-Allow-Origin") == allowed
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_no_page_from_elsewhere_reads_a_static_file(ask: Ask) -> None:
    assert "access-control-allow-origin" not in ask("GET /static/chat/app.js", Origin=ELSEWHERE)[1]
