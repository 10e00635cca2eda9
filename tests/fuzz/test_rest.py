"""Random requests made from the OpenAPI document: no fault of ours, and no answer that the document does not name."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from .conftest import World

# With its defaults: every check is on. The seed, and a configuration that is nobody's, make each run the same.
#
# Chains of calls are left out: what they draw depends on ids, tokens and times, which differ from run to run. So
# `use_after_free` and `ensure_resource_availability`, which look at the calls before, have nothing to look at.
SCHEMA = schemathesis.openapi.from_wsgi(
    "/api/schema/?format=json", get_wsgi_application(), config=SchemathesisConfig(seed=1)
)
# What a good request may be refused for all the same. No schema says it: it depends on what there is, or on what a
# letter looks like.
NOT_SAID = {
    "blank",
    "does_not_exist",
    "group_full",
    "invalid_token",
    "null_characters_not_allowed",
    "password_entirely_numeric",
    "password_mismatch",
    "password_too_common",
    "password_too_similar",
    "unique",
}
NOT_SAID_OF = {
    ("invalid", "cursor"),
    ("invalid", "client_id"),  # printable is what Unicode says
    ("invalid", "email"),  # not every address that fits `email` is one to Django
    ("invalid", "non_field_errors"),  # two of `before`, `after` and `around`
    ("invalid", "old_password"),
    ("invalid", "refresh"),
    ("required", "name"),  # of a group; a private conversation has none
}


def fill(case: Any, world: World) -> None:
    """Have the case speak of what is there, now and then; what is wrong with it stays wrong."""
    is_good = case.meta.generation.mode.is_positive
    bodies = case.body if isinstance(case.body, dict) else {}
    for values in (case.path_parameters, case.query, bodies):
        for name, value in list(values.items()):
            if is_good or not isinstance(value, str):
                values[name] = world.meant(name, value)
    if is_good and len(case.query.get("cursor", "")) % 2:
        case.query["cursor"] = cursor_of(case, world)


def cursor_of(case: Any, world: World) -> str:
    """What leads to the second page of the list that the case asks for; "none" where there is none."""
    first = case.operation.Case(path_parameters=case.path_parameters, query={"limit": 1})
    following = first.call(headers=world.headers).json().get("next") or ""
    return parse_qs(urlsplit(following).query).get("cursor", ["none"])[0]


def unsayable(case: Any, response: Any) -> list[Any]:
    """The checks that do not hold for this answer, by the contract."""
    errors = response.json()["errors"] if response.status_code == 400 else []
    if any(each["code"] in NOT_SAID or (each["code"], each["attr"]) in NOT_SAID_OF for each in errors):
        return [positive_data_acceptance]
    bodies = case.body if isinstance(case.body, dict) else {}
    texts = [each for each in (*case.query.values(), *bodies.values()) if isinstance(each, str)]
    # Text is trimmed before it is measured. A number past int64 is, as the last one of int64, more than there is.
    if any(text != text.strip() for text in texts) or any(
        re.fullmatch("[0-9]{19,}", str(n)) for n in case.query.values()
    ):
        return [negative_data_rejection]
    return []


@SCHEMA.parametrize()
@settings(max_examples=5, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: Any, world: World) -> None:
    with world.kept():
        fill(case, world)
        # Where what is wrong is the header, ours would mend it.
        headers = {} if case.meta.is_negative_at(ParameterLocation.HEADER) else world.headers
        response = case.call(headers=headers)
        case.validate_response(
            response,
            headers=headers,
            transport_kwargs={"headers": headers},
            excluded_checks=unsayable(case, response),
        )
