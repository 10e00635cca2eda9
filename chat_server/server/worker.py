"""One worker: Daphne's server on an inherited socket, and its tidy end.

SIGTERM   stop listening; consumers get `websocket.shutdown` and close with 4503; handshakes are refused
0.2 s     idle connections are closed; requests under way go on, each the last of its connection
5 s       sockets that are still open are closed with 4503
6.5 s     whatever is left is cut off; `on_shutdown` has 2 s
9 s       the process exits, even where a thread hangs
"""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from daphne import server as daphne
from daphne.ws_protocol import WebSocketFactory
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    STDLibLogObserver,
    globalLogBeginner,
)

from chat_server.close_codes import CloseCode

from . import on_shutdown
from .http import Factory
from .limits import Limits
from .listening import announce, listen
from .start import ENDING_SIGNALS, Application
from .websocket import Socket

logger = logging.getLogger(__name__)
IDLE_GRACE_SECONDS = 0.2
QUIET_POLL_SECONDS = 0.05
CANCEL_SECONDS = 0.5


class Server(daphne.Server):
    """Serves until it is told to end."""

    def __init__(
        self, application: Application, listening: socket.socket, limits: Limits, control: socket.socket | None
    ) -> None:
        super().__init__(
            application,
            endpoints=["inherited"],  # Daphne wants one; the socket is adopted in run()
            websocket_timeout=-1,
            websocket_connect_timeout=2 * limits.handshake_seconds,  # a reject says 403; the drop before it does not
            websocket_handshake_timeout=limits.handshake_seconds,
            ping_interval=20,
            ping_timeout=30,
            server_name="",
        )
        self.listening, self.limits, self.control = listening, limits, control
        self.stopping = False
        self.bodies_bytes = 0
        self.connections: dict[Any, dict[str, Any]] = {}

    def run(self) -> None:
        """Serve; returns when the end is over."""
        self.http_factory = Factory(self)
        self.ws_factory = WebSocketFactory(self, server=self.server_name)
        self.ws_factory.protocol = Socket
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=self.websocket_handshake_timeout,
            closeHandshakeTimeout=self.limits.close_seconds,
        )
        errors = FilteringLogObserver(STDLibLogObserver("twisted"), [LogLevelFilterPredicate(LogLevel.error)])
        globalLogBeginner.beginLoggingTo([errors], redirectStandardIO=False, discardBuffer=True)

        asyncio.set_event_loop(daphne.twisted_loop)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        reactor.addSystemEventTrigger("before", "shutdown", self.kill_all_applications)
        self.listening.setblocking(False)
        listen(self.listening)
        self.port = reactor.adoptStreamPort(self.listening.fileno(), self.listening.family, self.http_factory)
        # From here to the handlers in ready() a signal waits: an exception would be lost in the reactor's start.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
        reactor.callLater(0, self.ready)
        reactor.run(installSignalHandlers=False)

    def ready(self) -> None:
        loop = asyncio.get_running_loop()
        for ending in ENDING_SIGNALS:  # first: whatever fails below, the process can be ended
            loop.add_signal_handler(ending, self.end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        if self.control is None:
            announce(self.listening, workers=1)
        else:
            self.control.setblocking(False)
            with suppress(OSError):  # the supervisor is gone already
                self.control.send(b".")
            loop.add_reader(self.control, self.end)  # nothing is ever sent: its supervisor is gone
        self.listening.close()  # the port has its own

    # Daphne's, mended ---------------------------------------------------------------------------

    def protocol_disconnected(self, protocol: Any) -> None:
        if protocol in self.connections:  # a rejected socket may have been reaped already
            super().protocol_disconnected(protocol)

    def application_checker(self) -> None:
        """Every second; Daphne's looks at each connection at length, and with almost all there is nothing to do."""
        everyone = self.connections
        self.connections = some = {protocol: everyone[protocol] for protocol in everyone if self.has_ended(protocol)}
        try:
            looked_at = list(some)
            super().application_checker()
        finally:
            self.connections = everyone
        for protocol in looked_at:
            if protocol not in some:
                everyone.pop(protocol, None)

    def timeout_checker(self) -> None:
        """Every two seconds; Daphne's asks each connection, and only some have something to do."""
        heard_since = time.time() - self.ping_interval
        for protocol in list(self.connections):
            if getattr(protocol, "last_ping", 0) < heard_since or protocol.state != protocol.STATE_OPEN:
                protocol.check_timeouts()
        reactor.callLater(2, self.timeout_checker)

    def has_ended(self, protocol: Any) -> bool:
        """Whether the client has gone or the application is done."""
        details = self.connections[protocol]
        instance = details.get("application_instance")
        return instance is None or instance.done() or details.get("disconnected") is not None

    def kill_all_applications(self) -> Deferred[None]:
        """Cancel what still runs, and wait at most 0.5 s for it."""
        return Deferred.fromFuture(asyncio.ensure_future(self.cancel_running()))

    async def cancel_running(self) -> None:
        running = self.running()
        for instance in running:
            instance.cancel()
        if running:
            await asyncio.wait(running, timeout=CANCEL_SECONDS)

    def running(self) -> list["asyncio.Task[Any]"]:
        instances = (details.get("application_instance") for details in self.connections.values())
        return [instance for instance in instances if instance is not None and not instance.done()]

    # The end ------------------------------------------------------------------------------------

    def end(self) -> None:
        """Begin to end, once; where no supervisor does it, a second signal from now on kills."""
        if self.stopping:
            return
        self.stopping = True
        if self.control is not None:
            asyncio.get_running_loop().remove_reader(self.control)
        else:
            for ending in ENDING_SIGNALS:
                signal.signal(ending, signal.SIG_DFL)
        watchdog = threading.Timer(self.limits.exit_by, self.give_up)
        watchdog.daemon = True
        watchdog.start()
        self.ending = asyncio.ensure_future(self.shut_down())

    def give_up(self) -> None:
        logger.warning("something did not end within %s s: exit", self.limits.exit_by)
        logging.shutdown()
        os._exit(0)

    async def shut_down(self) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            self.port.stopListening()
            for ws in self.sockets():
                ws.restart()
            await asyncio.sleep(IDLE_GRACE_SECONDS)  # what was sent before the client could know is still answered
            for channel in list(self.http_factory.channels):
                channel.close_if_idle()
            await self.quiet(begun + self.limits.sockets_close_by)
            for ws in self.sockets():
                ws.close_with(CloseCode.RESTART)
            await self.quiet(begun + self.limits.requests_end_by)
            if running := self.running():
                logger.warning("%d requests or sockets did not end in time", len(running))
            await self.run_hooks()
        finally:
            reactor.stop()

    def sockets(self) -> list[Socket]:
        return [protocol for protocol in self.connections if isinstance(protocol, Socket)]

    async def quiet(self, until: float) -> None:
        """Return when nobody is connected and no application runs, or at `until`."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            closed = all(ws.state == ws.STATE_CLOSED for ws in self.sockets())
            if closed and not self.http_factory.channels and not self.running():
                return
            await asyncio.sleep(QUIET_POLL_SECONDS)

    async def run_hooks(self) -> None:
        hooks = asyncio.gather(*(hook() for hook in on_shutdown), return_exceptions=True)
        try:
            results = await asyncio.wait_for(hooks, self.limits.hooks_seconds)
        except TimeoutError:
            logger.warning("on_shutdown took over %s s", self.limits.hooks_seconds)
            return
        for error in filter(None, results):
            logger.error("on_shutdown failed", exc_info=error)
