"""The API documentation says what the server does: every operation is called, and so is every refusal that it names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from jsonschema import Draft202012Validator

from chat_server.documentation import document
from tests.services.environment import PASSWORD

DOCUMENT: dict[str, Any] = document()
PUBLIC = {"register", "log_in", "refresh_tokens", "request_password_reset", "reset_password"}
OPERATIONS = {
    operation["operationId"]: {**operation, "method": method, "path": path}
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
MISSING = 999_999_999


def operations(having: Callable[[dict[str, Any]], Any] = lambda operation: True) -> list[Any]:
    """The operations by id, as parameters of a test."""
    return [pytest.param(operation, id=name) for name, operation in OPERATIONS.items() if having(operation)]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference of the document refers to."""
    while "$ref" in schema:
        found: Any = DOCUMENT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def as_json_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.0 schema as JSON Schema that allows no property beyond those named."""
    schema = dict(resolved(schema))
    nullable = schema.pop("nullable", False)
    if "allOf" in schema:
        [only] = schema.pop("allOf")
        schema = as_json_schema(only)
    if "properties" in schema:
        schema["properties"] = {name: as_json_schema(each) for name, each in schema["properties"].items()}
        schema["additionalProperties"] = False
    if "items" in schema:
        schema["items"] = as_json_schema(schema["items"])
    return {"anyOf": [schema, {"type": "null"}]} if nullable else schema


def check(value: Any, content: dict[str, Any]) -> None:
    """Fail where a value does not fit the schema of a request's or an answer's content."""
    Draft202012Validator(as_json_schema(content["application/json"]["schema"])).validate(value)


def examples_of(operation: dict[str, Any], status: str) -> dict[str, Any]:
    """The examples of an answer by name."""
    content = resolved(operation["responses"][status]).get("content", {})
    return {name: each["value"] for name, each in content.get("application/json", {}).get("examples", {}).items()}


def parameters(operation: dict[str, Any], location: str) -> list[dict[str, Any]]:
    return [each for each in operation.get("parameters", []) if each["in"] == location]


def filled(operation: dict[str, Any], ids: dict[str, Any]) -> str:
    return re.sub(r"{(\w+)}", lambda match: str(ids.get(match[1], MISSING)), operation["path"])


# The document -----------------------------------------------------------------------------------


def test_the_document_is_valid_and_made_without_a_warning() -> None:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    assert out.getvalue().startswith("openapi: 3.0")


@pytest.mark.parametrize("operation", operations())
def test_an_operation_says_what_it_is(operation: dict[str, Any]) -> None:
    assert operation["tags"]
    assert operation["summary"]
    assert operation["description"]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
    assert all(parameter.get("description") for parameter in parameters(operation, "query"))


@pytest.mark.parametrize("operation", operations())
def test_everything_that_has_a_body_has_an_example(operation: dict[str, Any]) -> None:
    if "requestBody" in operation:
        assert operation["requestBody"]["content"]["application/json"]["examples"]
    for status, response in operation["responses"].items():
        assert resolved(response)["description"]
        assert status == "204" or examples_of(operation, status)


@pytest.mark.parametrize("operation", operations())
def test_every_example_fits_its_schema(operation: dict[str, Any]) -> None:
    contents = [resolved(response).get("content", {}) for response in operation["responses"].values()]
    for content in filter(None, [*contents, operation.get("requestBody", {}).get("content")]):
        for example in content["application/json"]["examples"].values():
            check(example["value"], content)


@pytest.mark.parametrize("operation", operations())
def test_every_error_is_the_one_error(operation: dict[str, Any]) -> None:
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            schema = resolved(response)["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}


def test_only_who_has_no_token_yet_needs_none() -> None:
    assert {name for name, operation in OPERATIONS.items() if "security" not in operation} == PUBLIC
    assert DOCUMENT["components"]["securitySchemes"] == {
        "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }


def test_every_list_has_next_previous_and_results() -> None:
    lists = {name: operation for name, operation in OPERATIONS.items() if name.startswith("list_")}
    assert len(lists) == 7
    for name, operation in lists.items():
        schema = resolved(operation["responses"]["200"]["content"]["application/json"]["schema"])
        expected = {"version", "has_more", "results"} if name == "list_changes" else {"next", "previous", "results"}
        assert schema["properties"].keys() == expected


# The pages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/", "/api/schema/", "/api/schema/?format=json"])
def test_the_documentation_needs_no_token_and_minds_no_bad_one(api: Callable[..., Any], path: str) -> None:
    client = api()
    assert client.get(path).status_code == 200
    client.credentials(HTTP_AUTHORIZATION="Bearer expired")
    assert client.get(path).status_code == 200


def test_the_page_has_no_inline_script_and_nothing_from_elsewhere(api: Callable[..., Any]) -> None:
    page = api().get("/api/").content.decode()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert scripts
    assert all("src=" in attributes and not text.strip() for attributes, text in scripts)
    assert "//" not in "".join(re.findall(r'(?:src|href)="([^"]*)"', page))


def test_the_page_asks_no_validator_elsewhere(api: Callable[..., Any]) -> None:
    assert '"validatorUrl": null' in api().get("/api/?script=").content.decode()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("post", "/api/", 405), ("post", "/api/schema/", 405), ("get", "/api/schema/?format=xyz", 404)],
)
def test_the_documentation_refuses_like_every_other_path(
    api: Callable[..., Any], method: str, path: str, status: int
) -> None:
    response = getattr(api(), method)(path)
    assert response.status_code == status
    assert response.json()["type"] == "client_error"


def test_no_query_makes_the_document_fail(api: Callable[..., Any]) -> None:
    assert api().get("/api/schema/?version=a%0d%0ab&lang=%00").status_code == 200


# What the rule says of every operation ----------------------------------------------------------


@pytest.mark.parametrize("operation", operations(lambda operation: "security" in operation))
def test_without_a_token_the_answer_is_the_example(api: Callable[..., Any], operation: dict[str, Any]) -> None:
    response = api().generic(operation["method"], filled(operation, {}))
    assert response.status_code == 401
    assert response.json() == examples_of(operation, "401")["not_authenticated"]


@pytest.mark.parametrize("operation", operations(lambda operation: parameters(operation, "path")))
def test_what_is_not_there_is_answered_with_the_example(
    api: Callable[..., Any], alice: Any, operation: dict[str, Any]
) -> None:
    response = api(alice).generic(operation["method"], filled(operation, {}))
    assert response.status_code == 404
    assert response.json() == examples_of(operation, "404")["not_found"]


@pytest.fixture
def ids(alice: Any, bob: Any, group: Any) -> dict[str, Any]:
    """What a path may name: Alice's group, her message in it, and Bob."""
    from chat import services

    message, _ = services.send_message(sender=alice, conversation_id=group.pk, content="Hello")
    return {"conversation_id": group.pk, "message_id": message.pk, "user_id": bob.pk}


@pytest.mark.parametrize("operation", operations(lambda operation: "requestBody" in operation))
@pytest.mark.parametrize(
    ("status", "code", "body", "content_type"),
    [
        (415, "unsupported_media_type", "Hello", "text/plain"),
        (413, "too_big", f'"{"x" * 1024 * 1024}"', "application/json"),
    ],
)
def test_a_body_that_is_none_is_answered_with_the_example(
    api: Callable[..., Any],
    alice: Any,
    ids: dict[str, Any],
    operation: dict[str, Any],
    status: int,
    code: str,
    body: str,
    content_type: str,
) -> None:
    client = api(None if operation["operationId"] in PUBLIC else alice)
    response = client.generic(operation["method"], filled(operation, ids), body, content_type=content_type)
    assert response.status_code == status
    assert response.json() == examples_of(operation, str(status))[code]


@pytest.mark.parametrize("operation", operations(lambda operation: "Usual" in examples_of(operation, "400")
                                                 if "400" in operation["responses"] else False))
def test_the_usual_bad_request_is_answered_with_the_example(
    api: Callable[..., Any], alice: Any, ids: dict[str, Any], operation: dict[str, Any]
) -> None:
    usual = examples_of(operation, "400")["Usual"]
    path, body = filled(operation, ids), "{}"
    if "requestBody" not in operation:
        path += "?limit=0"
    elif usual["errors"][0]["code"] == "parse_error":
        body = "{"
    client = api(None if operation["operationId"] in PUBLIC else alice)
    response = client.generic(operation["method"], path, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json() == usual


# What each operation says of itself -------------------------------------------------------------


@dataclass
class World:
    """Alice is admin of a group with Bob, in which each has said something; Eve is a stranger."""

    api: Callable[..., Any]
    alice: Any
    bob: Any
    eve: Any
    group: int
    private: int
    by_alice: int
    by_bob: int

    def call(self, operation_id: str, user: Any = None, body: Any = None, query: str = "", **ids: Any) -> Any:
        """The answer to that operation; as Alice where nobody is named, in her group where no other."""
        operation = OPERATIONS[operation_id]
        client = self.api(None if operation_id in PUBLIC else user or self.alice)
        usual = {"conversation_id": self.group, "message_id": self.by_alice, "user_id": self.bob.pk}
        path = filled(operation, {**usual, **ids}) + query
        return getattr(client, operation["method"])(path, body)

    def reset_token(self) -> str:
        self.call("request_password_reset", body={"email": "alice@example.com"})
        import time

        deadline = time.monotonic() + 5
        while not mail.outbox and time.monotonic() < deadline:
            time.sleep(0.01)
        return re.findall(r"#token=(\S+)", mail.outbox[-1].body)[0]
