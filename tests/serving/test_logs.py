"""Tokens in the lines that Daphne and Django write."""

import io
import logging
import sys

import pytest
from daphne.access import AccessLogGenerator
from django.db import IntegrityError, OperationalError

from chat_server.logs import Stacks, TokenMask, mask_daphne_access_log


@pytest.mark.parametrize(
    "query", ["token=secret", "a=1&token=secret&b=2", "TOKEN=secret", "token%3Dsecret", "%74oken=secret"]
)
def test_a_token_is_masked_in_any_line(query: str) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "HTTP GET %(path)s 404", ({"path": f"/ws/?{query}"},), None)
    assert TokenMask().filter(record)
    assert "secret" not in record.getMessage()
    assert "/ws/?" in record.getMessage()
    assert record.getMessage().endswith(" 404")


def test_other_lines_pass_as_they_are() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s of %s", ("one", 2), None)
    assert TokenMask().filter(record)
    assert (record.msg, record.args) == ("%s of %s", ("one", 2))


def test_a_token_is_masked_in_daphnes_own_access_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AccessLogGenerator, "write_entry", AccessLogGenerator.write_entry)
    mask_daphne_access_log()
    mask_daphne_access_log()
    stream = io.StringIO()
    details = {"client": "c", "method": "GET", "path": "/ws/?token=secret&x=1", "status": 404, "size": 0}
    AccessLogGenerator(stream)("http", "complete", details)
    assert '"GET /ws/?***" 404' in stream.getvalue()


def logged(error: Exception) -> str:
    """The lines that are written of an exception, raised while another one is dealt with."""
    try:
        raise error from ValueError("Hello Bob")
    except type(error):
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", (), sys.exc_info())
    return Stacks("%(message)s").format(record)


def test_a_stack_is_written_without_what_somebody_said() -> None:
    lines = logged(IntegrityError("Failing row contains (1, 'Hello Bob')"))
    assert "Failing row" not in lines
    assert "ValueError: Hello" not in lines
    assert lines.startswith("it failed\nTraceback")
    assert lines.index("builtins.ValueError") < lines.index("django.db.utils.IntegrityError")
    assert "raise error" in lines


def test_an_exception_about_a_connection_says_what_is_wrong() -> None:
    assert logged(OperationalError("connection refused")).endswith("OperationalError: connection refused")
