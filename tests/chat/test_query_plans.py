"""How PostgreSQL goes about the queries of chat with 100,000 messages: by index, whatever database this run is on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.environment import clean_environment
from tests.services.server import PROJECT

LARGE = ("chat_message", "chat_conversationparticipant")
# The filter by name reads all the names of the caller's conversations; its other tables are still read by index.
CALLS = [
    "conversations", "conversations, the last of many", "conversations?unread=true", "conversations?type=group",
    "conversations?search=", "conversation", "a private conversation", "history", "history?before=", "history?after=",
    "history?around=", "changes", "changes?since=", "changes, none", "participants", "message", "receipts", "send",
    "send again", "edit", "mark read up to", "mark read", "rename", "add", "grant", "remove", "delete a message",
    "delete a private conversation", "open a private conversation", "delete a group", "nobody quotes this message",
    "delete an account",
]  # fmt: skip
plans: dict[str, list[Any]] = {}


@pytest.fixture
def plans_of(request: pytest.FixtureRequest) -> dict[str, list[Any]]:
    """The plans of every call, made once: `{call: [[sql, plan], …]}`."""
    if not plans:
        url = request.getfixturevalue("postgres_url")
        done = subprocess.run(
            [sys.executable, "-m", "tests.chat.plans"],
            cwd=PROJECT,
            env={**clean_environment(DATABASE_URL=url), "ALLOWED_HOSTS": "localhost"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-5000:]
        plans.update(json.loads(done.stdout))
    return plans


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


@pytest.mark.parametrize("call", CALLS)
def test_large_tables_are_read_by_index(call: str, plans_of: dict[str, list[Any]]) -> None:
    assert plans_of[call]
    for sql, plan in plans_of[call]:
        scanned = [node["Relation Name"] for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
        assert not set(scanned) & set(LARGE), f"{scanned}: {sql}\n{json.dumps(plan, indent=1)}"


def test_every_call_is_looked_at(plans_of: dict[str, list[Any]]) -> None:
    assert set(plans_of) == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_no_query_expects_to_touch_more_than_it_shows(call: str, plans_of: dict[str, list[Any]]) -> None:
    """A page, or the members of one group: never a whole history of 25,000."""
    if call == "delete an account":  # its 84 messages in each of three groups, and all that it is in
        return
    for sql, plan in plans_of[call]:
        for node in nodes(plan[0]["Plan"]):
            if node.get("Relation Name") == "chat_message" and not node["Node Type"].startswith("Bitmap"):
                assert node["Plan Rows"] <= 2500 or "limit" in sql.lower(), sql
