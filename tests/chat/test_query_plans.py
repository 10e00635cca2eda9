"""How PostgreSQL goes about the queries of chat with 100,000 messages: by index, whatever database this run is on.

A program of its own asks: the run's own database may be SQLite.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.environment import clean_environment
from tests.services.postgres import the_postgres
from tests.services.server import PROJECT

LARGE = ("chat_message", "chat_conversationparticipant")
CALLS = [
    "conversations", "conversations, the last of many", "conversations?unread=true", "conversations?type=group",
    "conversations?search=", "conversation", "a private conversation", "history", "history?before=", "history?after=",
    "history?around=", "changes", "changes?since=", "changes, none", "participants", "message", "receipts", "send",
    "send again", "edit", "mark read up to", "mark read", "rename", "add", "grant", "remove", "delete a message",
    "delete a private conversation", "open a private conversation", "delete a group", "nobody quotes this message",
    "delete an account",
]  # fmt: skip


@pytest.fixture(scope="module")
def plans_of(migrated_postgres: str) -> dict[str, list[Any]]:
    """The plans of every call: `{call: [[sql, plan], …]}`."""
    url = the_postgres().create_database("plans", template=migrated_postgres)
    done = subprocess.run(
        [sys.executable, "-m", "tests.chat.plans"],
        cwd=PROJECT,
        env=clean_environment(DATABASE_URL=url),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    plans: dict[str, list[Any]] = json.loads(done.stdout)
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


@pytest.mark.parametrize("call", [call for call in CALLS if call != "delete an account"])
def test_no_query_takes_in_a_whole_history(call: str, plans_of: dict[str, list[Any]]) -> None:
    """Beneath a Limit a scan stops early, unless what it finds is sorted first."""
    for sql, plan in plans_of[call]:
        limited = any(node["Node Type"] == "Limit" for node in nodes(plan[0]["Plan"]))
        for node in nodes(plan[0]["Plan"]):
            messages = node.get("Relation Name") == "chat_message" and not limited
            if messages or node["Node Type"] == "Sort":
                assert node["Plan Rows"] < 5000, f"{node['Node Type']}: {sql}\n{json.dumps(plan, indent=1)}"
