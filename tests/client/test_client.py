"""`static/chat-client/` under Node, against real servers: what runs here is in the `*.test.mjs` beside this file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import guard
from tests.services.environment import clean_environment
from tests.services.server import manage

HERE = Path(__file__).parent
TESTS = sorted(path.name for path in HERE.glob("*.test.mjs"))


@pytest.fixture(scope="module")
def node_modules() -> None:
    """What `package-lock.json` names is installed."""
    assert shutil.which("npm"), "the client's tests need Node: apt-get install nodejs npm"
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def database(migrated_sqlite: Path) -> Path:
    """What each server begins with a copy of: an empty chat, and sixty accounts for those who need many."""
    path = Path(shutil.copy(migrated_sqlite, guard.temporary_folder("client") / "chat.sqlite3"))
    crowd = "User(username=f'crowd{n}', email=f'crowd{n}@example.com')"
    make = f"User.objects.bulk_create({crowd} for n in range(60))"
    manage("shell", "-c", f"from authentication.models import User\n{make}", DATABASE_URL=f"sqlite:///{path}")
    return path


def test_the_client_library(node_modules: None, database: Path, shared_parts: dict[str, str]) -> None:
    setup = {
        "python": sys.executable,
        "environment": {**clean_environment(), "DJANGO_SETTINGS_MODULE": "tests.client.settings"},
        "database": str(database),
        "parts": shared_parts,
        "folder": str(guard.temporary_folder("client")),
    }
    command = ["node", "--test", "--test-reporter=spec", "--test-concurrency=3", *TESTS]
    child = subprocess.Popen(
        command,
        cwd=HERE,
        env={**os.environ, "CHAT_CLIENT_TESTS": json.dumps(setup)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    guard.kill_at_the_end(child.pid)
    said, _ = child.communicate(timeout=300)
    guard.ended(child.pid)
    assert child.returncode == 0, said
