"""A network between the clients and a server that can be cut: everything dropped, silent, or late."""

import asyncio

from tests.services.service import free_port

CHUNK = 64 * 1024


class Proxy:
    """Forwards TCP from a port of its own to the server's, on the running event loop."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self.delay = 0.0  # seconds that each chunk is kept, in its order
        self.flows = asyncio.Event()  # cleared: connections stay open and nothing comes through
        self.flows.set()
        self.server: asyncio.Server | None = None
        self.pairs: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Close the port and every connection."""
        assert self.server is not None
        self.server.close()
        await asyncio.sleep(0)  # who was just let in is among them
        await self.drop()

    async def drop(self) -> None:
        """Reset every connection that is open now, with what is on its way."""
        pairs = list(self.pairs)
        for pair in pairs:
            pair.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.pairs.add(task)
        task.add_done_callback(self.pairs.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # a task cancelled at once never begins

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        ways: list[asyncio.Task[None]] = []
        try:
            back, there = await asyncio.open_connection("127.0.0.1", self.target)
            ways = [asyncio.ensure_future(self._pump(reader, there)), asyncio.ensure_future(self._pump(back, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)  # a reset of one end resets the other
        except OSError:
            pass  # nobody listens there: the client sees its connection end
        finally:
            for way in ways:
                way.cancel()
            for end in (writer, there):
                if end is not None:
                    end.transport.abort()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            await self.flows.wait()
            writer.write(chunk)
            await writer.drain()
        await self.flows.wait()
        writer.write_eof()
