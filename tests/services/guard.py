"""Ends this run's processes and takes its folders away when the test run is over, however it ended.

A small process of its own reads from a pipe what there is to clean; the pipe ends with the run, by a kill too.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

# Memory where there is any: the tests commit a great deal, and the disk would be most of what they wait for.
ROOT = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir())


@cache
def _guard() -> subprocess.Popen[str]:
    # In a session of its own, so that Ctrl-C in the terminal does not end it before the others.
    guard = subprocess.Popen(
        [sys.executable, "-SP", __file__], stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
    )
    atexit.register(_finish, guard)
    return guard


def _finish(guard: subprocess.Popen[str]) -> None:
    guard.communicate()


def _tell(*words: object) -> None:
    pipe = _guard().stdin
    assert pipe is not None
    pipe.write(" ".join(map(str, words)) + "\n")


def kill_at_the_end(group: int) -> None:
    """Have the process group killed when the run is over."""
    _tell("group", group)


def ended(group: int) -> None:
    """The process group is gone: its number may be somebody else's by the end of the run."""
    _tell("ended", group)


def temporary_folder(name: str, *, root: Path = ROOT) -> Path:
    """A new folder that is taken away when the run is over."""
    path = Path(tempfile.mkdtemp(prefix=f"chat-tests-{name}-", dir=root))
    _tell("folder", path)
    return path


def _main() -> None:
    groups: set[int] = set()
    folders: list[str] = []
    for line in sys.stdin:
        word, value = line.rstrip("\n").split(" ", 1)
        if word == "group":
            groups.add(int(value))
        elif word == "ended":
            groups.discard(int(value))
        else:
            folders.append(value)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for folder in folders:
        for _ in range(20):  # what was killed may still be writing
            shutil.rmtree(folder, ignore_errors=True)
            if not os.path.exists(folder):
                break


if __name__ == "__main__":
    _main()
