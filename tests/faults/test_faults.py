"""A short run: every fault once, for real, while twelve people talk. `make faults SECONDS=600` is the long one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from .invariants import CHECKS
from .run import report, run

SEED = "make test"
FAULTS = (
    "SIGKILL of a server",
    "rolling SIGTERM",
    "Redis restarted",
    "Redis paused",
    "Redis flushed",
    "Redis kills its subscribers",
    "PostgreSQL restarted at once",
    "PostgreSQL paused",
    "a row held locked",
    "a reader that stops",
    "a network that drops",
    "a network gone silent",
    "a slow network",
)


@pytest.fixture(scope="module")
def ran(once: Callable[..., Any]) -> dict[str, Any]:
    """What the run came to; where it is red, the history and the servers' logs are kept and their folder is named."""

    def make() -> dict[str, Any]:
        said: list[str] = []
        result = asyncio.run(run(seconds=30, seed=SEED, short=True, say=said.append))
        kept = "" if result.is_green else str(result.keep())
        text = "\n".join([*said, report(result)])
        return {"violations": result.violations, "faults": result.faults, "report": text, "kept": kept}

    ran: dict[str, Any] = once("faults", make)
    return ran


@pytest.mark.parametrize("invariant", [*CHECKS, "enough_happened"])
def test_the_promise_holds_under_faults(ran: dict[str, Any], invariant: str) -> None:
    assert ran["violations"][invariant] == [], f"{ran['report']}\nkept in {ran['kept']}"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_happened(ran: dict[str, Any], fault: str) -> None:
    assert ran["faults"].get(fault), ran["report"]
