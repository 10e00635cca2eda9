"""A conversation of 10,000 messages: scrolled through without a hole, with only what is near the view in the page."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from .person import Person

Join = Callable[..., Person]

COUNT = 10_000
MOST_ROWS = 80
BACK = 2_000  # messages on the way back
SAY = """
    WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
    INSERT INTO chat_message
        (conversation_id, seq, version, type, sender_id, content, client_digest, created_at)
    SELECT conversation.id, last_seq + n, version + n, 'text', :sender,
        'number ' || n || substr(' and some more words to make it a long one, over several lines.', 1, (n * 37) % 300),
        '', datetime('now', (n - :count) || ' minutes')
    FROM chat_conversation AS conversation, numbers WHERE conversation.id = :id
"""
COUNTED = "UPDATE chat_conversation SET last_seq = last_seq + :count, version = version + :count WHERE id = :id"

# At each frame: how many rows there are, whether their messages follow each other, and whether they cover the view.
WATCH = """() => {
  const seen = { rows: 0, holes: [], blanks: [], frames: 0, first: Infinity, last: 0 };
  const scroller = document.querySelector("#scroller");
  const look = () => {
    const rows = [...scroller.querySelectorAll("ol > li")];
    const seqs = rows.map((row) => row.firstElementChild.dataset.seq).filter(Boolean).map(Number);
    const isBroken = seqs.some((seq, index) => index > 0 && seq !== seqs[index - 1] + 1);
    const view = scroller.getBoundingClientRect();
    const [top, bottom] = [rows[0]?.getBoundingClientRect().top, rows.at(-1)?.getBoundingClientRect().bottom];
    const isBlank = rows.length === 0 || (top > view.top + 20 && scroller.scrollTop > 20)
      || (bottom < view.bottom - 20 && scroller.scrollTop + scroller.clientHeight < scroller.scrollHeight - 20);
    if (isBroken) seen.holes.push(seqs.join());
    if (isBlank) seen.blanks.push([scroller.scrollTop, top - view.top, bottom - view.bottom, view.height].join());
    seen.rows = Math.max(seen.rows, rows.length);
    seen.first = Math.min(seen.first, ...seqs);
    seen.last = Math.max(seen.last, ...seqs);
    seen.frames += 1;
    requestAnimationFrame(look);
  };
  globalThis.seen = seen;
  requestAnimationFrame(look);
}"""


@pytest.fixture
def reader(join: Join) -> Person:
    """Somebody at the end of a very long conversation of their own."""
    alice = join("long-alice")
    alice.make_group("Long")
    alice.execute(SAY, count=COUNT, sender=alice.id, id=alice.conversation)
    alice.execute(COUNTED, count=COUNT, id=alice.conversation)
    alice.call("POST", f"chat/conversations/{alice.conversation}/mark-read/")
    alice.page.reload()
    expect(alice.message(f"number {COUNT}")).to_be_in_viewport()
    return alice


def wheel_until(person: Person, pixels: int, condition: str) -> None:
    """Turn the wheel, as fast as the page follows, until that is so."""
    person.page.get_by_test_id("messages").hover()
    for _ in range(3_000):
        person.page.mouse.wheel(0, pixels)
        if person.page.evaluate(f"new Promise(requestAnimationFrame).then(() => {condition})"):
            return
    raise AssertionError(f"{condition} never became true")


def test_the_wheel_goes_to_the_very_first_message_and_a_click_back_to_the_newest(reader: Person) -> None:
    reader.page.evaluate(WATCH)
    wheel_until(reader, -2_500, "seen.first === 1 && document.querySelector('#scroller').scrollTop === 0")
    expect(reader.system_messages).to_be_in_viewport()
    reader.page.evaluate("seen.last = 0")
    wheel_until(reader, 2_500, f"seen.last > {BACK}")
    reader.page.get_by_role("button", name="Jump to newest").click()
    expect(reader.message(f"number {COUNT}")).to_be_in_viewport()
    seen: dict[str, Any] = reader.page.evaluate("seen")
    assert seen["holes"] == []
    assert seen["blanks"] == []
    assert 0 < seen["rows"] < MOST_ROWS
    assert seen["frames"] > 200
