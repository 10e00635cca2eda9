"""What is found wrong with a stream of frames, on streams made by hand."""

from typing import Any

import pytest

from chat.management.conformance.listener import compare

CONVERSATION = 7


def message(seq: int, version: int, content: str = "Hello", conversation: int = CONVERSATION) -> dict[str, Any]:
    """A message, as both doors show it."""
    fields = {"type": "text", "client_id": None, "is_edited": version > seq, "is_deleted": False, "sender": {"id": 1}}
    return {"id": seq, "conversation": conversation, "seq": seq, "version": version, "content": content, **fields}


def frame(*numbers: Any, **fields: Any) -> dict[str, Any]:
    """The frame of such a message."""
    return {"version": numbers[1], "message": message(*numbers, **fields)}


STORED = [message(1, 1), message(3, 3), message(2, 4, "Changed"), message(4, 5)]  # 2 was edited after 3 came
ONE, TWO, THREE, CHANGED, FIVE = (
    frame(1, 1),
    frame(2, 2),
    frame(3, 3),
    frame(2, 4, "Changed"),
    frame(4, 5),
)


@pytest.mark.parametrize("left_out", [[], [TWO]])
def test_a_version_that_was_overtaken_may_be_left_out(left_out: list[Any]) -> None:
    frames = [each for each in (ONE, TWO, THREE, CHANGED, FIVE) if each not in left_out]
    assert compare(frames, STORED, conversation=CONVERSATION, since=0).lines("x") == []


@pytest.mark.parametrize(
    ("frames", "kind", "versions"),
    [
        ([ONE, THREE, CHANGED], "missing", [5]),
        ([ONE, CHANGED, FIVE], "missing", [3]),
        ([ONE, THREE, THREE, CHANGED, FIVE], "doubled", [3]),
        ([ONE, CHANGED, THREE, FIVE], "disordered", [3]),
        ([ONE, THREE, frame(2, 4, "Hello"), FIVE], "differing", [4]),
        ([ONE, THREE, CHANGED, FIVE, frame(9, 9, conversation=8)], "foreign", [9]),
    ],
)
def test_what_is_wrong_is_named(frames: list[Any], kind: str, versions: list[int]) -> None:
    found = compare(frames, STORED, conversation=CONVERSATION, since=0)
    assert getattr(found, kind) == versions
    [line] = found.lines("a socket")
    assert line.startswith(f"a socket: version {versions[0]} was ")


def test_what_was_there_before_is_not_missing_but_an_overlap() -> None:
    assert compare([CHANGED, FIVE], STORED, conversation=CONVERSATION, since=3).lines("x") == []
    assert compare([THREE, CHANGED, FIVE], STORED, conversation=CONVERSATION, since=3).disordered == [3]
