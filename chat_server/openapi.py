"""The OpenAPI document at `/api/schema/`: drf-spectacular's, with one `Error` for every refusal.

Which refusals an operation can answer follows from what it takes: a body (400, 413, 415), query parameters (400), a
token (401, 429), something named in the path (404), the database (503). Those beyond that an operation names itself, as
examples made by `refusal`. A test calls the operations and holds the examples against what the server answers.
"""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, inline_serializer
from rest_framework import serializers

from .pagination import DEFAULT_LIMIT, MAX_LIMIT

TYPES = ("validation_error", "client_error", "server_error")
MEANINGS = {
    400: "Something that was sent will not do.",
    401: "No access token, or one that is not (or no longer) valid.",
    403: "You see it, but may not do this to it.",
    404: "It is not there, or not yours to know of: the two look the same.",
    409: "It does not go with what is there already.",
    413: "The body is over 1 MiB.",
    415: "The body is not `application/json`.",
    429: "Too many requests: come back after `Retry-After` seconds.",
    503: "The database does not answer, and nothing is known of the write: send again, with the same `client_id`.",
}
SUCCESSES = {200: "Done.", 201: "Created.", 204: "Done; there is no body."}
NAMES = {401: "Unauthenticated", 404: "NotFound", 413: "TooBig", 415: "NotJSON", 429: "Throttled", 503: "Unavailable"}


class ErrorDetailSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(read_only=True, help_text="For programs; it does not change.")
    detail = serializers.CharField(read_only=True, help_text="For people; it may change.")
    attr = serializers.CharField(
        read_only=True, allow_null=True, help_text="The input field or query parameter that it is about."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    """Every answer of 400 and above."""

    type = serializers.ChoiceField(TYPES, read_only=True)
    errors = ErrorDetailSerializer(many=True, read_only=True, help_text="At least one.")  # type: ignore[assignment]


def error_body(status: int, *errors: tuple[str, str, str | None]) -> dict[str, Any]:
    """The body of a refusal, made of `(code, detail, attr)` each."""
    kind = "server_error" if status >= 500 else "client_error"
    if status == 400 and errors[0][0] != "parse_error":
        kind = "validation_error"
    return {"type": kind, "errors": [dict(zip(("code", "detail", "attr"), error, strict=True)) for error in errors]}


def refusal(status: int, code: str, detail: str, attr: str | None = None, *, name: str = "") -> OpenApiExample:
    """An error that an operation answers beyond what follows from the rule."""
    body = error_body(status, (code, detail, attr))
    return OpenApiExample(name or code, body, response_only=True, status_codes=[str(status)])


def answer(name: str, value: Any, *, status: int = 200) -> OpenApiExample:
    """What the server answers where all is well."""
    return OpenApiExample(name, value, response_only=True, status_codes=[str(status)])


def body(name: str, value: Any) -> OpenApiExample:
    """What a client sends."""
    return OpenApiExample(name, value, request_only=True)


def page_of(item: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """One page of a list."""
    name = item.__name__.removesuffix("Serializer")
    return inline_serializer(
        f"{name}Page",
        {
            "next": serializers.URLField(read_only=True, allow_null=True),
            "previous": serializers.URLField(read_only=True, allow_null=True),
            "results": item(many=True, read_only=True),
        },
    )


def page(*results: Any, next: str | None = None, previous: str | None = None) -> dict[str, Any]:
    """The example of a page."""
    return {"next": next, "previous": previous, "results": list(results)}


LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "default": DEFAULT_LIMIT},
    description=f"How many at most: 1 to {MAX_LIMIT}. More than {MAX_LIMIT} is taken as {MAX_LIMIT}.",
)
CURSOR = OpenApiParameter("cursor", str, description="Opaque. Do not make one: follow `next` and `previous`.")

NOT_AUTHENTICATED = ("not_authenticated", "Authentication credentials were not provided.", None)
COMMON: dict[int, list[tuple[str, str, str | None]]] = {
    401: [NOT_AUTHENTICATED, ("token_not_valid", "The token is not valid, or no longer.", None)],
    404: [("not_found", "Not found.", None)],
    413: [("too_big", "The body is over 1 MiB.", None)],
    415: [("unsupported_media_type", 'Unsupported media type "text/plain" in request.', None)],
    429: [("throttled", "Request was throttled. Expected available in 7 seconds.", None)],
    503: [("unavailable", "A part of the server is away. Send again with the same client_id.", None)],
}
THROTTLED, NOT_THERE = refusal(429, *COMMON[429][0]), refusal(404, *COMMON[404][0])


class AutoSchema(SpectacularAutoSchema):
    """Every operation, with the refusals that it can answer."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        for code, response in responses.items():
            response["description"] = SUCCESSES[int(code)]
        examples = self.get_examples()
        named = {int(code) for example in examples for code in example.status_codes or () if int(code) >= 400}
        for status in sorted(named | self._statuses_by_rule()):
            own = [example for example in examples if str(status) in (example.status_codes or ())]
            if status == 400 or status not in COMMON or own:
                responses[str(status)] = self._error(status, own)
            else:
                responses[str(status)] = self._shared_error(status).ref
        return responses

    def _get_request_for_media_type(self, serializer: Any, direction: Any = "request") -> tuple[Any, bool]:
        schema, is_required = super()._get_request_for_media_type(serializer, direction)
        return schema, is_required or (isinstance(serializer, dict) and bool(serializer.get("required")))

    def _statuses_by_rule(self) -> set[int]:
        statuses = {503}
        if self._get_request_body():
            statuses |= {400, 413, 415}
        if self._names_in("query"):
            statuses.add(400)
        if self._names_in("path"):
            statuses.add(404)
        if self.get_auth():
            statuses |= {401, 429}
        return statuses

    def _names_in(self, location: str) -> list[str]:
        return [parameter["name"] for parameter in self._get_parameters() if parameter["in"] == location]

    def _error(self, status: int, own: Sequence[OpenApiExample]) -> dict[str, Any]:
        shown = {example.name: {"value": example.value} for example in own}
        if status == 400 and (usual := self._bad_request()):
            shown = {"Usual": {"value": usual}} | shown
        elif status in COMMON and status != 401:
            shown |= {error[0]: {"value": error_body(status, error)} for error in COMMON[status]}
        return self._error_with(status, shown)

    def _error_with(self, status: int, examples: dict[str, Any]) -> dict[str, Any]:
        schema = self.resolve_serializer(ErrorSerializer, "response").ref
        response = {
            "description": MEANINGS[status],
            "content": {"application/json": {"schema": schema, "examples": examples}},
        }
        if status == 429:
            seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            response["headers"] = {"Retry-After": seconds}
        return response

    def _shared_error(self, status: int) -> ResolvedComponent:
        """The response as a component: it is the same for every operation."""
        examples = {error[0]: {"value": error_body(status, error)} for error in COMMON[status]}
        component = ResolvedComponent(
            NAMES[status], ResolvedComponent.RESPONSE, self._error_with(status, examples), object=ErrorSerializer
        )
        self.registry.register_on_missing(component)
        return component

    def _bad_request(self) -> dict[str, Any] | None:
        """What an empty body, a broken one, or `?limit=0` is answered; None where it is none of these."""
        if self._get_request_body():
            serializer = self.get_request_serializer()
            fields = serializer().fields.items() if isinstance(serializer, type) and self.method != "PATCH" else ()
            missing = [name for name, field in fields if field.required]
            if missing:
                return error_body(400, *(("required", "This field is required.", name) for name in missing))
            return error_body(400, ("parse_error", "The body is not valid JSON.", None))
        if "limit" in self._names_in("query"):
            return error_body(400, ("invalid", "A whole number from 1 on is expected.", "limit"))
        return None
