"""What a Markdown document holds: its sections, fenced blocks and tables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def read(name: str) -> str:
    """A document of the project."""
    return (ROOT / name).read_text()


def section(text: str, heading: str) -> str:
    """What stands below a heading (`## Error codes`), down to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    outside_of_fences = re.sub(
        r"^```.*?^```$", lambda fence: re.sub(r"(?m)^#", "\0", fence[0]), text, flags=re.M | re.S
    )
    match = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{level}}} |\Z)", outside_of_fences, re.M | re.S)
    assert match, f"there is no section {heading}"
    return match[1].replace("\0", "#")


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks in these languages."""
    return re.findall(rf"^```(?:{'|'.join(languages)})\n(.*?)^```$", text, re.M | re.S)


def first_column(text: str) -> list[str]:
    """The first cell of every row of the tables in there, without header and code marks."""
    rows = re.findall(r"^\|\s*([^|]*?)\s*\|", text, re.M)
    return [
        cell.strip("`") for cell, rule in zip(rows, [*rows[1:], ""], strict=True) if not _rule(cell) and not _rule(rule)
    ]


def _rule(cell: str) -> bool:
    return bool(re.fullmatch(r":?-+:?", cell))
