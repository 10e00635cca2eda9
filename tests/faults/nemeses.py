"""What is done to the cluster, one thing after another; each heals what it broke before it returns."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import psycopg

from .history import FOREVER, Connection, Fault
from .people import Seat
from .talk import Talk

LETTER = "\N{GRINNING FACE}"  # four bytes
MOST_OWED = 16 * 1024 * 1024  # bytes that a reader which stops may be owed, the kernel's buffers included
ENOUGH_OWED = 1700 * 1024  # that is: for the server to say so, and then to drop who does not even take that
DROPS = 4.0
WAVE = 12  # messages that are sent at once
MOST_GROWN = 48 * 1024 * 1024
EXITS = 10.0
ESTABLISHED = "01"  # in /proc/net/tcp


class Nemeses:
    """`await nemeses.all[name]()` does it and undoes it; `short` pauses for less long."""

    def __init__(self, talk: Talk, *, short: bool) -> None:
        self.talk, self.cluster, self.history = talk, talk.cluster, talk.history
        self.rng = random.Random(f"{talk.seed} nemeses")
        self.short = short
        self.all: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "SIGKILL of a server": self.kill_a_server,
            "a network that drops": self.drop,
            "Redis restarted": self.restart_redis,
            "a row held locked": self.hold_a_row,
            "rolling SIGTERM": self.roll,
            "Redis paused": self.pause_redis,
            "a network gone silent": self.go_silent,
            "PostgreSQL restarted at once": self.crash_postgres,
            "Redis flushed": self.flush_redis,
            "a reader that stops": self.stop_reading,
            "PostgreSQL paused": self.pause_postgres,
            "Redis kills its subscribers": self.kill_subscribers,
            "a slow network": self.be_slow,
        }

    def _heal(self, fault: Fault) -> None:
        fault.healed = self.history.now()

    # Servers -----------------------------------------------------------------------------------

    async def kill_a_server(self) -> None:
        # In the short run not the one where the two are at home who are seen to go at the end.
        number = 1 if self.short else self.rng.randrange(len(self.cluster.servers))
        server = self.cluster.servers[number]
        fault = self.history.fault("kill", "SIGKILL of a server", server=number)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.3 if self.short else self.rng.uniform(0.5, 4))
        await asyncio.to_thread(server.start)
        self._heal(fault)

    async def roll(self) -> None:
        """One server after the other, each only when the one before serves again."""
        for number, server in enumerate(self.cluster.servers):
            fault = self.history.fault("restart", "rolling SIGTERM", server=number)
            code = await asyncio.to_thread(server.stop, 30)
            took = self.history.now() - fault.begun
            if code != 0 or took > EXITS + self.history.lag(fault.begun, self.history.now()):
                self.history.notes.append(f"server {number} ended with {code} after {took:.1f} s of SIGTERM")
            await asyncio.to_thread(server.start)
            self._heal(fault)

    # Redis -------------------------------------------------------------------------------------

    async def restart_redis(self) -> None:
        fault = self.history.fault("redis", "Redis restarted")
        await asyncio.to_thread(self.cluster.redis.stop)
        await asyncio.sleep(0.7 if self.short else self.rng.uniform(0.5, 6))
        await asyncio.to_thread(self.cluster.redis.start)
        self._heal(fault)

    async def pause_redis(self) -> None:
        fault = self.history.fault("redis", "Redis paused")
        self.cluster.redis.pause()
        await asyncio.sleep(2.5 if self.short else 8)
        self.cluster.redis.resume()
        self._heal(fault)

    async def flush_redis(self) -> None:
        fault = self.history.fault("redis", "Redis flushed")
        await asyncio.to_thread(self.cluster.redis.flush)
        self._heal(fault)

    async def kill_subscribers(self) -> None:
        fault = self.history.fault("redis", "Redis kills its subscribers")
        for _ in range(1 if self.short else self.rng.randrange(1, 6)):
            await asyncio.to_thread(self.cluster.redis.ask, "CLIENT KILL TYPE pubsub")
            await asyncio.sleep(0.2)
        self._heal(fault)

    # PostgreSQL --------------------------------------------------------------------------------

    async def crash_postgres(self) -> None:
        fault = self.history.fault("postgres", "PostgreSQL restarted at once")
        await asyncio.to_thread(self.cluster.postgres.restart_immediately)
        self._heal(fault)

    async def pause_postgres(self) -> None:
        fault = self.history.fault("postgres", "PostgreSQL paused")
        self.cluster.postgres.pause()
        await asyncio.sleep(2 if self.short else 3)
        self.cluster.postgres.resume()
        self._heal(fault)

    async def hold_a_row(self) -> None:
        """Somebody else's transaction holds the lock of one conversation; the others do not notice."""
        room = self.rng.choice(self.talk.rooms)
        async with await psycopg.AsyncConnection.connect(self.cluster.database) as database:
            await database.execute("SELECT 1 FROM chat_conversation WHERE id = %s FOR UPDATE", [room.id])
            fault = self.history.fault("row", "a row held locked", conversation=room.id)
            await asyncio.sleep(2.5 if self.short else 5)
            await database.rollback()
        self._heal(fault)

    # Clients -----------------------------------------------------------------------------------

    async def stop_reading(self) -> None:
        """One socket is not read while much is said there, until the server lets go of it; then it resumes."""
        seats = [seat for seat in self.talk.seats() if seat.small and seat.is_open]
        if not seats:
            return
        seat = self.rng.choice(seats)
        room, record = seat.room, seat.record
        assert record is not None
        async with room.changing:  # nobody comes or goes meanwhile
            if seat.person.id not in room.inside or not seat.is_open or seat.record is not record:
                return
            speakers = [each for each in (room.admin, *room.pool) if each is not seat.person and each.id in room.inside]
            before = {sample.server: sample.memory for sample in self.cluster.sample("during")}
            fault = seat.stall()
            owed = 0
            while owed < MOST_OWED and self.history.now() < fault.begun + 25 and self._is_kept(seat):
                wave = [self.rng.choice(speakers) for _ in range(WAVE)]
                await asyncio.gather(*(self.talk.send(each, room, LETTER * 4000) for each in wave))
                owed += 4 * 4000 * WAVE
                dropped_by = self.history.now() + DROPS if owed >= ENOUGH_OWED else 0
                while self._is_kept(seat) and self.history.now() < dropped_by:
                    await asyncio.sleep(0.05)
            grown = max(each.memory - before[each.server] for each in self.cluster.sample("during"))
            if self._is_kept(seat) or grown > MOST_GROWN:
                self.history.notes.append(f"a reader that stopped was owed {owed} bytes; memory grew by {grown}")
                seat.reads.set()
            else:
                seat.reads.set()
                await self._closes(seat, record)
            self._heal(fault)

    async def _closes(self, seat: Seat, record: Connection) -> None:
        """The seat reads what is left, and then sees why it was let go of."""
        deadline = self.history.now() + 20
        while record.closed == FOREVER and self.history.now() < deadline:
            await asyncio.sleep(0.05)
        if record.closed == FOREVER or record.code not in (4408, None):
            self.history.notes.append(f"a reader that stopped was closed with {record.code}")

    def _is_kept(self, seat: Seat) -> bool:
        """Whether the server's end of the socket is open: a client that does not read cannot see it itself."""
        if seat.connection is None:
            return False
        here = seat.connection.transport.get_extra_info("sockname")[1]
        ends = f":{self.cluster.servers[seat.record.server if seat.record else 0].port:04X}", f":{here:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, state, *_ = line.split()
            if (local[8:], remote[8:]) == ends:
                return state == ESTABLISHED
        return False

    def _fault_of_network(self, name: str) -> Fault:
        return self.history.fault("proxy", name)

    async def drop(self) -> None:
        fault = self._fault_of_network("a network that drops")
        for _ in range(1 if self.short else self.rng.randrange(1, 5)):
            await asyncio.gather(*(proxy.drop() for proxy in self.cluster.proxies))
            await asyncio.sleep(0.2)
        self._heal(fault)

    async def go_silent(self) -> None:
        """Connections stay open and carry nothing; in the end they are gone."""
        fault = self._fault_of_network("a network gone silent")
        for proxy in self.cluster.proxies:
            proxy.flows.clear()
        await asyncio.sleep(1.5 if self.short else self.rng.uniform(3, 12))
        await asyncio.gather(*(proxy.drop() for proxy in self.cluster.proxies))
        for proxy in self.cluster.proxies:
            proxy.flows.set()
        self._heal(fault)

    async def be_slow(self) -> None:
        fault = self._fault_of_network("a slow network")
        for proxy in self.cluster.proxies:
            proxy.delay = self.rng.uniform(0.1, 0.5)
        await asyncio.sleep(1.5 if self.short else 5)
        for proxy in self.cluster.proxies:
            proxy.delay = 0.0
        await asyncio.sleep(0.6)  # what was on its way
        self._heal(fault)
