"""A WebSocket below the application: frames that are too big, clients that do not read, and the end at a restart."""

import time
from typing import Any

from autobahn.twisted.websocket import ConnectionDeny
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor

from chat_server.close_codes import CloseCode
from chat_server.wire import Wire, ping

from .access import log_close, log_open, log_request

CATCH_UP_SECONDS = 0.01


class Socket(WebSocketProtocol):
    """Daphne's, that closes with 4413 on a message over `frame_bytes` without taking it in, and can be asked to end.

    It is read no faster than its consumer takes frames and its client takes what it is sent.
    """

    data: bytes
    failedByMe: bool
    opened_at: float | None = None
    full = behind = flooding = False
    side_frames, side_until = 0, 0.0

    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.unregisterProducer()  # the HTTP channel
        self.transport.registerProducer(self, True)

    # Too big ------------------------------------------------------------------------------------

    def onMessageBegin(self, isBinary: bool) -> None:
        super().onMessageBegin(isBinary)
        self.message_bytes = 0

    def onMessageFrameBegin(self, length: int) -> None:
        super().onMessageFrameBegin(length)
        self.message_bytes += length
        if self.message_bytes > self.server.limits.frame_bytes and not self.failedByMe:
            self.failedByMe = True  # nothing of this message is kept or handed on
            self.application_queue.put_nowait({"type": "websocket.too_big"})  # the consumer says so, and closes
            reactor.callLater(self.server.limits.close_seconds, self.close_with, CloseCode.TOO_BIG)

    # The usual frame ----------------------------------------------------------------------------

    def take_plain_frame(self) -> bool:
        """Whether the next frame was a whole text message, as almost all are, and has been handed on.

        autobahn's way, for every other frame and for what is wrong with one, costs ten times as much (RFC 6455, 5.2).
        """
        data = self.data
        if len(data) < 6 or data[0] != 0x81 or self.state != self.STATE_OPEN or self.failedByMe:
            return False
        if self.current_frame is not None or self.inside_message:
            return False
        begin, size = 6, data[1] - 0x80
        if size == 126 and len(data) >= 8:
            begin, size = 8, int.from_bytes(data[2:4], "big")
            if size < 126:
                return False
        end = begin + size
        if not 0 <= size <= self.server.limits.frame_bytes or size == 127 or len(data) < end:
            return False
        mask = data[begin - 4 : begin] * (size // 4 + 1)
        payload = int.from_bytes(data[begin:end], "big") ^ int.from_bytes(mask[:size], "big")
        message = payload.to_bytes(size, "big")
        try:
            message.decode()
        except UnicodeDecodeError:
            return False
        self.data = data[end:]
        if self.autoPingTimeoutCall:
            self._cancelAutoPingTimeoutCall()  # who has so much to say answers the ping when it is through
        self.onMessage(message, False)
        return True

    def sendPing(self, payload: bytes | None = None) -> None:
        """Every socket is pinged all the time; autobahn's way has the event loop wait until it can be written to."""
        if not Wire(self).write(ping(payload or b"")):
            super().sendPing(payload)

    # Too many -----------------------------------------------------------------------------------

    def onFrameBegin(self) -> None:
        super().onFrameBegin()
        if self.current_frame.opcode > 7 or not self.current_frame.fin:
            self.count_side_frame()

    def count_side_frame(self) -> None:
        """A whole message is the application's to count; what comes beside costs this process as much."""
        now = time.monotonic()
        if now > self.side_until:
            self.side_frames, self.side_until = 0, now + self.server.limits.side_seconds
        self.side_frames += 1
        if self.side_frames > self.server.limits.side_frames and not self.flooding:
            self.close_with(CloseCode.FLOODING)  # autobahn drops who does not answer that
            self.flooding, self.data = True, b""
            self.transport.pauseProducing()

    def consumeData(self) -> None:
        while not self.flooding and self.take_plain_frame():
            pass
        if self.data and not self.flooding:
            super().consumeData()

    # Back-pressure ------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The client does not take what it is sent: do not read what would have to be answered."""
        self.full = True
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.full = False
        self.read_on()

    def stopProducing(self) -> None:
        """The connection is gone."""

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        if not self.behind and self.application_queue.qsize() >= self.server.limits.queued_frames:
            self.behind = True
            self.transport.pauseProducing()
            reactor.callLater(CATCH_UP_SECONDS, self.catch_up)

    def catch_up(self) -> None:
        if self.state == self.STATE_CLOSED:
            return
        if self.application_queue.qsize() > self.server.limits.queued_frames // 2:
            reactor.callLater(CATCH_UP_SECONDS, self.catch_up)
            return
        self.behind = False
        self.read_on()

    def read_on(self) -> None:
        if not (self.full or self.behind or self.flooding):
            self.transport.resumeProducing()

    # The end ------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Let the consumer close with 4503 after the frames that it has; one that is not let in yet is refused."""
        if self.state == self.STATE_OPEN:
            self.application_queue.put_nowait({"type": "websocket.shutdown"})
        elif self.state == self.STATE_CONNECTING and hasattr(self, "handshake_deferred"):
            handshake = self.handshake_deferred
            del self.handshake_deferred
            self.server.protocol_disconnected(self)
            handshake.errback(ConnectionDeny(503, "Service Unavailable"))

    def close_with(self, code: int) -> None:
        """Close where the consumer has not."""
        if self.state == self.STATE_OPEN:
            self.sendClose(int(code))  # autobahn takes no enum

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.send" and self.state in (self.STATE_CLOSING, self.STATE_CLOSED):
            return  # autobahn raises, and the consumer would die of it before its disconnect()
        super().handle_reply(message)

    def check_timeouts(self) -> None:
        if self.state != self.STATE_CLOSED:
            super().check_timeouts()

    # The log ------------------------------------------------------------------------------------

    def onOpen(self) -> None:
        super().onOpen()
        self.opened_at = time.monotonic()
        log_open(self.request.path, self.transport.getPeer())

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        super().failHandshake(reason, code, responseHeaders)
        path = getattr(self, "http_request_path", "-")
        log_request(b"GET", path.encode(), code, 0, self.transport.getPeer())

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not hasattr(self, "server"):  # the handshake did not get as far as the application
            return
        super().onClose(wasClean, code, reason)
        if self.opened_at is not None:
            seconds = time.monotonic() - self.opened_at
            log_close(self.request.path, self.localCloseCode or code, seconds, self.transport.getPeer())
