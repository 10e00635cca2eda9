"""A name within a longer string cannot change the order of what is around it."""

import pytest

from chat_server.bidi import isolated


@pytest.mark.parametrize("text", ["", "The group", "a | b"])
def test_plain_letters_need_nothing(text: str) -> None:
    assert isolated(text) == text


@pytest.mark.parametrize("text", ["Zoë", "\u05d0\u05d1", "a\u200fb", "😀"])
def test_anything_else_is_put_into_an_isolate(text: str) -> None:
    assert isolated(text) == f"\u2068{text}\u2069"


@pytest.mark.parametrize("control", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
def test_no_direction_of_its_own_is_left_open_or_closes_the_isolate(control: str) -> None:
    assert isolated(f"{control}é{control}{control}") == "\u2068é\u2069"


@pytest.mark.parametrize("end", [*"\n\r\x1c\x1d\x1e\x85\u2029"])
def test_no_end_of_a_paragraph_ends_the_isolate(end: str) -> None:
    assert isolated(f"é{end}b") == "\u2068é b\u2069"
