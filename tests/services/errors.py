"""The one shape that all errors of REST have."""

from typing import Any


def errors(response: Any, status: int) -> list[tuple[str, str | None]]:
    """The (code, attr) pairs of a refusal with that status, after its body was found to have the one shape."""
    assert response.status_code == status, response.content
    body = response.json()
    assert body.keys() == {"type", "errors"}, body
    assert body["errors"]
    for error in body["errors"]:
        assert error.keys() == {"code", "detail", "attr"}, error
        assert isinstance(error["code"], str)
        assert isinstance(error["detail"], str)
        assert error["attr"] is None or isinstance(error["attr"], str)
    pairs = [(error["code"], error["attr"]) for error in body["errors"]]
    of_the_input = status == 400 and pairs not in ([("parse_error", None)], [("invalid", None)])  # what Django refuses
    assert body["type"] == ("validation_error" if of_the_input else "server_error" if status >= 500 else "client_error")
    return pairs


def refusal(response: Any) -> tuple[int, str, str | None]:
    """Status, code and attr of the first error of a refusal, whatever its status."""
    status: int = response.status_code
    return status, *errors(response, status)[0]


def refused(response: Any) -> tuple[int, str]:
    """Status and code of the first error of a refusal, whatever its status."""
    status, code, _ = refusal(response)
    return status, code
