"""The people who play, the groups they play in, and how all of it is taken away again."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError

from chat.management.client import Person, Refused, Server, Socket

from .together import together

PEOPLE = 4  # of the 20 that the default THROTTLE_REGISTER lets one address register in an hour
FEWEST = 3
NEEDED_SECONDS = 90
CLEANING_SECONDS = 20


class Stage:
    """Everything that a run makes; `clear` takes it away."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = servers
        self.name = f"conformance-{secrets.token_hex(4)}"
        self.password = secrets.token_urlsafe(24)
        self.people: list[Person] = []
        self.are_ours = True  # else they are somebody's, who gave us their tokens
        self.sockets: list[Socket] = []
        self.sessions: list[Person] = []

    async def look(self) -> None:
        """Raise `CommandError` where one of the addresses is not of this chat server."""
        for server in self.servers:
            status, _ = await server.call("GET", "/api/auth/check-session/", accept=[401])
            if status != 401:
                raise CommandError(f"What answers at {server.url} is not this chat server.")

    async def fill(self, tokens: Sequence[str]) -> None:
        """Register throw-away people, or take those whose access tokens these are; all addresses must know them."""
        self.are_ours = not tokens
        if tokens:
            for number, token in enumerate(tokens, 1):
                person = await Person.holding(self.servers, token)
                if person is None:
                    raise CommandError(f"Token {number} is not, or no longer, good.")
                self.people.append(person)
            if len({person.id for person in self.people}) < max(FEWEST, len(tokens)):
                raise CommandError(f"--token takes the tokens of at least {FEWEST} people, one of each.")
        else:
            for number in range(1, PEOPLE + 1):
                self.people.append(await self._register(number))
        await self._look_at_tokens()

    async def _register(self, number: int) -> Person:
        username = f"{self.name}-{number}"
        account = {"username": username, "email": self._email(username), "password": self.password}
        try:
            person = await Person.register(self.servers, account)
        except Refused as error:
            raise CommandError(f"Nobody can be registered ({error}). Give it --token, once for each person.") from None
        if person is None:
            raise CommandError("The server does not take new accounts. Give it --token, once for each person.")
        self.sessions.append(person)
        return person

    @staticmethod
    def _email(username: str) -> str:
        return f"{username}@example.com"

    async def _look_at_tokens(self) -> None:
        for server in self.servers:
            for person in self.people:
                status, found = await person.call("GET", "/api/auth/check-session/", server=server, accept=[401])
                if status != 200 or found["user"]["id"] != person.id:
                    raise CommandError(f"{server.url} and {self.servers[0].url} do not serve the same accounts.")
                end = datetime.fromisoformat(found["expires_at"])
                left = int((end - datetime.now(UTC)).total_seconds())
                if left < NEEDED_SECONDS:
                    raise CommandError(f"An access token is good for {left} s more, and {NEEDED_SECONDS} are needed.")

    async def second_session(self, person: Person) -> Person:
        """The same person, logged in once more."""
        again = await Person.login(self.servers, email=self._email(person.username), password=self.password)
        if again is None:
            raise CommandError(f"{person.username} cannot log in again.")
        self.sessions.append(again)
        return again

    async def group(self, admin: Person, *others: Person) -> int:
        """The id of a new group."""
        body: dict[str, Any] = {"type": "group", "name": self.name, "participant_ids": [other.id for other in others]}
        _, made = await admin.call("POST", "/api/chat/conversations/create/", body)
        return int(made["id"])

    async def connect(self, person: Person, conversation: int, **options: Any) -> Socket:
        """An open socket, closed at the end."""
        socket = await person.connect(conversation, **options)
        self.sockets.append(socket)
        return socket

    async def close(self, sockets: Sequence[Socket]) -> None:
        """Close these sockets."""
        await together(*(socket.close() for socket in sockets))

    # Taking it away ----------------------------------------------------------------------------

    async def clear(self) -> list[str]:
        """Close every socket, delete every group, end every session; what could not be taken away, in plain lines."""
        left = []
        try:
            async with asyncio.timeout(CLEANING_SECONDS):
                await asyncio.gather(*(socket.close() for socket in self.sockets), return_exceptions=True)
                for person in self.people:
                    left += await self._delete_groups(person)
                for person in self.sessions:
                    await self._log_out(person)
        except (CommandError, TimeoutError) as error:
            left.append(f"Not all could be taken away, groups called {self.name} may stay: {error or 'no answer'}")
        if self.are_ours and self.people:
            names = ", ".join(person.username for person in self.people)
            left.append(f"These accounts stay, logged out; the admin site deletes them: {names}")
        return left

    async def _delete_groups(self, person: Person) -> list[str]:
        """By name, so that those are found, too, of whose making we did not hear."""
        _, found = await person.call("GET", f"/api/chat/conversations/?type=group&search={self.name}&limit=100")
        left = []
        for group in found["results"]:
            if group["name"] == self.name and self._is_admin(person, group):
                path = f"/api/chat/conversations/{group['id']}/delete/?for_everyone=true"
                status, _ = await person.call("DELETE", path, accept=[403, 404, 500])
                if status not in (204, 404):
                    left.append(f"Group {group['id']} stays: deleting it was answered {status}.")
        return left

    @staticmethod
    def _is_admin(person: Person, group: dict[str, Any]) -> bool:
        return any(each["is_admin"] and each["user"]["id"] == person.id for each in group["participants"])

    @staticmethod
    async def _log_out(person: Person) -> None:
        await Server.call(person.next_server(), "POST", "/api/auth/logout/", token=person.access, accept=[401])
