"""`make audit`, with a `pip_audit` that says what the test has it say."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.services.environment import clean_environment
from tests.services.server import PROJECT

SAFE = {"name": "safe", "version": "1.0", "vulns": []}
BAD = {"name": "bad", "version": "2.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("pypi", "osv", "code", "said"),
    [
        ([SAFE], None, 0, "1 packages, no known vulnerability"),
        ([SAFE, BAD], None, 1, "bad 2.0: PYSEC-1, mended in 2.1"),
        ([SAFE, UNKNOWN], [SAFE], 0, "1 packages, no known vulnerability"),
        ([UNKNOWN], [BAD], 1, "bad 2.0: PYSEC-1, mended in 2.1"),
        ([UNKNOWN], None, 2, "NOT AUDITED: pypi and osv do not tell of advisories here."),
        (None, None, 2, "NOT AUDITED"),
    ],
)
def test_it_says_what_is_known_and_whether_anybody_could_be_asked(
    tmp_path: Path, pypi: Any, osv: Any, code: int, said: str
) -> None:
    answers = {
        service: json.dumps({"dependencies": known}) for service, known in (("pypi", pypi), ("osv", osv)) if known
    }
    asked = "sys.argv[sys.argv.index('--vulnerability-service') + 1]"
    (tmp_path / "pip_audit.py").write_text(f"import sys\nprint({answers!r}.get({asked}, ''))")
    environment = {**clean_environment(), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(PROJECT / "scripts" / "audit_requirements")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done
    assert said in done.stdout
