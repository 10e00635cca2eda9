"""The page names the modules that it is made of."""

import re
from pathlib import Path

from django.conf import settings
from django.test import Client

STATIC = settings.BASE_DIR / "static"
IMPORT = re.compile(r"""\b(?:import|export)\b[^"'();=]*?\bfrom\s*["']([^"']+)["']""")


def imported(module: Path, found: set[Path]) -> set[Path]:
    """The module and all that it imports, not counting what it loads when it needs it."""
    if module not in found:
        found.add(module)
        for name in IMPORT.findall(module.read_text()):
            assert name.startswith("."), f"{module} imports {name}: a browser finds it by a path only"
            imported((module.parent / name).resolve(), found)
    return found


def test_every_module_that_the_page_imports_is_asked_for_at_once_and_no_other(client: Client) -> None:
    page = client.get("/").content.decode()
    preloaded = re.findall(r'<link rel="modulepreload" href="/static/([^"]+)">', page)
    needed = imported(STATIC / "chat" / "app.js", set())
    assert sorted(preloaded) == sorted(str(path.relative_to(STATIC)) for path in needed)
    assert len(preloaded) > 30


def test_the_vendored_libraries_say_which_they_are_and_under_which_licence() -> None:
    vendor = STATIC / "chat" / "vendor"
    script = (settings.BASE_DIR / "scripts" / "vendor_page_libraries").read_text()
    for name in ("preact", "htm"):
        [version] = re.findall(rf"^{name.upper()}=(.+)$", script, re.MULTILINE)
        assert f"{name} {version}" in (vendor / "README").read_text()
        assert (vendor / f"LICENSE-{name}").is_file()
