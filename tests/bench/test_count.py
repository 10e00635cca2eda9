"""What the load client's numbers rest on."""

import pytest

from bench.load import Count, frame
from bench.measure import Measurement
from bench.report import at_the_speed_of_the_targets, table
from bench.results import Figure, Row, Target

STREAM = b'\x81\x10{"type":"ack"}\x81\x10{"type":"ack"}\x81\x11{"type":"pong"}\x81\x10{"type":"ack"}'


@pytest.mark.parametrize("size", range(1, len(STREAM) + 1))
def test_a_piece_is_counted_once_whatever_chunks_it_comes_in(size):
    count = Count(b'{"type":"ack"}')
    chunks = [STREAM[begin : begin + size] for begin in range(0, len(STREAM), size)]
    assert sum(count.new(chunk) for chunk in chunks) == 3


@pytest.mark.parametrize(("size", "head"), [(5, 2 + 4), (125, 2 + 4), (126, 4 + 4), (4000, 4 + 4)])
def test_a_frame_holds_its_payload_as_it_is(size, head):
    payload = b"x" * size
    assert frame(payload)[head:] == payload


def measurement(micros: float) -> Measurement:
    cpu = {"server": micros, "database": 0.0, "redis": 0.0}
    return Measurement(units=1_000_000, seconds=10, cpu=cpu, client=1.0)


def test_the_run_in_the_middle_is_shown():
    row = Row("pairs", "pairs", "message", "ours", [measurement(each) for each in (9, 1, 3)], Target(5))
    assert row.middle.micros() == 3
    assert row.reached


def test_a_target_of_speed_counts_too():
    assert not Row("pairs", "pairs", "message", "ours", [measurement(3)], Target(5, rate=200_000)).reached


def test_what_a_slow_machine_takes_longer_for_is_told_at_the_speed_of_the_targets():
    ours = Row("pairs", "pairs, 200 users", "message", "ours", [measurement(8)], Target(5))
    alike = Row("pairs", "pairs, 200 users", "message", "socket.io", [measurement(12)], there=6)
    other = Row("history", "newest 50", "request", "socket.io", [measurement(9)], there=1)
    figures = [Figure("idle", "CPU", 11, "%", 3, is_time=True), Figure("idle", "memory", 31, "KB", 30)]
    _, row, figure = at_the_speed_of_the_targets([ours, alike, other, *figures]).splitlines()
    assert row.endswith(" yes")
    assert "8.00 ÷ 2.00 = 4.00 µs a message" in row
    assert figure.split() == ["CPU", "11.0", "÷", "5.50", "=", "2.00", "%", "≤", "3", "yes"]
    assert at_the_speed_of_the_targets([ours, *figures]) == ""


def test_the_table_says_how_others_do():
    ours = Row("pairs", "pairs, 200 users", "message", "ours", [measurement(3)], Target(5, 100_000))
    naive = Row("pairs", "pairs, 200 users", "message", "naive", [measurement(12)])
    shown = table([ours, naive, Figure("idle", "memory", 31, "KB", 30)]).splitlines()
    assert "≤ 5, ≥ 100k/s  yes" in shown[2]
    assert "ours: 0.25 ×" in shown[3]
    assert shown[5].endswith("NO")
    assert max(map(len, shown)) <= 110
