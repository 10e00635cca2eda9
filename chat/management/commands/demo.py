"""`manage.py demo`: five people talk on a running server, through its public REST and WebSocket API only."""

import asyncio
import random
import time
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import quote

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.management.client import Frame, Person, Server, Socket, address, servers

PASSWORD = "five-friends-talking"  # no secret: it is printed
MAX_SECONDS = 500  # an access token lives for 600

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


async def enter(server: Server, username: str) -> Person:
    """Log in, or make the account where that does not work."""
    login = {"email": f"{username}@example.com", "password": PASSWORD}
    first_name, last_name = PEOPLE[username]
    account = {**login, "username": username, "first_name": first_name, "last_name": last_name}
    person = await Person.login([server], **login) or await Person.register([server], account)
    if person is None:
        raise CommandError(f"{username} is there with another password, or address, than the demo's.")
    return person


async def find_or_make(talk: Talk, people: dict[str, Person]) -> int:
    """The id of the talk's conversation: a private one is there once, a group is known by its name."""
    maker, *others = (people[name] for name in talk.people)
    ids = [other.id for other in others]
    if not talk.name:
        body = {"type": "private", "participant_ids": ids}
        return int((await maker.call("POST", "/api/chat/conversations/create/", body))[1]["id"])
    _, found = await maker.call("GET", f"/api/chat/conversations/?type=group&search={quote(talk.name)}")
    for conversation in found["results"]:
        if conversation["name"] == talk.name:
            path = f"/api/chat/conversations/{conversation['id']}/participants/"
            await maker.call("POST", path, {"user_ids": ids})
            return int(conversation["id"])
    body = {"type": "group", "name": talk.name, "participant_ids": ids}
    return int((await maker.call("POST", "/api/chat/conversations/create/", body))[1]["id"])


async def tell(talk: Talk, conversation: int, people: dict[str, Person]) -> int:
    """Have the lines said, edited, deleted and read; those of an earlier run are not said again. How many were new."""
    ids: list[int] = []
    new = 0
    for number, line in enumerate(talk.lines):
        sender = people[line.who]
        body = {"conversation": conversation, "content": line.says, "client_id": f"demo-{number}"}
        reply = {} if line.reply_to is None else {"reply_to": ids[line.reply_to]}
        status, message = await sender.call("POST", "/api/chat/messages/create/", {**body, **reply})
        ids.append(message["id"])
        if status == 201:
            new += 1
            if line.becomes:
                await sender.call("PATCH", f"/api/chat/messages/{message['id']}/", {"content": line.becomes})
            if line.is_deleted:
                await sender.call("DELETE", f"/api/chat/messages/{message['id']}/delete/")
    for name in talk.people:
        if name not in talk.behind:
            await people[name].call("POST", f"/api/chat/conversations/{conversation}/mark-read/")
    return new


def moment(shortest: float, longest: float) -> float:
    """Some seconds."""
    return random.uniform(shortest, longest)  # nothing to guess  # nosec B311


class Reader:
    """Somebody who reads what the others say a moment after they said it."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.reads: set[asyncio.Task[None]] = set()

    async def connect(self, conversation: int) -> Socket:
        """An open socket, let in."""
        self.socket = await self.person.connect(conversation, on_frame=self._take)
        return self.socket

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "chat_message" and (frame["message"]["sender"] or {}).get("id") != self.person.id:
            task = asyncio.create_task(self._read(frame["message"]["id"]))
            self.reads.add(task)
            task.add_done_callback(self.reads.discard)

    async def _read(self, message_id: int) -> None:
        await asyncio.sleep(moment(0.4, 1.5))
        await self.socket.say("read_receipt", message_id=message_id)


async def go_on(conversations: dict[Talk, int], people: dict[str, Person], seconds: int) -> None:
    """Let everybody type, talk and read for that long."""
    scenes = []
    for talk, conversation in conversations.items():
        if talk.live:
            sockets = {name: await Reader(people[name]).connect(conversation) for name in talk.people}
            scenes.append((sockets, cycle(talk.live)))
    end = time.monotonic() + seconds

    async def pause(length: float) -> None:
        await asyncio.sleep(max(0, min(length, end - time.monotonic())))

    for sockets, lines in cycle(scenes):
        who, text = next(lines)
        await pause(moment(0.2, 1))
        await sockets[who].say("typing", is_typing=True)
        await pause(0.8 + len(text) / 40)
        if time.monotonic() >= end:
            break
        if not await sockets[who].say("chat_message", content=text):
            raise CommandError("The server has closed the connection.")
    for sockets, _ in scenes:
        for socket in sockets.values():
            await socket.close()


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
        url = address(url)
        if not 0 <= seconds <= MAX_SECONDS:
            raise CommandError(f"--seconds takes 0 to {MAX_SECONDS}, not {seconds}")
        try:
            asyncio.run(self.fill(url, seconds))
        except KeyboardInterrupt:
            pass  # as it was told
        self.invite(url)

    async def fill(self, url: str, seconds: int) -> None:
        """Have everybody log in, say what they have to say, talk live, and log out."""
        async with servers([url], name="demo") as [server]:
            people = {name: await enter(server, name) for name in PEOPLE}
            self.stdout.write(f"{', '.join(people)} are logged in.")
            conversations = {}
            for talk in TALKS:
                conversations[talk] = await find_or_make(talk, people)
                new = await tell(talk, conversations[talk], people)
                self.stdout.write(f"{talk.name or ' and '.join(talk.people)}: {new or 'no'} new messages.")
            try:
                if seconds:
                    self.invite(url)
                    self.stdout.write(f"They type, talk and read for {seconds} seconds now. Ctrl-C ends it.")
                    await go_on(conversations, people, seconds)
            finally:
                for person in people.values():
                    await person.logout()

    def invite(self, url: str) -> None:
        """Say what to open, and how to get in."""
        self.stdout.write(f"\nOpen {url}/ and log in as ada@example.com with the password {PASSWORD}")
        others = ", ".join(f"{name}@example.com" for name in PEOPLE if name != "ada")
        self.stdout.write(f"(the same one for {others})\n\n")
