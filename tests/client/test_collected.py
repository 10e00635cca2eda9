"""`static/chat-client/` after `collectstatic`, where each file has the hash of its content in its name."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from chat_server import settings as real
from tests.services import guard


@pytest.fixture(scope="module")
def collected() -> Any:
    """The folder that is served, and by the name of each file the one that it has there."""
    folder = guard.temporary_folder("collected")
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]  # the project's own files only
    hashing = {**real.STORAGES, "staticfiles": {"BACKEND": "chat_server.storage.ModuleStaticFilesStorage"}}
    with override_settings(STATIC_ROOT=folder, STORAGES=hashing, STATICFILES_FINDERS=finders, DEBUG=False):
        call_command("collectstatic", "--noinput", verbosity=0)
        yield folder, json.loads((folder / "staticfiles.json").read_text())["paths"]


def test_modules_import_each_others_hashed_names(collected: Any) -> None:
    folder, names = collected
    modules = [path.name for path in (real.BASE_DIR / "static/chat-client").glob("*.js")]
    assert "index.js" in modules
    hashed = {names[f"chat-client/{name}"] for name in modules}
    imported = set()
    for name in hashed:
        found = re.findall(r'\bfrom "\./([^"]+)"', (folder / name).read_text())
        imported |= {f"chat-client/{each}" for each in found}
    assert imported
    assert imported <= hashed


def test_the_hashed_entry_can_be_imported(collected: Any) -> None:
    folder, names = collected
    assert shutil.which("node"), "the client's tests need Node: apt-get install nodejs npm"
    entry: Path = folder / names["chat-client/index.js"]
    script = f"import({json.dumps(str(entry))}).then((all) => console.log(Object.keys(all).join()))"
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True)
    assert "ChatClient" in done.stdout.split(","), done.stderr
