"""The page at `/`, as those see it who use it: two and three browsers before one server."""

from collections.abc import Callable
from time import monotonic
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.services.environment import PASSWORD
from tests.services.server import ServerProcess

from .person import Person

Join = Callable[..., Person]


def chatting(first: Person, second: Person) -> None:
    """Both have their private conversation open; nobody waits until it shows in their list."""
    first.open_private(second)
    second.open_private(first)


def check_session(person: Person, token: str) -> int:
    answer = httpx.get(
        f"{person.url}/api/auth/check-session/", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    return answer.status_code


def test_two_people_chat_with_each_other(join: Join) -> None:
    alice, bob = join("chat-alice"), join("chat-bob")
    chatting(alice, bob)
    bob.say("Hello Alice")
    expect(alice.messages).to_have_text(["Hello Alice"])
    alice.say("Hello Bob")
    for each in (alice, bob):
        expect(each.messages).to_have_text(["Hello Alice", "Hello Bob"])
        expect(each.pending).to_have_count(0)


def test_a_conversation_begun_by_somebody_else_appears_in_the_list(join: Join) -> None:
    alice, bob = join("list-alice"), join("list-bob")
    alice.open_private(bob)
    alice.say("Are you there?")
    expect(bob.row(alice.name)).to_contain_text("Are you there?")
    expect(bob.row(alice.name).get_by_text("1 unread", exact=True)).to_be_visible()


def test_typing_is_shown_until_the_message_comes(join: Join) -> None:
    alice, bob = join("typing-alice"), join("typing-bob")
    chatting(alice, bob)
    bob.message_box.press_sequentially("Hel")
    expect(alice.typing).to_have_text(f"{bob.name} is typing…")
    bob.message_box.press("Enter")
    expect(alice.messages).to_have_text(["Hel"])
    expect(alice.typing).to_have_text("")


def test_typing_ends_where_the_text_is_taken_back(join: Join) -> None:
    alice, bob = join("back-alice"), join("back-bob")
    chatting(alice, bob)
    bob.message_box.press_sequentially("Hel")
    expect(alice.typing).to_have_text(f"{bob.name} is typing…")
    bob.message_box.fill("")
    expect(alice.typing).to_have_text("", timeout=2_000)


def test_coming_and_going_is_shown(join: Join) -> None:
    alice, bob = join("status-alice"), join("status-bob")
    chatting(alice, bob)
    expect(alice.status).to_have_text("Online")
    bob.page.close()
    expect(alice.status).to_contain_text("Last seen today at", timeout=12_000)
    expect(alice.row(bob.name)).to_have_attribute("data-online", "false")


def test_a_message_is_marked_as_seen_once_the_other_one_has_it_on_the_screen(join: Join) -> None:
    alice, bob = join("seen-alice"), join("seen-bob")
    alice.open_private(bob)
    alice.say("Look")
    expect(alice.messages).to_have_text(["Look"])
    expect(alice.seen).to_have_count(0)
    bob.open_conversation(alice.name)
    expect(alice.seen).to_have_text("Seen")
    expect(bob.row(alice.name).get_by_text("unread")).to_have_count(0)


def test_a_group_of_three_gets_a_message(join: Join) -> None:
    alice, bob, carol = join("group-alice"), join("group-bob"), join("group-carol")
    alice.make_group("Crew", bob, carol)
    bob.open_conversation("Crew")
    carol.open_conversation("Crew")
    carol.say("Hello crew")
    for each in (alice, bob, carol):
        expect(each.messages).to_have_text(["Hello crew"])
        expect(each.system_messages).to_have_text([f"{alice.name} created the group Crew"])
    expect(alice.page.get_by_test_id("message").get_by_text(carol.name)).to_be_visible()


def test_a_message_of_several_lines_keeps_them(join: Join) -> None:
    alice, bob = join("lines-alice"), join("lines-bob")
    alice.open_private(bob)
    alice.message_box.press_sequentially("one")
    alice.message_box.press("Shift+Enter")
    alice.message_box.press_sequentially("two")
    alice.message_box.press("Enter")
    expect(alice.messages).to_have_count(1)
    assert alice.messages.inner_text() == "one\ntwo"


def test_older_messages_come_in_above_and_what_is_read_stays_in_place(join: Join) -> None:
    alice, bob = join("older-alice"), join("older-bob")
    alice.open_private(bob)
    post_many(alice, 120)
    alice.page.reload()
    expect(alice.messages).to_have_count(50)
    expect(alice.messages.last).to_be_in_viewport()
    first = alice.messages.first
    before = first.text_content() or ""
    alice.page.locator("#scroller").evaluate("(scroller) => (scroller.scrollTop = 60)")
    expect(alice.messages).to_have_count(100)
    expect(alice.messages.get_by_text(before, exact=True)).to_be_in_viewport()
    # A click would first scroll to the button, and what is near the top loads by itself.
    alice.page.get_by_role("button", name="Load older messages").dispatch_event("click")
    expect(alice.messages).to_have_text([f"number {n}" for n in range(1, 121)])


def post_many(person: Person, count: int) -> None:
    """That many messages in the conversation that is open, over REST."""
    with rest(person) as client:
        for number in range(1, count + 1):
            post(client, person, content=f"number {number}")


def rest(person: Person) -> httpx.Client:
    headers = {"Authorization": f"Bearer {person.access_token()}"}
    return httpx.Client(base_url=person.url, headers=headers, trust_env=False)


def post(client: httpx.Client, person: Person, **fields: Any) -> int:
    """The id of a new message in the conversation that is open."""
    body = {"conversation": int(person.page.url.rsplit("/", 1)[1]), **fields}
    return int(client.post("/api/chat/messages/create/", json=body).raise_for_status().json()["id"])


def test_a_flood_of_messages_costs_few_frames_and_calls(join: Join) -> None:
    alice, bob = join("flood-alice"), join("flood-bob")
    sockets: list[Any] = []
    sent: list[str] = []
    lists: list[str] = []
    alice.page.on("websocket", lambda socket: sockets.append(socket))
    alice.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(str(frame))))
    alice.page.on("request", lambda request: lists.append(request.url) if "/conversations/?" in request.url else None)
    chatting(alice, bob)
    lists.clear()
    began = monotonic()
    post_many(bob, 150)
    expect(alice.messages.last).to_have_text("number 150")
    expect(alice.row(bob.name)).to_contain_text("number 150")
    expect(alice.row(bob.name).get_by_text("unread")).to_have_count(0)
    expect(bob.seen).to_have_text("Seen")
    seconds = monotonic() - began
    assert 0 < sum('"read_receipt"' in frame for frame in sent) <= seconds + 2
    assert len(lists) <= seconds / 4 + 2
    assert [socket.is_closed() for socket in sockets] == [False]


def test_a_quote_follows_its_original(join: Join) -> None:
    alice, bob = join("quote-alice"), join("quote-bob")
    chatting(alice, bob)
    quote = alice.page.locator(".quote")
    with rest(bob) as client:
        original = post(client, bob, content="Shall we meet?")
        post(client, bob, content="Or shall we not?", reply_to=original)
        expect(quote).to_contain_text("Shall we meet?")
        client.patch(f"/api/chat/messages/{original}/", json={"content": "Shall we dance?"}).raise_for_status()
        expect(quote).to_contain_text("Shall we dance?")
        client.delete(f"/api/chat/messages/{original}/delete/").raise_for_status()
        expect(quote).to_contain_text("Message deleted")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restarted_server_loses_nothing_and_doubles_nothing(join: Join, server: ServerProcess, end: str) -> None:
    alice, bob = join("restart-alice", server), join("restart-bob", server)
    chatting(alice, bob)
    alice.say("before")
    expect(bob.messages).to_have_text(["before"])
    alice.say("at the last moment")
    getattr(server, end)()
    alice.say("while it is away")
    bob.say("me too")
    expect(alice.pending.get_by_text("while it is away")).to_be_visible()
    server.start()
    for each in (alice, bob):
        expect(each.pending).to_have_count(0, timeout=20_000)
        expect(each.messages).to_have_count(4)
        expect(each.connection).to_have_text("Connected")
    assert alice.messages.all_text_contents() == bob.messages.all_text_contents()
    assert set(alice.messages.all_text_contents()) == {"before", "at the last moment", "while it is away", "me too"}


def test_a_message_that_is_not_sent_yet_outlives_a_reload(join: Join) -> None:
    alice, bob = join("tunnel-alice"), join("tunnel-bob")
    chatting(alice, bob)
    is_tunnel = True
    alice.page.route_web_socket("**/ws/**", lambda socket: socket.close() if is_tunnel else socket.connect_to_server())
    alice.page.reload()
    alice.say("in the tunnel")
    expect(alice.pending).to_contain_text("Sending…")
    alice.page.reload()
    expect(alice.pending).to_contain_text("in the tunnel")
    is_tunnel = False
    expect(bob.messages).to_have_text(["in the tunnel"], timeout=20_000)
    expect(alice.pending).to_have_count(0)
    expect(alice.messages).to_have_text(["in the tunnel"])


def test_a_reload_keeps_the_session_and_the_open_conversation(join: Join) -> None:
    alice, bob = join("reload-alice"), join("reload-bob")
    alice.open_private(bob)
    alice.say("Still here")
    expect(alice.messages).to_have_text(["Still here"])
    alice.page.reload()
    expect(alice.messages).to_have_text(["Still here"])
    expect(alice.page.get_by_test_id("me")).to_have_text(alice.name)


def test_logging_out_ends_the_session_on_the_server(join: Join) -> None:
    alice = join("logout-alice")
    token = alice.access_token()
    assert check_session(alice, token) == 200
    alice.log_out()
    expect(alice.start).to_be_visible()
    assert check_session(alice, token) == 401
    alice.page.reload()
    expect(alice.start).to_be_visible()


def test_logging_out_forgets_what_was_never_sent(join: Join) -> None:
    alice, bob = join("unsent-alice"), join("unsent-bob")
    alice.open_private(bob)
    alice.page.route_web_socket("**/ws/**", lambda socket: socket.close())
    alice.page.reload()
    alice.say("never sent")
    expect(alice.pending).to_contain_text("Sending…")
    assert "never sent" in alice.page.evaluate("JSON.stringify(sessionStorage)")
    alice.log_out()
    expect(alice.start).to_be_visible()
    assert alice.page.evaluate("JSON.stringify(sessionStorage)") == "{}"


def test_logging_out_logs_out_the_other_tabs(join: Join) -> None:
    alice = join("tabs-alice")
    other = alice.open()
    expect(other.get_by_test_id("chat")).to_be_visible()
    alice.log_out()
    expect(other.get_by_test_id("start")).to_be_visible()


def test_a_session_ended_elsewhere_leads_to_the_login_screen(join: Join) -> None:
    alice, bob = join("ended-alice"), join("ended-bob")
    alice.open_private(bob)
    httpx.post(
        f"{alice.url}/api/auth/logout/", headers={"Authorization": f"Bearer {alice.access_token()}"}, trust_env=False
    ).raise_for_status()
    expect(alice.page.get_by_test_id("notice")).to_have_text("Your session has ended. Please log in again.")


def test_logging_in_again_shows_what_was_said(join: Join) -> None:
    alice, bob = join("again-alice"), join("again-bob")
    alice.open_private(bob)
    alice.say("Remember this")
    expect(alice.messages).to_have_text(["Remember this"])
    alice.log_out()
    alice.log_in()
    alice.open_conversation(bob.name)
    expect(alice.messages).to_have_text(["Remember this"])


def test_two_tabs_renew_the_tokens_without_ending_the_session(join: Join, start_server: Any) -> None:
    server = start_server(ACCESS_TOKEN_LIFETIME="3")
    alice, bob = join("renew-alice", server), join("renew-bob", server)
    chatting(alice, bob)
    first = alice.access_token()
    other = alice.open()
    alice.page.wait_for_timeout(6_000)  # two or three renewals, in each of which both tabs want to be the one
    alice.say("still here")
    expect(bob.messages).to_have_text(["still here"])
    expect(other.get_by_test_id("chat")).to_be_visible()
    assert alice.access_token() != first


def test_a_refused_registration_says_why_at_the_field(join: Join, visitor: Join, shared_server: ServerProcess) -> None:
    alice = join("taken")
    stranger = visitor(shared_server, "stranger")
    stranger.page.get_by_role("tab", name="Register").click()
    form = stranger.page.get_by_test_id("register-form")
    form.get_by_label("E-mail").fill(stranger.email)
    form.get_by_label("Username").fill(alice.name)
    form.get_by_label("Password").fill(PASSWORD)
    form.get_by_role("button", name="Create account").click()
    username = form.get_by_label("Username")
    expect(username).to_be_focused()
    expect(username).to_have_attribute("aria-invalid", "true")
    expect(form.locator(".field-error")).to_have_count(1)


def test_a_wrong_password_is_refused_on_the_page(join: Join) -> None:
    alice = join("wrong-alice")
    alice.log_out()
    alice.log_in("not the password")
    expect(alice.start.get_by_role("alert")).to_be_visible()
    expect(alice.chat).to_be_hidden()


def test_on_a_phone_the_list_and_the_conversation_take_turns(join: Join) -> None:
    alice, bob = join("phone-alice"), join("phone-bob")
    alice.page.set_viewport_size({"width": 375, "height": 700})
    alice.open_private(bob)
    expect(alice.page.get_by_role("complementary")).to_be_hidden()
    alice.page.get_by_label("Back to the conversations").click()
    expect(alice.row(bob.name)).to_be_visible()
    expect(alice.message_box).to_be_hidden()
    assert alice.page.evaluate("document.documentElement.scrollWidth") == 375


def test_a_whole_session_makes_no_noise_and_asks_no_other_host(join: Join) -> None:
    alice, bob = join("quiet-alice"), join("quiet-bob")
    chatting(alice, bob)
    bob.say("Hello")
    expect(alice.messages).to_have_text(["Hello"])
    alice.make_group("Quiet", bob)
    alice.page.reload()
    alice.wait_for_room("Quiet")
    expect(alice.row("Quiet")).to_be_visible()
    alice.log_out()
    expect(alice.start).to_be_visible()
    for each in (alice, bob):
        assert each.log.console == []
        assert each.log.hosts == {each.url.removeprefix("http://")}


def test_the_page_works_under_a_strict_content_security_policy(browser: Any, shared_server: ServerProcess) -> None:
    persons = []
    for name in ("csp-alice", "csp-bob"):
        # Chromium takes a page that the test answers for a foreign one, and asks before it lets that reach 127.0.0.1.
        context = browser.new_context(permissions=["local-network-access"])
        context.route(f"{shared_server.url}/", with_strict_policy)
        persons.append(Person(context, shared_server.url, name).register())
    alice, bob = persons
    chatting(alice, bob)
    alice.say("Under the policy")
    expect(bob.messages).to_have_text(["Under the policy"])
    assert alice.log.console + bob.log.console == []
    for person in persons:
        person.context.close()


def with_strict_policy(route: Any) -> None:
    response = route.fetch()
    route.fulfill(response=response, headers={**response.headers, "content-security-policy": "default-src 'self'"})
