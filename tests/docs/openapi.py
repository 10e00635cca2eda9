"""The OpenAPI document, and how the tests look at it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chat_server.documentation import document

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
    content = resolved(operation["responses"].get(status, {})).get("content", {})
    return {name: each["value"] for name, each in content.get("application/json", {}).get("examples", {}).items()}


def parameters(operation: dict[str, Any], location: str) -> list[dict[str, Any]]:
    return [each for each in operation.get("parameters", []) if each["in"] == location]


def filled(operation: dict[str, Any], ids: dict[str, Any]) -> str:
    return re.sub(r"{(\w+)}", lambda match: str(ids.get(match[1], MISSING)), operation["path"])
