"""`static/chat-client/` in a real browser: what it keeps there, and what its tabs do together."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess

NUMBERS = count(1)
START = """async (options) => {
  const { ChatClient } = await import("/static/chat-client/index.js");
  window.client = new ChatClient(options);
  window.renewals = [];
  client.addEventListener("session", ({ detail }) => renewals.push(detail.state));
}"""
UNTIL = """async ([condition, milliseconds]) => {
  const holds = new Function(`return (${condition})`);
  for (const end = Date.now() + milliseconds; Date.now() < end; await new Promise((go) => setTimeout(go, 20))) {
    if (await holds()) return true;
  }
  return false;
}"""


class Tab:
    """A page of the server's origin with nothing on it but a client."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.url = url
        self.begin()

    def begin(self, **options: Any) -> None:
        """Load the page, or load it again."""
        self.page.goto(f"{self.url}/healthz")
        self.page.evaluate(START, options)

    def do(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def until(self, condition: str, seconds: float = 10) -> None:
        assert self.page.evaluate(UNTIL, [condition, seconds * 1000]), condition


class Visit:
    """One browser, with tabs that share what is kept in it."""

    def __init__(self, browser: Browser, server: ServerProcess, *, has_locks: bool) -> None:
        self.context = browser.new_context()
        self.url = server.url
        if not has_locks:  # as over plain HTTP
            self.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")

    def tab(self) -> Tab:
        return Tab(self.context, self.url)

    def register(self) -> Tab:
        name = f"library{next(NUMBERS)}"
        tab = self.tab()
        fields = {"email": f"{name}@example.com", "username": name, "password": PASSWORD}
        tab.do("(fields) => client.register(fields)", fields)
        tab.until("client.connection.state === 'open'")
        return tab


@pytest.fixture(params=[True, False], ids=["with locks", "without locks"])
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[[ServerProcess], Visit]]:
    visits: list[Visit] = []

    def come(server: ServerProcess) -> Visit:
        visits.append(Visit(browser, server, has_locks=request.param))
        return visits[-1]

    yield come
    for each in visits:
        each.context.close()


Come = Callable[[ServerProcess], Visit]


def test_a_reload_keeps_the_session_and_what_was_not_sent(visit: Come, shared_server: ServerProcess) -> None:
    person = visit(shared_server)
    tab = person.register()
    group = tab.do("async () => (await client.createGroup('notes')).id")
    person.context.set_offline(True)
    tab.do("(id) => { client.send(id, 'one'); client.send(id, 'two'); }", group)
    person.context.set_offline(False)
    tab.begin()
    tab.do("async (id) => (window.notes = await client.findConversation(id)).open()", group)
    tab.until("notes.messages.filter(({ type }) => type === 'text').map(({ content }) => content).join() === 'one,two'")
    tab.until("notes.pending.length === 0")


def test_what_a_closed_tab_left_is_sent_by_another_one(visit: Come, shared_server: ServerProcess) -> None:
    person = visit(shared_server)
    tab, other = person.register(), person.tab()
    group = tab.do("async () => (await client.createGroup('notes')).id")
    tab.begin(url="http://127.0.0.1:9")  # from where nothing is sent
    tab.do("(id) => { client.send(id, 'left behind'); }", group)
    other.begin(timing={"pingEvery": 200})
    other.do("async (id) => (window.notes = await client.findConversation(id)).open()", group)
    assert other.do("() => notes.messages.length") == 1  # the system message of its creation
    tab.page.close()
    other.until("notes.messages.some(({ content }) => content === 'left behind')")


def test_tabs_renew_the_tokens_together(visit: Come, start_server: Any) -> None:
    person = visit(start_server(ACCESS_TOKEN_LIFETIME="3"))
    tab, other = person.register(), person.tab()
    other.until("client.connection.state === 'open'")
    for each in (tab, other):
        each.until("renewals.filter((state) => state === 'renewed').length >= 2")
    for each in (tab, other):
        assert each.do("async () => (await client.loadProfile()).id")
        each.until("client.connection.state === 'open'")


def test_who_logs_out_does_so_in_every_tab(visit: Come, shared_server: ServerProcess) -> None:
    person = visit(shared_server)
    tab, other = person.register(), person.tab()
    other.until("client.user !== null")
    tab.do("() => client.logOut()")
    other.until("client.user === null && client.connection.state === 'idle'")
    assert tab.do("() => Object.keys(localStorage).filter((key) => key.startsWith('chat.'))") == ["chat.session"]
