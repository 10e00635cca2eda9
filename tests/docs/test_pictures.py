"""The pictures that the documentation shows are there, and light enough to be looked at."""

import re

import pytest

from tests.services.server import PROJECT

MOST_BYTES = 160_000
SHOWN = sorted(
    {
        (page.parent / picture).resolve().relative_to(PROJECT)
        for page in [PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")]
        for picture in re.findall(r"!\[[^]]+\]\(([^):]+)\)", page.read_text())
    }
)


def test_pictures_of_the_page_are_shown() -> None:
    names = {path.name for path in SHOWN}
    assert {"page-chat.png", "page-chat-dark.png", "page-phone.png", "page-group.png"} <= names


@pytest.mark.parametrize("path", SHOWN, ids=str)
def test_a_picture_that_is_shown_is_there_and_light(path: object) -> None:
    assert 1_000 < (PROJECT / str(path)).stat().st_size < (MOST_BYTES if str(path).endswith(".png") else 3_000_000)


def test_no_picture_of_the_page_is_shown_nowhere() -> None:
    shown = {path.name for path in SHOWN}
    taken = {path.name for path in PROJECT.glob("docs/images/page*.png")}
    assert taken - shown == set()
