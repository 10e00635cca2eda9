"""Settings come from the environment over `.env`; one that cannot be right ends the start with one line."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chat_server.environment import Environment, Rate, kept_secret
from tests.services.environment import clean_environment
from tests.services.server import PROJECT

NO_DOTENV = Path("/nowhere/.env")

WRONG = [
    ("DATABASE_URL", "mysql://localhost/chat"),
    ("DATABASE_URL", "db.sqlite3"),
    ("DATABASE_URL", "postgres://localhost:port/chat"),
    ("REDIS_URL", "http://localhost:6379"),
    ("REDIS_URL", "redis://localhost:6379,nonsense"),
    ("REDIS_URL", "redis://localhost:6379/0?foo=bar"),
    ("DATABASE_URL", "postgres://localhost"),
    ("EMAIL_URL", "pigeon://localhost"),
    ("THROTTLE_LOGIN", "ten per minute"),
    ("THROTTLE_USER", "0/60s"),
    ("THROTTLE_MESSAGES", "30/10m"),
    ("ACCESS_TOKEN_LIFETIME", "soon"),
    ("ACCESS_TOKEN_LIFETIME", "0"),
    ("REFRESH_TOKEN_LIFETIME", "-1"),
    ("MAX_SOCKETS_PER_USER", "0"),
    ("NUM_PROXIES", "one"),
    ("LOG_LEVEL", "LOUD"),
    ("DEBUG", "maybe"),
    ("HTTPS", "2"),
    ("FRONTEND_URL", "chat.example.com"),
    ("FRONTEND_URL", "http://chat.example.com/#/"),
    ("CORS_ALLOWED_ORIGINS", "app.example.com"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.com/path"),
    ("CSRF_TRUSTED_ORIGINS", "*"),
]


def start(**settings: str) -> subprocess.CompletedProcess[str]:
    """What `manage.py check` says with these settings."""
    command = [sys.executable, str(PROJECT / "manage.py"), "check"]
    environment = clean_environment(**settings)
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=PROJECT)


@pytest.fixture(scope="module")
def refusals() -> dict[tuple[str, str], subprocess.CompletedProcess[str]]:
    """Every start with a wrong setting; two at a time, they take half a second each."""
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(WRONG, pool.map(lambda wrong: start(**dict([wrong])), WRONG), strict=True))


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_stops_the_start_with_one_line(
    name: str, value: str, refusals: dict[tuple[str, str], subprocess.CompletedProcess[str]]
) -> None:
    done = refusals[name, value]
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"chat_server: the setting {name} is wrong: ")
    assert done.stderr.count("\n") == 1


def environment(monkeypatch: pytest.MonkeyPatch, dotenv: Path = NO_DOTENV, **values: str) -> Environment:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Environment(dotenv)


def test_a_rate_is_a_count_and_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment(monkeypatch, SOME_RATE="7/90s").rate("SOME_RATE", "1/1s") == Rate(7, 90)


def test_off_switches_a_rate_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment(monkeypatch, SOME_RATE="off").rate("SOME_RATE", "1/1s") is None


def test_an_empty_setting_counts_as_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment(monkeypatch, SOME_NUMBER=" ").integer("SOME_NUMBER", 5, minimum=1, maximum=9) == 5


def test_shards_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = "redis://one:6379/0, rediss://two:6380/1"
    assert environment(monkeypatch, SHARDS=urls).redis_urls("SHARDS") == ["redis://one:6379/0", "rediss://two:6380/1"]


def test_the_environment_goes_before_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("FROM_BOTH=file\nFROM_FILE=file\n")
    monkeypatch.setenv("FROM_FILE", "")  # undone after the test, with what the file sets
    monkeypatch.delenv("FROM_FILE")
    values = environment(monkeypatch, dotenv, FROM_BOTH="environment")
    assert (values.text("FROM_BOTH"), values.text("FROM_FILE")) == ("environment", "file")


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = kept_secret(path)
    assert len(first) >= 64
    assert kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["key"]


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for number in range(100):
            assert len(set(pool.map(kept_secret, [tmp_path / str(number)] * 8))) == 1


def test_an_empty_key_is_made_anew_and_one_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o644)
    key = kept_secret(path)
    assert len(key) >= 64
    path.chmod(0o644)
    assert (kept_secret(path), stat.S_IMODE(path.stat().st_mode)) == (key, 0o600)


def test_a_key_that_cannot_be_kept_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="the setting SECRET_KEY is wrong"):
        kept_secret(tmp_path / "no such folder" / "key")


def test_with_https_the_deployment_check_is_clean() -> None:
    command = [sys.executable, str(PROJECT / "manage.py"), "check", "--deploy", "--fail-level", "WARNING"]
    settings = clean_environment(HTTPS="True", SECRET_KEY="only-for-this-check-0123456789-abcdefghijklmnopqrstuvw-XYZ")
    done = subprocess.run(command, env=settings, capture_output=True, text=True, cwd=PROJECT)
    assert (done.returncode, done.stderr) == (0, "")
