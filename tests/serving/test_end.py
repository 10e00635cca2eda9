"""How a worker starts and ends."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from .conftest import Program, read_all, until
from .test_limits import close_code, open_socket

Start = Callable[..., Program]


def test_the_loop_is_uvloops(program: Program) -> None:
    assert program.get()["loop"] == "uvloop"


def test_the_answers_do_not_name_the_server(program: Program) -> None:
    assert "server" not in httpx.get(program.url, trust_env=False).headers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_closes_sockets_with_4503_after_their_last_frames(start: Start, number: int) -> None:
    program = start()
    with open_socket(program) as one, open_socket(program, "/ws/slow") as other:
        for text in "abc":
            other.send(text)
        with ThreadPoolExecutor() as pool:
            code, received = pool.submit(close_code, one), pool.submit(lambda: [other.recv(5) for _ in "abc"])
            time.sleep(0.05)
            assert program.end(number)[0] == 0
            assert (code.result(), received.result(), close_code(other)) == (4503, ["a", "b", "c"], 4503)
    assert "hook ran" in program.log
    assert "Traceback" not in program.log


def test_a_consumer_that_does_not_close_is_closed_with_4503(start: Start) -> None:
    program = start(sockets_close_by=1)
    with open_socket(program, "/ws/deaf") as connection, ThreadPoolExecutor() as pool:
        code = pool.submit(close_code, connection)
        exit_code, seconds = program.end()
        assert (exit_code, code.result()) == (0, 4503)
        assert 1 < seconds < 3


def test_a_client_that_answers_nothing_does_not_keep_the_process(start: Start) -> None:
    program = start(close_seconds=1)
    with open_socket(program) as connection:
        connection.socket.sendall(b"\x81\x85\0\0")  # half a frame
        exit_code, seconds = program.end()
        assert (exit_code, seconds < 4) == (0, True)


def test_a_request_under_way_is_answered_before_the_end(start: Start) -> None:
    program = start()
    with program.connect() as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.1)
        program.process.send_signal(signal.SIGTERM)
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nConnection: close\r\n" in received
    assert received.endswith(b"0\r\n\r\n")
    assert program.process.wait(5) == 0


def test_a_request_on_a_kept_alive_connection_is_answered_while_the_server_ends(start: Start) -> None:
    program = start()
    with open_socket(program, "/ws/deaf"), program.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")  # half of it
        time.sleep(0.1)
        program.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        connection.sendall(b"cd")
        assert b'"body": 4' in read_all(connection)


def test_idle_connections_and_the_port_are_gone_at_once(start: Start) -> None:
    program = start()
    with program.connect() as idle, open_socket(program, "/ws/deaf"):
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        program.process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        read_all(idle)
        assert time.monotonic() - begun < 1
        with pytest.raises(ConnectionRefusedError):
            program.connect()
        assert program.process.poll() is None


def test_a_handshake_under_way_is_refused(start: Start) -> None:
    program = start(sockets_close_by=0.5, requests_end_by=1)

    def connect() -> int:
        with pytest.raises(InvalidStatus) as refused, open_socket(program, "/ws/handshake"):
            pass
        return refused.value.response.status_code

    with ThreadPoolExecutor() as pool:
        status = pool.submit(connect)
        time.sleep(0.3)
        exit_code, seconds = program.end()
    assert (status.result(), exit_code) == (503, 0)
    assert seconds < 3


def test_a_request_that_hangs_in_a_thread_does_not_keep_the_process(start: Start) -> None:
    program = start(sockets_close_by=0.5, requests_end_by=1, exit_by=2)
    with program.connect() as connection:
        connection.sendall(b"GET /hung HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.2)
        exit_code, seconds = program.end()
    assert (exit_code, seconds < 3) == (0, True)


def test_a_second_sigterm_ends_at_once(start: Start) -> None:
    program = start()
    with open_socket(program, "/ws/deaf"):
        program.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert program.process.poll() is None
        exit_code, seconds = program.end()
        assert (exit_code, seconds < 1) == (-signal.SIGTERM, True)


def test_a_client_that_was_refused_does_not_hold_up_the_end(start: Start) -> None:
    program = start()
    with program.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        exit_code, seconds = program.end()
    assert (exit_code, seconds < 1.5) == (0, True)


def test_an_idle_server_ends_within_a_second(start: Start) -> None:
    exit_code, seconds = start().end()
    assert (exit_code, seconds < 1) == (0, True)


# Workers ----------------------------------------------------------------------------------------


def children(program: Program) -> list[int]:
    pid = program.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_workers_share_the_port(start: Start) -> None:
    program = start(workers=2)
    assert "(2 workers)" in program.first_line
    with ThreadPoolExecutor(16) as pool:
        until(lambda: {answer["pid"] for answer in pool.map(program.get, ["/"] * 64)} == set(children(program)))


def test_a_worker_that_died_is_replaced(start: Start) -> None:
    program = start(workers=2)
    before = set(children(program))
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(set(children(program)) - {victim}) == 2)
    assert before - {victim} < set(children(program))
    assert program.get()
    assert program.end()[0] == 0


def test_sigterm_reaches_every_worker(start: Start) -> None:
    program = start(workers=2)
    workers = children(program)
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(program)) for _ in range(8)]
        pool = stack.enter_context(ThreadPoolExecutor(8))
        codes = [pool.submit(close_code, connection) for connection in sockets]
        exit_code, seconds = program.end()
        assert [code.result() for code in codes] == [4503] * 8
    assert (exit_code, seconds < 3) == (0, True)
    assert not any(map(alive, workers))


def test_workers_end_with_a_supervisor_that_was_killed(start: Start) -> None:
    program = start(workers=2)
    workers = children(program)
    with open_socket(program) as connection:
        program.process.kill()
        assert close_code(connection) == 4503
    until(lambda: not any(map(alive, workers)), 5)


def test_workers_that_die_at_their_start_are_given_up(start: Start) -> None:
    with closing(Program("--workers", "2", "--fail")) as program:
        assert program.process.wait(20) == 1
        # A worker that was just about to die of itself may still say something about its end.
        assert "The last 5 workers died at their start: giving up" in program.log.splitlines()


def test_a_second_sigterm_kills_the_workers(start: Start) -> None:
    program = start(workers=2)
    workers = children(program)
    with open_socket(program, "/ws/deaf"):
        program.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        exit_code, seconds = program.end()
    assert (exit_code, seconds < 1) == (1, True)
    assert not any(map(alive, workers))
