"""The environment of tests: every setting at its default but these, whatever the developer's own `.env` says."""

import os
import re
from pathlib import Path

PASSWORD = "correct horse 42"
EXAMPLE = Path(__file__).resolve().parent.parent.parent / ".env.example"
DEFAULTS = {
    "SECRET_KEY": "the-tests-own-key-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "EMAIL_URL": "memorymail://",
    "THROTTLE_LOGIN": "off",
    "THROTTLE_REGISTER": "off",
    "THROTTLE_PASSWORD_RESET": "off",
    "THROTTLE_USER": "off",
    "THROTTLE_MESSAGES": "off",
    "THROTTLE_FRAMES": "off",
}


def settings_for_tests(**settings: str) -> dict[str, str]:
    """Every setting by name; empty, which keeps `.env` out, where it is to have its default."""
    names = re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE)
    return {**dict.fromkeys(names, ""), **DEFAULTS, **settings}


def clean_environment(**settings: str) -> dict[str, str]:
    """For a process of its own: the settings, and of this process's environment only what every program needs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "DJANGO_SETTINGS_MODULE": "chat_server.settings", **settings_for_tests(**settings)}


def command_environment(**settings: str) -> dict[str, str]:
    """For a command that ends by itself: `clean_environment`, and counted for coverage where this process is."""
    measured = {name: value for name, value in os.environ.items() if name == "COVERAGE_PROCESS_CONFIG"}
    return {**clean_environment(**settings), **measured}
