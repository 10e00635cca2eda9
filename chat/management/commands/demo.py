"""`manage.py demo`: five people talk on a running server, through its public REST and WebSocket API only."""

import json
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from itertools import cycle
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from django.core.management.base import BaseCommand, CommandError, CommandParser
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

PASSWORD = "five-friends-talking"  # noqa: S105 - no secret: it is printed
MAX_SECONDS = 500  # an access token lives for 600
PATIENCE = 15  # seconds; a longer Retry-After is not waited for

PEOPLE = {
    "ada": ("Ada", "Lovelace"),
    "linus": ("Linus", "Torvalds"),
    "grace": ("Grace", "Hopper"),
    "alan": ("Alan", "Turing"),
    "margaret": ("Margaret", "Hamilton"),
}


@dataclass(frozen=True)
class Line:
    """What one of them says; `reply_to` is the index of an earlier line, `becomes` what it is edited to."""

    who: str
    says: str
    reply_to: int | None = None
    becomes: str = ""
    is_deleted: bool = False


@dataclass(frozen=True)
class Talk:
    """A conversation; the first of its people makes it, and those `behind` have not read to its end."""

    people: tuple[str, ...]
    lines: tuple[Line, ...]
    name: str = ""  # of a group
    behind: tuple[str, ...] = ()
    live: tuple[tuple[str, str], ...] = ()


TALKS = (
    Talk(
        people=("linus", "alan"),
        lines=(
            Line("linus", "Does this loop ever end?"),
            Line("alan", "I can prove that there is no general way to tell."),
            Line("linus", "I just want to know about this one.", reply_to=1),
            Line("alan", "Line 12: you never increase i."),
            Line("linus", "… thanks."),
        ),
    ),
    Talk(
        people=("margaret", "ada"),
        lines=(
            Line("margaret", "The printout of the guidance code is as tall as I am now 📚"),
            Line("ada", "Please tell me that somebody took a picture."),
            Line("margaret", "They did. It will be everywhere, I fear."),
            Line("margaret", "Are you coming to the review on Friday?"),
        ),
        behind=("ada",),
    ),
    Talk(
        people=("ada", "grace"),
        lines=(
            Line("ada", "Have you found out why the relay sticks?"),
            Line("grace", "There is a moth in it."),
            Line("ada", "A bug? An actual one?", reply_to=1),
            Line("grace", "It is taped into the log book: “first actual case of bug being found”."),
            Line("ada", "Lunch at twelve?", becomes="Lunch at half past twelve?"),
            Line("grace", "Gladly.", reply_to=4),
        ),
        live=(
            ("grace", "I brought you a nanosecond: 30 cm of wire."),
            ("ada", "And how long is a microsecond?"),
            ("grace", "A coil of 300 metres. Please do not waste them."),
        ),
    ),
    Talk(
        name="Lunch on Thursday",
        people=("grace", "ada", "alan"),
        lines=(
            Line("grace", "Noodles or soup?"),
            Line("alan", "Is there an algorithm for that?"),
            Line("ada", "Noodles.", reply_to=0),
            Line("alan", "A simple answer, too.", reply_to=2),
            Line(
                "grace", "Noodles it is: 12:30 at the corner.", becomes="Noodles it is: 12:30, the place at the corner."
            ),
        ),
    ),
    Talk(
        name="Analytical Engine",
        people=("ada", "linus", "grace", "alan", "margaret"),
        lines=(
            Line("ada", "Welcome, everybody! Here we build the thing at last."),
            Line("linus", "Where is the source?"),
            Line("ada", "Note G. It computes Bernoulli numbers.", reply_to=1),
            Line("grace", "I could write you something that compiles it."),
            Line("alan", "wrong window, sorry", is_deleted=True),
            Line("margaret", "What does it do when two cards arrive at once?"),
            Line("alan", "It should say so and go on with the most important one.", reply_to=5),
            Line("margaret", "That is what I call software engineering."),
            Line("linus", "Send me a patch then.", reply_to=3),
        ),
        behind=("ada",),
        live=(
            ("alan", "The first tests are through."),
            ("margaret", "All of them? What about the alarm 1202?"),
            ("alan", "Handled: it drops what is not urgent and goes on."),
            ("linus", "Merged."),
            ("grace", "Then let us ship it. Asking for permission takes longer."),
            ("ada", "The engine weaves algebraic patterns just as the loom weaves flowers and leaves 🌿"),
            ("margaret", "Go for landing."),
            ("linus", "Who broke the build?"),
            ("grace", "Nobody, it is a moth again."),
        ),
    ),
)


class Api:
    """The server's REST API; every failure is a `CommandError` of one line."""

    def __init__(self, url: str) -> None:
        self.url = url
        # No proxy: the sockets take none either.
        self.opener = build_opener(ProxyHandler({}))

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", accept: Sequence[int] = ()
    ) -> tuple[int, Any]:
        """Status and JSON of the answer; statuses of 400 and above only where they are in `accept`."""
        headers = {"Content-Type": "application/json", "User-Agent": "manage.py demo"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310 - the scheme was checked
        try:
            with self.opener.open(request, timeout=30) as answer:
                status, text, wait = answer.status, answer.read(), None
        except HTTPError as error:
            status, text, wait = error.code, error.read(), error.headers.get("Retry-After")
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise CommandError(f"No server answers at {self.url} ({reason}). `make run` starts one.") from None
        if status == 429 and wait is not None and int(wait) <= PATIENCE:
            time.sleep(int(wait))
            return self.call(method, path, body, token=token, accept=accept)
        try:
            content = json.loads(text) if text else None
            if status >= 400 and status not in accept:
                [error, *_] = content["errors"]
                raise CommandError(f"{method} {path} was answered {status}: {error['detail']}")
        except (ValueError, LookupError, TypeError):
            raise CommandError(f"What answers at {self.url} is not this chat server ({path}: {status}).") from None
        return status, content


@dataclass
class Person:
    """Somebody logged in."""

    api: Api
    username: str
    id: int
    access: str

    @classmethod
    def enter(cls, api: Api, username: str) -> Self:
        """Log in, or make the account where that does not work."""
        login = {"email": f"{username}@example.com", "password": PASSWORD}
        status, entered = api.call("POST", "/api/auth/login/", login, accept=[401])
        if status == 401:
            first_name, last_name = PEOPLE[username]
            account = {**login, "username": username, "first_name": first_name, "last_name": last_name}
            status, entered = api.call("POST", "/api/auth/register/", account, accept=[400])
        if status == 400:
            detail = entered["errors"][0]["detail"]
            raise CommandError(f"{username} is there with another password, or address, than the demo's: {detail}")
        return cls(api, username, entered["user"]["id"], entered["access"])

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer below 400."""
        return self.api.call(method, path, body, token=self.access)


def find_or_make(talk: Talk, people: dict[str, Person]) -> int:
    """The id of the talk's conversation: a private one is there once, a group is known by its name."""
    maker, *others = (people[name] for name in talk.people)
    ids = [other.id for other in others]
    if not talk.name:
        body = {"type": "private", "participant_ids": ids}
        return int(maker.call("POST", "/api/chat/conversations/create/", body)[1]["id"])
    _, found = maker.call("GET", f"/api/chat/conversations/?type=group&search={quote(talk.name)}")
    for conversation in found["results"]:
        if conversation["name"] == talk.name:
            maker.call("POST", f"/api/chat/conversations/{conversation['id']}/participants/", {"user_ids": ids})
            return int(conversation["id"])
    body = {"type": "group", "name": talk.name, "participant_ids": ids}
    return int(maker.call("POST", "/api/chat/conversations/create/", body)[1]["id"])


def tell(talk: Talk, conversation: int, people: dict[str, Person]) -> int:
    """Have the lines said, edited, deleted and read; those of an earlier run are not said again. How many were new."""
    ids: list[int] = []
    new = 0
    for number, line in enumerate(talk.lines):
        sender = people[line.who]
        body = {"conversation": conversation, "content": line.says, "client_id": f"demo-{number}"}
        reply = {} if line.reply_to is None else {"reply_to": ids[line.reply_to]}
        status, message = sender.call("POST", "/api/chat/messages/create/", {**body, **reply})
        ids.append(message["id"])
        if status == 201:
            new += 1
            if line.becomes:
                sender.call("PATCH", f"/api/chat/messages/{message['id']}/", {"content": line.becomes})
            if line.is_deleted:
                sender.call("DELETE", f"/api/chat/messages/{message['id']}/delete/")
    for name in talk.people:
        if name not in talk.behind:
            people[name].call("POST", f"/api/chat/conversations/{conversation}/mark-read/")
    return new


def moment(shortest: float, longest: float) -> float:
    """Some seconds."""
    return random.uniform(shortest, longest)  # noqa: S311 - nothing to guess


class LiveSocket(WebSocketClientProtocol):
    """One person's socket of one conversation; it reads what the others say a moment after they said it."""

    def __init__(self) -> None:
        super().__init__()
        self.let_in: Deferred[None] = Deferred()
        self.closed: Deferred[None] = Deferred()

    def say(self, type: str, **fields: Any) -> None:
        """Send a frame, unless the socket is closed."""
        if self.state == self.STATE_OPEN:
            self.sendMessage(json.dumps({"type": type, **fields}).encode())

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        frame = json.loads(payload)
        if frame["type"] == "connected":
            self.user_id = frame["user_id"]
            self.let_in.callback(None)
        elif frame["type"] == "chat_message" and (frame["message"]["sender"] or {}).get("id") != self.user_id:
            reactor.callLater(moment(0.4, 1.5), self.say, "read_receipt", message_id=frame["message"]["id"])

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not self.let_in.called:
            self.let_in.errback(CommandError(f"A socket was refused ({code}: {reason})."))
        self.closed.callback(None)


async def connect(person: Person, conversation: int) -> LiveSocket:
    """An open socket, let in; `CommandError` where there is none to be had."""
    url = urlsplit(person.api.url)
    secure = url.scheme == "https"
    address = f"{'wss' if secure else 'ws'}://{url.netloc}{url.path}/ws/chat/{conversation}/"
    factory = WebSocketClientFactory(address, headers={"Authorization": f"Bearer {person.access}"})
    factory.protocol = LiveSocket
    endpoint: Any = HostnameEndpoint(reactor, url.hostname, url.port or (443 if secure else 80))
    if secure:
        endpoint = wrapClientTLS(optionsForClientTLS(url.hostname), endpoint)
    try:
        socket: LiveSocket = await endpoint.connect(factory)
    except Exception as error:  # whatever Twisted found wrong with the way there
        raise CommandError(f"No socket could be opened to {address} ({error}).") from None
    await socket.let_in
    return socket


async def go_on(conversations: dict[Talk, int], people: dict[str, Person], seconds: int) -> None:
    """Let everybody type, talk and read for that long."""
    scenes = []
    for talk, conversation in conversations.items():
        if talk.live:
            sockets = {name: await connect(people[name], conversation) for name in talk.people}
            scenes.append((sockets, cycle(talk.live)))
    end = time.monotonic() + seconds

    async def pause(length: float) -> None:
        await deferLater(reactor, max(0, min(length, end - time.monotonic())))

    for sockets, lines in cycle(scenes):
        who, text = next(lines)
        await pause(moment(0.2, 1))
        sockets[who].say("typing", is_typing=True)
        await pause(0.8 + len(text) / 40)
        if time.monotonic() >= end:
            break
        if sockets[who].closed.called:
            raise CommandError("The server has closed the connection.")
        sockets[who].say("chat_message", content=text)
    for sockets, _ in scenes:
        for socket in sockets.values():
            socket.sendClose()
            await socket.closed


class Command(BaseCommand):
    help = (
        "Fills a running server with five people who talk, through its public API. For a server to try things on: "
        "their password is known to everybody."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://localhost:8000", help="where the server is")
        parser.add_argument("--seconds", type=int, default=20, help="how long they go on live; 0: not at all")

    def handle(self, *args: Any, url: str, seconds: int, **options: Any) -> None:
        url = url.rstrip("/")
        if not is_web_address(url):
            raise CommandError(f"--url takes an address like http://localhost:8000, not {url}")
        if not 0 <= seconds <= MAX_SECONDS:
            raise CommandError(f"--seconds takes 0 to {MAX_SECONDS}, not {seconds}")
        api = Api(url)
        people = {name: Person.enter(api, name) for name in PEOPLE}
        self.stdout.write(f"{', '.join(people)} are logged in.")
        conversations = {}
        for talk in TALKS:
            conversations[talk] = find_or_make(talk, people)
            new = tell(talk, conversations[talk], people)
            self.stdout.write(f"{talk.name or ' and '.join(talk.people)}: {new or 'no'} new messages.")
        if seconds:
            self.invite(url)
            self.stdout.write(f"They type, talk and read for {seconds} seconds now. Ctrl-C ends it.")
            run(go_on(conversations, people, seconds))
        for person in people.values():
            person.call("POST", "/api/auth/logout/")
        self.invite(url)

    def invite(self, url: str) -> None:
        """Say what to open, and how to get in."""
        self.stdout.write(f"\nOpen {url}/ and log in as ada@example.com with the password {PASSWORD}")
        others = ", ".join(f"{name}@example.com" for name in PEOPLE if name != "ada")
        self.stdout.write(f"(the same one for {others})\n\n")


def is_web_address(url: str) -> bool:
    """Whether it is http:// or https://, a host, and at most a port and a path."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def run(story: Coroutine[Any, Any, None]) -> None:
    """Return when the coroutine is through, or Ctrl-C is pressed; raises what it raised."""
    failures: list[Failure] = []

    def begin() -> None:
        ensureDeferred(story).addErrback(failures.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run()
    for failure in failures:
        failure.raiseException()
