"""What every socket does: the door, obeying frames by a table of commands, the close.

Frames about one conversation are obeyed and answered in the order in which they came, messages that follow each other
together. Those of another one do not wait for them: a conversation whose row somebody else holds stalls alone. What
goes out beside the answers comes from the hub.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any, ClassVar, NamedTuple

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from rest_framework.exceptions import APIException, NotAuthenticated, PermissionDenied, Throttled
from rest_framework.serializers import Serializer

from authentication.tokens import Access, TokenNotValid, averify_access
from chat import services
from chat.broadcast import encode
from chat.events import Ack, Error, Event, Payload
from chat.exceptions import ERROR_CODES, InvalidFrame, TooBig, TooManySockets, UnknownType
from chat.hub import get_hub
from chat.room import Connection, Subscriber
from chat.serializers import (
    AuthenticateFrameSerializer,
    ClientIdField,
    PingFrameSerializer,
    ReadReceiptFrameSerializer,
    SendMessageFrameSerializer,
    TypingFrameSerializer,
)
from chat_server.close_codes import CloseCode
from chat_server.database import in_thread, marking
from chat_server.errors import as_api_exception, first_error, retry_after
from chat_server.exceptions import Unavailable
from chat_server.parsers import parse_json
from chat_server.rendering import timestamp
from chat_server.throttling import Bucket
from chat_server.wire import Wire, octets

from .lanes import Lanes

logger = logging.getLogger(__name__)

MAY_WAIT = frozenset({"chat_message", "read_receipt"})  # for the database
MAX_BAD_FRAMES = 20  # in a row
TAKE_IN_SECONDS = 10  # without a byte taken, after which a client that is let in is given up
TAKE_IN_POLL_SECONDS = 0.01
MAX_THROTTLED_FRAMES = 50  # less those that went through: who goes on regardless is closed
CLIENT_ID = ClientIdField()


class Command(NamedTuple):
    """What a frame has to look like, and the method that obeys it."""

    serializer: type[Serializer[Any]]
    method: str


class SocketConsumer(AsyncWebsocketConsumer, ABC):
    """One socket. What it is a socket of, its children say."""

    is_of_one_conversation = False  # then a frame that cannot be read is about that one, too
    channel_layer_alias = None  # the hub owns this process's one channel
    commands: ClassVar[dict[str, Command]] = {
        "chat_message": Command(SendMessageFrameSerializer, "send_message"),
        "typing": Command(TypingFrameSerializer, "show_typing"),
        "read_receipt": Command(ReadReceiptFrameSerializer, "mark_read"),
        "authenticate": Command(AuthenticateFrameSerializer, "authenticate"),
        "ping": Command(PingFrameSerializer, "ping"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connection: Connection | None = None  # None: not let in, or closed
        self.frames = Bucket(settings.THROTTLE_FRAMES)
        self.bad_frames = self.throttled_frames = 0
        self.lanes = Lanes()

    # What the children say -----------------------------------------------------------------------

    @abstractmethod
    async def enter(self, connection: Connection) -> None:
        """Let the connection in, its first frame and all that follows; raises where there is nothing for it here."""

    @abstractmethod
    def leave(self) -> None:
        """Forget the connection: nothing more reaches it."""

    @abstractmethod
    def addressed(self, frame: Payload) -> Payload:
        """The frame with the `conversation_id` that it is about."""

    @abstractmethod
    def subscriber(self, conversation_id: int) -> Subscriber:
        """This socket in that conversation; `NotFound`."""

    @abstractmethod
    def pong(self, conversation_id: int | None) -> Event:
        """How far that conversation is; `NotFound`."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The whole life of the socket; however it ends, the hub has forgotten it then.

        Channels' own makes a task for each message, and asks a thread to look after database connections.
        """
        self.scope, self.base_send, self.wire = scope, send, Wire.behind(send)
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.leave()  # the server gives up who does not end in time, and `disconnect` may wait for a frame

    async def dispatch(self, message: Payload) -> None:
        """Do what a message of the server says."""
        await getattr(self, get_handler_name(message))(message)

    # The door ----------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Let in, or say why not: every refusal is an `error` frame and a close code."""
        await self.accept(self.scope["accepted_subprotocol"])
        try:
            self.connection = self._connection()
            await self.enter(self.connection)
        except Exception as error:
            self.connection = None
            await self._refuse(self._explained(error))

    def _connection(self) -> Connection:
        if self.scope.get("access_error"):
            raise Unavailable
        access: Access | None = self.scope["access"]
        if access is None:
            raise NotAuthenticated
        if get_hub().presence.sockets[access.user.pk] >= settings.MAX_SOCKETS_PER_USER:
            raise TooManySockets
        self.user = access.user
        return Connection(
            user_id=access.user.pk,
            username=access.user.username,
            session_id=access.session_id,
            expires_at=access.expires_at,
            send=self._send,
            write=self._write,
            close=self._end,
            take_in=self._take_in,
        )

    async def _refuse(self, error: APIException) -> None:
        code, detail = self._named(error)
        await self._send(encode(Error(code=code, detail=detail, client_id=None)))
        by_code = {
            "not_authenticated": CloseCode.UNAUTHENTICATED,
            "not_found": CloseCode.NOT_FOUND,
            "too_many_sockets": CloseCode.TOO_MANY_SOCKETS,
        }
        await self._close(by_code.get(code, CloseCode.RESTART))

    # Frames in ---------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.connection is None:  # closed: what was still on its way counts for nothing
            return
        client_id = throttled = None
        try:
            self._check_size(text_data, bytes_data)
            throttled = self._throttled()
            frame = self._parsed(text_data)
            client_id = self._client_id(frame)
            if throttled is not None:
                raise throttled  # only now: the refusal names the frame that it is about
        except Exception as error:
            if self.is_of_one_conversation:
                await self.lanes.finish()
            await self._answer_error(self._explained(throttled or error), client_id)
        else:
            await self.take(frame, client_id)

    async def take(self, frame: Payload, client_id: str | None) -> None:
        """Obey a frame and answer it, here or beside; the next one is read when this returns."""
        kind, conversation_id = frame.get("type"), self.addressed(frame).get("conversation_id")
        may_wait = isinstance(kind, str) and kind in MAY_WAIT
        if not isinstance(conversation_id, int) or not (may_wait or conversation_id in self.lanes):
            await self._take_now(frame, client_id)
            return
        await self.lanes.add(
            conversation_id, partial(self._take_behind, frame, client_id), is_message=kind == "chat_message"
        )

    async def _take_behind(self, frame: Payload, client_id: str | None, behind: "asyncio.Task[None] | None") -> None:
        if self.connection is not None:  # else closed while it waited
            await self._take_now(frame, client_id, behind)

    async def _take_now(
        self, frame: Payload, client_id: str | None, behind: "asyncio.Task[None] | None" = None
    ) -> None:
        """Obey a frame, and answer it when `behind` has been answered."""
        extra: Payload = {}
        refusal: APIException | None = None
        try:
            extra = await self._obey(frame)
        except Exception as error:
            refusal = self._explained(error)
        if behind is not None and not behind.done():
            await asyncio.wait({behind})
        if refusal is not None:
            await self._answer_error(refusal, client_id)
            return
        if client_id is not None:
            await self._send(encode(Ack(client_id=client_id, extra=extra)))
        self.bad_frames = 0
        # Not to 0: of a flood, too, a frame gets through now and then.
        self.throttled_frames = max(0, self.throttled_frames - 1)

    def _throttled(self) -> Throttled | None:
        """Count a frame of whatever kind; the refusal where it is one too many."""
        try:
            self.frames.take("")
        except Throttled as error:
            return error
        return None

    @staticmethod
    def _check_size(text: str | None, data: bytes | None) -> None:
        if len(text.encode() if text is not None else data or b"") > settings.MAX_FRAME_BYTES:
            raise TooBig

    @staticmethod
    def _parsed(text: str | None) -> Payload:
        if text is None:
            raise InvalidFrame("A frame is text, not binary.")
        try:
            frame = parse_json(text)
        except ValueError:
            raise InvalidFrame("A frame is JSON.", code="invalid_json") from None
        if not isinstance(frame, dict):
            raise InvalidFrame("A frame is a JSON object.")
        return frame

    @staticmethod
    def _client_id(frame: Payload) -> str | None:
        """The frame's `client_id`; what is none is refused, and the error names none."""
        return CLIENT_ID.run_validation(frame["client_id"]) if "client_id" in frame else None

    async def _obey(self, frame: Payload) -> Payload:
        """Do what the frame says; returns what its `ack` says beside the `client_id`."""
        kind = frame.get("type")
        command = self.commands.get(kind) if isinstance(kind, str) else None
        if command is None:
            raise UnknownType
        said = _serializer(command.serializer).run_validation(self.addressed(frame))
        do: Callable[[Payload], Awaitable[Payload]] = getattr(self, command.method)
        return await do(said)

    # The commands --------------------------------------------------------------------------------

    async def send_message(self, said: Payload) -> Payload:
        message, is_new = await services.asend_message(
            sender=self.user,
            conversation_id=said["conversation_id"],
            content=said["content"],
            client_id=said.get("client_id"),
            reply_to=said.get("reply_to"),
        )
        created_at = timestamp(message.created_at)
        return {"message_id": message.pk, "seq": message.seq, "created_at": created_at, "duplicate": not is_new}

    async def show_typing(self, said: Payload) -> Payload:
        get_hub().announce_typing(self.subscriber(said["conversation_id"]), is_typing=said["is_typing"])
        return {}

    async def mark_read(self, said: Payload) -> Payload:
        await in_thread(services.mark_read, marking)(
            reader=self.user, conversation_id=said["conversation_id"], message_id=said["message_id"]
        )
        return {}

    async def authenticate(self, said: Payload) -> Payload:
        """Go on under a fresh token of the same user; a bad one changes nothing."""
        if "conversation_id" in said:
            self.subscriber(said["conversation_id"])
        try:
            access = await averify_access(said["token"])
        except TokenNotValid:
            raise NotAuthenticated("This token is not valid.") from None
        if access.user.pk != self.user.pk:
            raise PermissionDenied("This token is somebody else's.")
        if self.connection is not None:
            self.connection.session_id, self.connection.expires_at = access.session_id, access.expires_at
            self.user, self.connection.username = access.user, access.user.username
        return {"expires_at": timestamp(access.expires_at)}

    async def ping(self, said: Payload) -> Payload:
        await self._send(encode(self.pong(said.get("conversation_id"))))
        return {}

    # Errors and the end ------------------------------------------------------------------------

    @staticmethod
    def _explained(error: Exception) -> APIException:
        """The refusal that an exception means; a fault of ours is logged, and the socket lives through it."""
        refusal = as_api_exception(error)
        if refusal is None:
            logger.error("a frame could not be handled: %s", type(error).__name__, exc_info=error)
            refusal = Unavailable()
        return refusal

    @staticmethod
    def _named(error: APIException) -> tuple[str, str]:
        code, detail = first_error(error)
        return code if code in ERROR_CODES else "invalid", detail

    async def _answer_error(self, error: APIException, client_id: str | None) -> None:
        code, detail = self._named(error)
        await self._send(encode(Error(code=code, detail=detail, client_id=client_id, retry_after=retry_after(error))))
        if isinstance(error, Throttled):
            self.throttled_frames += 1
        elif not isinstance(error, Unavailable):
            self.bad_frames += 1
        if isinstance(error, TooBig):
            await self._end(CloseCode.TOO_BIG)
        elif self.throttled_frames >= MAX_THROTTLED_FRAMES:
            await self._end(CloseCode.FLOODING)
        elif self.bad_frames >= MAX_BAD_FRAMES:
            await self._end(CloseCode.BAD_FRAMES)

    async def _send(self, frame: str) -> None:
        if not self.wire.write(octets(frame)):
            try:
                await self.send(text_data=frame)
            except Exception as error:  # the connection is closing, and others wait for their frames
                logger.debug("a frame could not be sent: %s", type(error).__name__)
        if self.connection is not None and self.wire.owed() > settings.MAX_OWED_BYTES:
            await self._end(CloseCode.TOO_SLOW)

    def _write(self, frames: bytes) -> bool:
        if not self.wire.write(frames):
            return False
        if self.connection is not None and self.wire.owed() > settings.MAX_OWED_BYTES:
            get_hub().spawn(self._end(CloseCode.TOO_SLOW))
        return True

    async def _take_in(self) -> None:
        """Return once the client has taken half of the most that it may be owed; one that takes nothing is closed."""
        loop = asyncio.get_running_loop()
        least, give_up_at = self.wire.owed(), loop.time() + TAKE_IN_SECONDS
        while (owed := self.wire.owed()) > settings.MAX_OWED_BYTES // 2 and self.connection is not None:
            if owed < least:
                least, give_up_at = owed, loop.time() + TAKE_IN_SECONDS
            if loop.time() > give_up_at:
                await self._end(CloseCode.TOO_SLOW)
            await asyncio.sleep(TAKE_IN_POLL_SECONDS)

    async def _end(self, code: int) -> None:
        """Close, and take nothing more from this socket nor give it any."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.leave()
            await self._close(code)

    async def _close(self, code: int) -> None:
        await self.close(int(code))  # autobahn takes no enum

    async def websocket_too_big(self, message: Payload) -> None:
        """The launcher refused a frame that is over the limit without taking it in."""
        await self.lanes.finish()
        await self._answer_error(TooBig(), None)

    async def websocket_shutdown(self, message: Payload) -> None:
        """The server stops: what came before is answered, and the client is told to come back."""
        await self.lanes.finish()
        await self._end(CloseCode.RESTART)

    async def disconnect(self, code: int) -> None:
        self.leave()  # at once: finishing may take longer than this is given
        await self.lanes.finish()
        self.connection = None


@cache
def _serializer(serializer_class: type[Serializer[Any]]) -> Serializer[Any]:
    return serializer_class()  # making its fields costs more than using them
