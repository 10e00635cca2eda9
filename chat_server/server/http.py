"""HTTP below the application: what is refused at the door, what is cut off, and how a connection ends at a restart."""

import time
from http import HTTPStatus
from io import BytesIO
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure
from twisted.web.http import NO_BODY_CODES, HTTPChannel

from chat_server.wire import is_plain, write_now

from .access import log_request
from .limits import Limits
from .refusals import refusal

SHORT_BODY_BYTES = 16 * 1024


class Channel(HTTPChannel):
    """One connection: heads and bodies come in within their times, and no body over the limit is taken in."""

    factory: "Factory"
    timeOut: float | None

    def __init__(self) -> None:
        super().__init__()
        self.deadline: IDelayedCall | None = None
        self.is_expected_anew = False
        self.expected_within: float | None = None
        self.is_receiving = False
        self.idle_timer: IDelayedCall | None = None
        self.idle_since = 0.0
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
        if self.idle_timer is not None:
            self.idle_timer.cancel()
            self.idle_timer = None
        self.factory.channels.discard(self)

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        self.is_receiving = True
        if not self.answering and self.deadline is None:
            self.expect_within(self.limits.head_seconds)
        try:
            super().dataReceived(data)
        finally:
            self.is_receiving = False
            self.set_deadline()

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
        self.expected_within, self.is_expected_anew = seconds, True
        if not self.is_receiving:
            self.set_deadline()

    def set_deadline(self) -> None:
        """Once for what came together: most requests come whole, and need none."""
        if not self.is_expected_anew:
            return
        self.is_expected_anew = False
        if self.deadline is not None and self.deadline.active():
            self.deadline.cancel()
        within = self.expected_within
        self.deadline = None if within is None else self.callLater(within, self.cut_off)

    # Twisted sets and cancels a timer for each request. Here there is one, which looks when it rings.

    def setTimeout(self, period: float | None) -> float | None:
        before, self.timeOut = self.timeOut, period
        self.resetTimeout()
        return before

    def resetTimeout(self) -> None:
        self.idle_since = time.monotonic()
        if self.timeOut is not None and self.idle_timer is None:
            self.idle_timer = self.callLater(self.timeOut, self.look_how_idle)

    def look_how_idle(self) -> None:
        self.idle_timer = None
        if self.timeOut is None:
            return
        left = self.idle_since + self.timeOut - time.monotonic()
        if left > 0:
            self.idle_timer = self.callLater(left, self.look_how_idle)
        else:
            self.timeoutConnection()

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
    _response_started: bool
    held_bytes = 0
    begun: dict[str, Any] | None = None  # the start of an answer whose body has not come

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
        """What the application answers; where it comes whole it goes out by one write, without a turn of the loop."""
        if self.finished or self.channel is None:
            return
        begun, self.begun = self.begun, None
        if message["type"] == "http.response.start" and not self._response_started:
            self.begun, self._response_started = message, True  # nothing is sent before there is a body, as in Twisted
            if self.server.stopping:
                self.responseHeaders.setRawHeaders(b"connection", [b"close"])
            return
        if begun is not None:
            if not message.get("more_body") and (head := self.plain_head(begun)):
                self.answer_whole(head, message.get("body", b""))
                return
            self._response_started = False
            super().handle_reply(begun)
        super().handle_reply(message)

    def plain_head(self, begun: dict[str, Any]) -> bytes | None:
        """The status line and the headers; None where Twisted has to see to it."""
        status = begun["status"]
        self.setResponseCode(status)
        headers = begun.get("headers", ())
        is_plain_answer = self.clientproto == b"HTTP/1.1" and self.method != b"HEAD" and status not in NO_BODY_CODES
        if not is_plain_answer or not any(name.lower() == b"content-length" for name, _ in headers):
            return None
        lines = [b"HTTP/1.1 %d %s" % (status, self.code_message)]
        lines += [b"%s: %s" % header for header in headers]
        lines += [b"%s: %s" % (name, value) for name, each in self.responseHeaders.getAllRawHeaders() for value in each]
        head = b"\r\n".join(lines)
        # A line that is not one of ours would be another answer: Twisted makes it harmless.
        return head if head.count(b"\n") == head.count(b"\r") == len(lines) - 1 else None

    def answer_whole(self, head: bytes, body: bytes) -> None:
        self.startedWriting, self.sentLength = 1, len(body)
        whole = b"%s\r\n\r\n%s" % (head, body)
        transport = self.channel.transport
        if is_plain(transport):
            write_now(transport, whole)
        else:
            transport.write(whole)
        self.finish()

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
