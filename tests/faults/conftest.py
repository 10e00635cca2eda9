"""What takes long is done once for all workers of a test run, and each test looks at one thing that came of it."""

import fcntl
import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[], Any]], Any]:
    """`once(name, make)`: what `make()` returned, as JSON keeps it, to whichever worker asked first."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent

    def once(name: str, make: Callable[[], Any]) -> Any:
        kept = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                try:
                    made = {"made": make()}
                except Exception as error:
                    made = {"failed": f"{type(error).__name__}: {error}"}
                kept.write_text(json.dumps(made))
        told = json.loads(kept.read_text())
        assert "failed" not in told, told["failed"]
        return told["made"]

    return once
