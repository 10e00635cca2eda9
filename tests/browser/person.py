"""Somebody at a browser: what a person does on the page and sees on it, by role, label and test id."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess


@dataclass
class Log:
    """What a page let out beside what it shows."""

    console: list[str] = field(default_factory=list)
    uncaught: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on(
            "console",
            lambda message: self.console.append(message.text) if message.type in {"error", "warning"} else None,
        )
        page.on("pageerror", lambda error: self.uncaught.append(str(error)))
        page.on("request", self._request)
        page.on("websocket", lambda socket: self.hosts.add(urlsplit(socket.url).netloc))

    def _request(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc)


def wait_until(page: Page, condition: str) -> None:
    """Until that is so in the page: Playwright's own way evaluates a text there, which the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{condition} never became true")


class Person:
    """One browser of their own: nothing is shared with the other persons'."""

    def __init__(self, context: BrowserContext, server: ServerProcess, name: str) -> None:
        self.context, self.server, self.url, self.name = context, server, server.url, name
        self.log = Log()
        self.page = self.open()

    def open(self, path: str = "/") -> Page:
        """Another tab."""
        page = self.context.new_page()
        self.log.watch(page)
        page.goto(self.url + path)
        return page

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"

    @property
    def start(self) -> Locator:
        return self.page.get_by_test_id("start")

    @property
    def chat(self) -> Locator:
        return self.page.get_by_test_id("chat")

    @property
    def messages(self) -> Locator:
        """The stored text messages that are shown, oldest first; those under way are not among them."""
        return self.page.get_by_test_id("message").get_by_test_id("content")

    @property
    def pending(self) -> Locator:
        return self.page.get_by_test_id("pending")

    @property
    def system_messages(self) -> Locator:
        return self.page.get_by_test_id("system-message")

    @property
    def typing(self) -> Locator:
        return self.page.get_by_test_id("typing")

    @property
    def status(self) -> Locator:
        return self.page.get_by_test_id("room-status")

    @property
    def seen(self) -> Locator:
        return self.page.get_by_test_id("seen")

    @property
    def connection(self) -> Locator:
        return self.page.get_by_test_id("connection")

    @property
    def message_box(self) -> Locator:
        return self.page.get_by_label("Message", exact=True)

    @property
    def search(self) -> Locator:
        return self.page.get_by_label("Search people and conversations")

    @property
    def rows_from_line(self) -> Locator:
        """The line above new messages, and all that stands below it."""
        line = ".messages > li:has([data-testid=new-line])"
        return self.page.locator(f"{line}, {line} ~ li")

    def message(self, text: str) -> Locator:
        return self.page.get_by_test_id("message").filter(has_text=text)

    def register(self) -> Self:
        self.page.get_by_role("tab", name="Register").click()
        form = self.page.get_by_test_id("register-form")
        form.get_by_label("E-mail").fill(self.email)
        form.get_by_label("Username").fill(self.name)
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_role("button", name="Create account").click()
        expect(self.chat).to_be_visible()
        return self

    def log_in(self, password: str = PASSWORD) -> None:
        form = self.page.get_by_test_id("login-form")
        form.get_by_label("E-mail").fill(self.email)
        form.get_by_label("Password").fill(password)
        form.get_by_role("button", name="Log in").click()

    def log_out(self) -> None:
        self.choose("Log out")

    def choose(self, name: str) -> None:
        """What is in the menu of the account."""
        self.open_menu()
        self.page.get_by_test_id("account-menu").get_by_role("button", name=name, exact=True).click()

    def open_menu(self) -> None:
        self.page.get_by_role("button", name="Your account").click()

    def row(self, name: str) -> Locator:
        """The conversation of that name in the list."""
        rows = self.page.get_by_test_id("conversations").get_by_role("listitem")
        return rows.filter(has=self.page.locator(".row-name").get_by_text(name, exact=True))

    def open_conversation(self, name: str) -> None:
        """Open one that is in the list, and wait for its socket."""
        self.row(name).click()
        self.wait_for_room(name)

    def open_private(self, other: "Person") -> None:
        """Find the other one and open the conversation with them, and wait for its socket."""
        self.search.fill(other.name)
        self.page.get_by_test_id("people").get_by_role("button", name=other.name).click()
        self.wait_for_room(other.name)

    def make_group(self, name: str, *others: "Person") -> None:
        self.page.get_by_role("button", name="New group").click()
        dialog = self.page.get_by_test_id("group-dialog")
        dialog.get_by_label("Name", exact=True).fill(name)
        for other in others:
            dialog.get_by_label("Add people").fill(other.name)
            dialog.get_by_test_id("group-people").get_by_role("button", name=other.name).click()
        dialog.get_by_role("button", name="Create group").click()
        self.wait_for_room(name)

    def wait_for_room(self, name: str) -> None:
        expect(self.page.get_by_test_id("room-name")).to_have_text(name)
        expect(self.page.get_by_test_id("room")).to_have_attribute("data-state", "open")

    def say(self, text: str) -> None:
        """Send it; it may still be under way afterwards."""
        self.message_box.fill(text)
        self.message_box.press("Enter")

    def act_on(self, text: str, action: str) -> None:
        """Press a button of the message with that text."""
        self.message(text).hover()
        self.message(text).get_by_role("button", name=action, exact=True).click()

    def scroll_by(self, pixels: int) -> None:
        """Turn the wheel over the messages."""
        self.page.get_by_test_id("messages").hover()
        self.page.mouse.wheel(0, pixels)

    def scroll_to(self, message: Locator) -> None:
        """Turn the wheel until the upper half of the messages has it."""
        for _ in range(100):
            box, view = message.bounding_box() if message.count() else None, self.page.viewport_size
            if box and view and 0 < box["y"] < view["height"] / 2:
                return
            self.scroll_by(-150)
            self.page.wait_for_timeout(50)
        raise AssertionError("it did not come into view")

    def open_details(self) -> Locator:
        self.page.get_by_role("button", name="Details", exact=True).click()
        return self.page.get_by_test_id("details")

    def look_away(self) -> None:
        """As if another window had the keyboard."""
        self.page.evaluate("document.hasFocus = () => false")

    def look_back(self) -> None:
        self.page.evaluate("delete document.hasFocus; dispatchEvent(new Event('focus'))")

    # Beside the page ----------------------------------------------------------------------------------

    @property
    def conversation(self) -> int:
        """The id of the conversation that is open."""
        return int(self.page.url.rsplit("/", 1)[1])

    def call(self, method: str, path: str, **body: Any) -> Any:
        """A REST call of theirs: what it answers, None where that has no body."""
        headers = {"Authorization": f"Bearer {self.access_token()}"}
        answer = httpx.request(method, f"{self.url}/api/{path}", json=body, headers=headers, trust_env=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def post(self, content: str, **fields: Any) -> int:
        """The id of a new message in the conversation that is open, over REST."""
        body = {"conversation": self.conversation, "content": content, **fields}
        return int(self.call("POST", "chat/messages/create/", **body)["id"])

    def post_many(self, count: int) -> None:
        """ "number 1" and so on, over REST."""
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            client.headers["Authorization"] = f"Bearer {self.access_token()}"
            for number in range(1, count + 1):
                body = {"conversation": self.conversation, "content": f"number {number}"}
                client.post("/api/chat/messages/create/", json=body).raise_for_status()

    def execute(self, statement: str, **values: Any) -> None:
        """Have it done in the server's database, behind its back."""
        with sqlite3.connect(self.server.settings["DATABASE_URL"].removeprefix("sqlite:///"), timeout=10) as database:
            database.execute(statement, values)
        database.close()

    @property
    def id(self) -> int:
        """The id of the account that is logged in."""
        return int(self.page.evaluate("JSON.parse(localStorage.getItem('chat.session')).user.id"))

    def access_token(self) -> str:
        """The token that the page uses now."""
        return str(self.page.evaluate("JSON.parse(localStorage.getItem('chat.session')).access"))


def chatting(first: Person, second: Person) -> None:
    """Both have their private conversation open; nobody waits until it shows in their list."""
    first.open_private(second)
    second.open_private(first)
