"""The OpenAPI document is whole and valid, and what it says of every operation by rule is so."""

import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from chat import services

from .openapi import DOCUMENT, OPERATIONS, PUBLIC, check, examples_of, filled, operations, parameters, resolved

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


def test_a_body_that_is_needed_and_a_list_that_may_not_be_empty_are_named() -> None:
    assert OPERATIONS["set_admin"]["requestBody"]["required"]
    assert DOCUMENT["components"]["schemas"]["AddParticipantsRequest"]["properties"]["user_ids"]["minItems"] == 1


@pytest.mark.parametrize("operation", operations(lambda operation: parameters(operation, "path")))
def test_an_id_in_a_path_is_a_number_and_a_session_s_is_a_text(operation: dict[str, Any]) -> None:
    for parameter in parameters(operation, "path"):
        is_text = parameter["name"] == "session_id"
        assert parameter["schema"]["type"] == ("string" if is_text else "integer")


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


@pytest.mark.parametrize("operation", operations(lambda each: "Usual" in examples_of(each, "400")))
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


def bad_values(schema: dict[str, Any]) -> Iterator[str]:
    """Values outside of what a query parameter's schema allows."""
    if "minimum" in schema:
        yield from (str(schema["minimum"] - 1), "one", "")
    if "enum" in schema:
        yield from ("perhaps", "")
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if schema == {"type": "string"}:  # a cursor
        yield "broken"


QUERIES = [
    pytest.param(operation, parameter["name"], value, id=f"{name}-{parameter['name']}-{value[:10]}")
    for name, operation in OPERATIONS.items()
    for parameter in parameters(operation, "query")
    for value in bad_values(parameter["schema"])
]


@pytest.mark.parametrize(("operation", "parameter", "value"), QUERIES)
def test_a_query_parameter_outside_of_its_range_is_refused(
    api: Callable[..., Any], alice: Any, ids: dict[str, Any], operation: dict[str, Any], parameter: str, value: str
) -> None:
    response = api(alice).generic(operation["method"], f"{filled(operation, ids)}?{parameter}={value}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == parameter
