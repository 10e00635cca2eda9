"""HTTP below the application: what is refused at the door, what is cut off, and how a connection ends at a restart."""

import time
from http import HTTPStatus
from io import BytesIO
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from .access import log_request
from .limits import Limits
from .refusals import refusal

SHORT_BODY_BYTES = 16 * 1024


class Channel(HTTPChannel):
    """One connection: heads and bodies come in within their times, and no body over the limit is taken in."""

    factory: "Factory"

    def __init__(self) -> None:
        super().__init__()
        self.deadline: IDelayedCall | None = None
        self.answering = False
        self.refused = False

    @property
    def limits(self) -> Limits:
        return self.factory.server.limits

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.channels.add(self)

    def connectionLost(self, reason: Failure) -> None:
        self.forget()
        super().connectionLost(reason)

    def forget(self) -> None:
        """The connection is gone, or is a WebSocket from now on."""
        self.expect_within(None)
        self.factory.channels.discard(self)

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        if not self.answering and self.deadline is None:
            self.expect_within(self.limits.head_seconds)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if not self.refused:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if not self.refused:
            super().rawDataReceived(data)

    def headerReceived(self, line: bytes) -> bool:
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a Content-Length of thousands of digits
            self.refuse(HTTPStatus.BAD_REQUEST)
            return False

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(HTTPStatus.BAD_REQUEST)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(HTTPStatus.BAD_REQUEST)

    def allHeadersReceived(self) -> None:
        if self.length is not None and self.length > self.limits.body_bytes:
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # instead of a 100 Continue, too
            return
        self.expect_within(self.limits.body_seconds)
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        if self.refused:  # its last chunk came with the one that was too much
            return
        self.expect_within(None)
        self.answering = True
        super().allContentReceived()

    def requestDone(self, request: "Request") -> None:
        self.answering = False
        super().requestDone(request)

    def expect_within(self, seconds: float | None) -> None:
        if self.deadline is not None and self.deadline.active():
            self.deadline.cancel()
        self.deadline = None if seconds is None else self.callLater(seconds, self.cut_off)

    def cut_off(self) -> None:
        self.refuse(HTTPStatus.REQUEST_TIMEOUT)
        self.transport.loseConnection()

    def refuse(self, status: HTTPStatus) -> None:
        """Answer, and close after `linger_seconds` in which the client can read it; what it still sends is thrown away.

        Closing at once would reset the connection, and with it the answer, while the client is still sending.
        """
        if self.refused:
            return
        self.refused = True
        self.setTimeout(None)
        method, uri = getattr(self, "_command", b"-"), getattr(self, "_path", b"-")
        headers, body = refusal(status, uri)
        lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode(), *(b"%s: %s" % header for header in headers)]
        self.transport.write(b"\r\n".join([*lines, b"Connection: close", b"", b"" if method == b"HEAD" else body]))
        self.transport.loseWriteConnection()
        self.expect_within(None)
        self.deadline = self.callLater(self.limits.linger_seconds, self.transport.abortConnection)
        log_request(method, uri, status.value, 0, self.transport.getPeer())

    def close_if_idle(self) -> None:
        """Close unless a request is coming in or being answered; one that was refused has had its answer."""
        if self.refused or (not self.answering and self.deadline is None):
            self.transport.loseConnection()


class Request(WebRequest):
    """One request; its body is held in memory, at most `body_bytes` of it, until it is answered."""

    channel: Channel
    held_bytes = 0

    def __init__(self, channel: Channel, queued: object = False) -> None:
        # Forms are the application's to parse.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        if self.content.tell() + len(data) > self.server.limits.body_bytes:
            self.channel.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        # A short body always finds room: else a few long ones that never end would shut everybody out.
        more = max(0, self.content.tell() + len(data) - SHORT_BODY_BYTES) - self.held_bytes
        if more and self.server.bodies_bytes + more > self.server.limits.bodies_bytes:
            self.channel.refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self.hold(more)
            super().handleContentChunk(data)

    def hold(self, size: int) -> None:
        self.held_bytes += size
        self.server.bodies_bytes += size

    def process(self) -> Any:
        if self.server.stopping and self.requestHeaders.hasHeader(b"upgrade"):
            self.request_start = time.time()
            self.basic_error(HTTPStatus.SERVICE_UNAVAILABLE, b"", "")
            return None
        if not self.path.startswith(b"/ws/"):
            self.requestHeaders.removeHeader(b"upgrade")  # not ours to upgrade: answered like any other request
        channel = self.channel
        result = super().process()
        if self.transport is None:  # it went to a WebSocket, and nothing more is heard of it here
            self.hold(-self.held_bytes)
            channel.forget()
        return result

    def handle_reply(self, message: dict[str, Any]) -> None:
        super().handle_reply(message)
        if message["type"] == "http.response.start" and self.server.stopping:
            self.responseHeaders.setRawHeaders(b"connection", [b"close"])

    def finish(self) -> None:
        if self.server.stopping:
            self.channel.persistent = False
        self.hold(-self.held_bytes)
        super().finish()

    def connectionLost(self, reason: Failure) -> None:
        self.hold(-self.held_bytes)
        if hasattr(self, "request_start"):
            log_request(self.method, self.uri, "gone", self.duration(), self.client)
        super().connectionLost(reason)

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """The launcher's answer instead of Daphne's page; where half of another one is out, the connection ends."""
        if self.finished or self.channel is None:
            return
        if self._response_started:  # Daphne would raise, and its loop that reaps applications would end with it
            self.channel.transport.abortConnection()
            return
        headers, content = refusal(HTTPStatus(status), self.uri)
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": content})

    def __repr__(self) -> str:
        return f"<Request {self.method!r} {self.uri.partition(b'?')[0]!r}>"  # it gets into log lines


class Factory(HTTPFactory):
    """Knows every connection that is not a WebSocket."""

    protocol = Channel

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.timeOut = server.limits.idle_seconds
        self.channels: set[Channel] = set()

    def buildProtocol(self, address: Any) -> Channel:
        channel = super().buildProtocol(address)
        channel.requestFactory = Request
        return channel

    def log(self, request: Request) -> None:
        log_request(request.method, request.uri, request.code, request.duration(), request.client)
