"""The operator's guide names what is there, and its commands work."""

import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.services.environment import EXAMPLE, clean_environment

from . import markdown

TEXT = markdown.read("docs/operations.md")
SCRIPTS = markdown.blocks(TEXT, "bash")


def test_every_management_command_is_there() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", TEXT + markdown.read("README.md")))
    assert named
    assert named <= get_commands().keys()


def test_every_setting_of_the_example_is_there() -> None:
    settings = set(re.findall(r"^#([A-Z_]+)=", EXAMPLE.read_text(), re.M))
    used = set(re.findall(r"^([A-Z_]+)=", markdown.section(TEXT, "## Install"), re.M))
    assert used
    assert used <= settings


def test_the_settings_of_the_example_are_taken(tmp_path: Path) -> None:
    block = next(block for block in markdown.blocks(TEXT, "ini") if "ALLOWED_HOSTS" in block)
    settings = dict(re.findall(r"^([A-Z_]+)=(.*)$", block, re.M)) | {"SECRET_KEY": secrets.token_urlsafe(64)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=markdown.ROOT,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_links_within_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^## (.*)$", TEXT, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_every_line_to_watch_for_is_one_that_the_code_writes() -> None:
    code = "".join(
        path.read_text()
        for folder in ("authentication", "chat", "chat_server")
        for path in (markdown.ROOT / folder).rglob("*.py")
    )
    lines = markdown.first_column(markdown.section(TEXT, "## Logs"))
    assert len(lines) == 6
    for line in lines:
        for part in re.split(r"…", line):
            assert part.strip(" ()") in code, part


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_works(script: str, migrated_sqlite: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "db.sqlite3")
    script = script.replace(".venv/bin/python", sys.executable).replace("manage.py", str(markdown.ROOT / "manage.py"))
    environment = clean_environment(DATABASE_URL=f"sqlite:///{tmp_path / 'db.sqlite3'}")
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    backup = tmp_path / "backup.sqlite3"
    if "backup" in script:
        with sqlite3.connect(backup) as database:
            assert database.execute("SELECT count(*) FROM chat_message").fetchone() == (0,)
        database.close()
