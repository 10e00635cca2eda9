"""How PostgreSQL goes about the queries of chat with 100,000 messages: by index, whatever database this run is on.

A program of its own asks: the run's own database may be SQLite.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

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
    "delete an account", "unread",
]  # fmt: skip


def plans_of_calls(template: str) -> dict[str, list[Any]]:
    """The plans of every call: `{call: [[sql, [plan]], …]}`."""
    url = the_postgres().create_database("plans", template=template)
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


def read_whole(plan: Any) -> Iterator[str]:
    """The large tables that are read from end to end."""
    for node in nodes(plan):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            yield f"all of {node['Relation Name']}"


def takes_in_too_much(plan: Any) -> Iterator[str]:
    """A whole history, read or sorted; beneath a Limit a scan stops early, unless what it finds is sorted first."""
    limited = any(node["Node Type"] == "Limit" for node in nodes(plan))
    for node in nodes(plan):
        messages = node.get("Relation Name") == "chat_message" and not limited
        if (messages or node["Node Type"] == "Sort") and node["Plan Rows"] >= 5000:
            yield f"{node['Node Type']} over {node['Plan Rows']} rows"


# One test: the tables take ten seconds to fill, and each process of a run would fill its own.
def test_no_call_reads_a_large_table_from_end_to_end(migrated_postgres: str) -> None:
    plans = plans_of_calls(migrated_postgres)
    assert set(plans) == set(CALLS)
    for call, queries in plans.items():
        assert queries, call
        for sql, [plan] in queries:
            faults = list(read_whole(plan["Plan"]))
            if call != "delete an account":  # all that it wrote is looked for
                faults += takes_in_too_much(plan["Plan"])
            assert not faults, f"{call}: {faults}: {sql}\n{json.dumps(plan, indent=1)}"
