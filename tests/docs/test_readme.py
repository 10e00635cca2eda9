"""The README's tour works as it is written, and its tables say what is there."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from tests.services.environment import clean_environment
from tests.services.server import ServerProcess

from . import markdown

TEXT = markdown.read("README.md")
TOUR = markdown.section(TEXT, "## Five minutes with curl")
VARYING = {"id", "conversation", "conversation_id", "user_id", "created_at", "expires_at", "online"}
MARK = "==== block"


def steps() -> list[tuple[str, str, str]]:
    """The commands of the tour, each with the language and the text of what the README says they show."""
    found = re.findall(r"^```bash\n(.*?)^```$(?:\n\n```(json|text)\n(.*?)^```$)?", TOUR, re.M | re.S)
    assert len(found) == len(markdown.blocks(TOUR, "bash"))
    return found


def json_objects(text: str) -> list[Any]:
    """Every JSON object in a text."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            found.append(value)
        at = text.find("{", end)
    return found


def stable(value: Any) -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {key: None if key in VARYING else stable(each) for key, each in value.items()}
    return [stable(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def tour(server: ServerProcess, tmp_path: Path) -> list[str]:
    """What each block of the tour has shown, run one after the other in one shell."""
    blocks = [f"{commands}\nsleep 1\necho '{MARK}'\n" for commands, _, _ in steps()]
    script = "set -eu -o pipefail\n" + "".join(blocks)
    for written, real in (
        ("localhost:8000", f"127.0.0.1:{server.port}"),
        ("/tmp/listen.py", str(tmp_path / "listen.py")),
        (".venv/bin/python", sys.executable),
    ):
        assert written in script
        script = script.replace(written, real)
    environment = {**clean_environment(), "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=markdown.ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(MARK)


def test_the_tour_shows_what_the_readme_says(tour: list[str]) -> None:
    for (commands, language, expected), shown in zip(steps(), tour, strict=False):
        if language == "json":
            for each in json_objects(expected):
                assert stable(each) in [stable(found) for found in json_objects(shown)], (commands, shown)
        else:
            for line in expected.splitlines():
                assert line in shown, (commands, shown)
    frames = [found for shown in tour for found in json_objects(shown) if found.get("type") == "chat_message"]
    assert [frame["message"]["content"] for frame in frames] == ["Hello Bob", "Are you still there?"]


def test_every_block_of_the_tour_is_shown_by_its_output_or_needs_none() -> None:
    assert sum(bool(language) for _, language, _ in steps()) >= 5


# Settings ---------------------------------------------------------------------------------------


def rows(heading: str) -> dict[str, str]:
    """Name and default of each setting in the table."""
    section = markdown.section(TEXT, heading)
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", section, re.M))


def example() -> dict[str, str]:
    """Name and default of each setting in `.env.example`."""
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", markdown.read(".env.example"), re.M))


def test_the_table_has_every_setting_in_the_order_of_the_example_file() -> None:
    names = list(rows("## Settings"))
    assert names == list(example())
    code = markdown.read("chat_server/settings.py")
    assert set(names) == set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', code))


@pytest.mark.parametrize("name", sorted(example()))
def test_a_default_is_the_same_in_the_table_the_example_file_and_the_code(name: str) -> None:
    default = example()[name]
    shown = rows("## Settings")[name]
    if default:
        assert shown == f"`{default}`"
        assert code_default(name) == default
    else:
        assert not shown.startswith("`")


def code_default(name: str) -> str:
    """The default in `settings.py`, as it would be written in `.env`."""
    code = markdown.read("chat_server/settings.py")
    match = re.search(rf'env\.\w+\(\s*"{name}", ("[^"]*"|[\w_]+)', code)
    assert match, name
    return match[1].strip('"') if match[1].startswith('"') else match[1].replace("_", "")


def test_every_setting_of_the_table_is_one_that_the_operations_guide_may_name() -> None:
    guide = markdown.read("docs/operations.md")
    named = set(re.findall(r"\b((?:THROTTLE|MAX_SOCKETS|NUM|CORS|CSRF)_\w+)\b", guide))
    assert named <= example().keys()


# Links and commands -----------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["README.md", "docs/protocol.md", "docs/operations.md", "docs/changelog.md"])
def test_every_link_leads_to_a_file_that_is_there(document: str) -> None:
    folder = (markdown.ROOT / document).parent
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", markdown.read(document))
    missing = [link for link in links if "://" not in link and not (folder / link).exists()]
    assert missing == []


def test_every_module_of_chat_that_does_something_is_in_the_reading_order() -> None:
    listed = set(re.findall(r"\]\((chat/[\w/]+\.py)\)", TEXT))
    modules = {str(path.relative_to(markdown.ROOT)) for path in (markdown.ROOT / "chat").glob("*.py")}
    glue = {f"chat/{name}.py" for name in "__init__ admin apps exceptions openapi permissions routing urls".split()}
    assert modules - glue <= listed


def test_every_make_target_that_the_readme_names_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", markdown.read("Makefile"), re.M))
    named = set(re.findall(r"(?:\$ |`)make ([a-z-]+)", TEXT))
    assert named
    assert named <= targets


def test_the_command_that_serves_takes_what_the_readme_gives() -> None:
    [command] = re.findall(r"manage\.py serve (--.*)$", TEXT, re.M)
    assert (vars(parser("serve").parse_args(command.split())).items()) >= {"port": 8000, "workers": 4}.items()


def parser(command: str) -> Any:
    """The argument parser of a management command."""
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command)
