/** Who is logged in: tokens that are renewed in time, once for all, and sessions that end. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { ApiError, MemoryStorage } from "../../static/chat-client/index.js";
import { clientOf, device, heard, isOpen, pair, PASSWORD, person, texts, until } from "./people.mjs";
import { pause, startServer } from "./server.mjs";

let server, hasty;
before(async () => {
  [server, hasty] = await Promise.all([startServer(), startServer({ ACCESS_TOKEN_LIFETIME: "3" })]);
});

/** `fetch`, with the paths that were asked for. */
function watched() {
  const paths = [];
  const call = (url, options) => {
    paths.push(url.pathname);
    return fetch(url, options);
  };
  return { fetch: call, count: (path) => paths.filter((each) => each === path).length };
}

const REFRESH = "/api/auth/token/refresh/";

test("who registers is logged in, and after a reload still is", async () => {
  const storage = new MemoryStorage();
  const ada = await person(server, { storage });
  const { user } = ada;
  assert.equal(user.email, `${user.username}@example.com`);
  ada.close();
  const again = clientOf(server, { storage });
  assert.deepEqual(again.user, user);
  await isOpen(again);
});

test("what is refused says why, field by field", async () => {
  const ada = clientOf(server);
  const refusal = await ada.register({ email: "no", username: "ok-name", password: "x" }).catch((error) => error);
  assert.ok(refusal instanceof ApiError);
  assert.equal(refusal.status, 400);
  assert.deepEqual(new Set(refusal.errors.map(({ attr }) => attr)), new Set(["email", "password"]));
  assert.equal(refusal.isTemporary, false);
  await assert.rejects(ada.logIn({ email: "a@b.example", password: PASSWORD }), { status: 401, code: "invalid_credentials" });
  await assert.rejects(ada.loadProfile(), { status: 401, code: "not_authenticated" });
  assert.equal(ada.connection.state, "idle");
});

test("a server that is not there is told as such, and is temporary", async () => {
  const ada = clientOf({ url: "http://127.0.0.1:9" });
  await assert.rejects(ada.requestPasswordReset("a@b.example"), { status: 0, code: "no_answer", isTemporary: true });
});

test("the token is renewed before it runs out, and the socket stays open", async () => {
  const { ada, bob, adas, bobs } = await pair(hasty);
  const states = heard(ada, "connection");
  const sessions = heard(ada, "session");
  await pause(4000);
  assert.deepEqual(states, []);
  assert.ok(sessions.filter(({ state }) => state === "renewed").length >= 2);
  adas.send("still here");
  await until(() => texts(bobs).length === 1);
  assert.ok(bob.user);
});

test("twenty calls with a token that has run out renew it once", async () => {
  const watch = watched();
  const storage = new MemoryStorage();
  const ada = await person(server, { storage, fetch: watch.fetch });
  ada.close();
  storage.setItem("session", JSON.stringify({ ...JSON.parse(storage.getItem("session")), expiresAt: 0 }));
  const again = clientOf(server, { storage, fetch: watch.fetch });
  await Promise.all(Array.from({ length: 20 }, () => again.loadProfile()));
  assert.equal(watch.count(REFRESH), 1);
});

test("a token that the server no longer takes is renewed, and the call made again", async () => {
  const watch = watched();
  const storage = new MemoryStorage();
  const ada = await person(server, { storage });
  ada.close();
  for (const change of [(value) => storage.setItem("session", JSON.stringify(value)), (value) => storage.write("session", value)]) {
    const kept = await storage.read("session");
    change({ ...kept, access: "spoilt" });
  }
  const again = clientOf(server, { storage, fetch: watch.fetch });
  await Promise.all(Array.from({ length: 5 }, () => again.loadProfile()));
  assert.equal(watch.count(REFRESH), 1);
  await isOpen(again);
});

test("two clients on one storage share each renewal", async () => {
  const watch = watched();
  const storage = new MemoryStorage();
  const one = await person(hasty, { storage, fetch: watch.fetch });
  const other = clientOf(hasty, { storage, fetch: watch.fetch });
  const renewals = heard(one, "session");
  await isOpen(other);
  await pause(3500);
  await Promise.all([one.loadProfile(), other.loadProfile()]);
  assert.equal(watch.count(REFRESH), renewals.filter(({ state }) => state === "renewed").length);
  assert.ok(one.user && other.user);
});

test("who logs in or out in one tab does so in all", async () => {
  const storage = new MemoryStorage();
  const [one, other] = [clientOf(server, { storage }), clientOf(server, { storage })];
  const account = await person(server);
  await one.logIn({ email: account.user.email, password: PASSWORD });
  await until(() => other.user?.id === account.user.id);
  await isOpen(other);
  const sessions = heard(other, "session");
  await one.logOut();
  await until(() => other.user === null);
  assert.deepEqual(sessions.map(({ state, reason }) => [state, reason]), [["ended", "logged_out"]]);
  assert.deepEqual([one.connection.state, other.connection.state], ["idle", "idle"]);
  assert.deepEqual(storage.keys(), ["session"]);
});

test("who logs in as somebody else has nothing of the one before", async () => {
  const storage = new MemoryStorage();
  const { ada, bob, adas } = await pair(server, {});
  const tab = clientOf(server, { storage });
  const other = clientOf(server, { storage });
  await tab.logIn({ email: ada.user.email, password: PASSWORD });
  await until(() => other.conversations.length === 1);
  const carl = await person(server);
  const sessions = heard(other, "session");
  await tab.logIn({ email: carl.user.email, password: PASSWORD });
  await until(() => other.user?.id === carl.user.id);
  assert.deepEqual(sessions.map(({ state, reason }) => [state, reason]), [["ended", "replaced"], ["began", null]]);
  await other.loadConversations();
  assert.deepEqual([tab.conversations, other.conversations], [[], []]);
  assert.equal(other.getConversation(adas.id), undefined);
  assert.ok(bob.user);
});

test("a session that is ended elsewhere is over here", async () => {
  const ada = await person(server);
  const tablet = await device(server, ada);
  const sessions = heard(tablet, "session");
  const list = await ada.listSessions();
  assert.equal(list.items.length, 2);
  await ada.endSession(list.items.find(({ is_current: isCurrent }) => !isCurrent).id);
  await until(() => tablet.user === null);
  assert.deepEqual(sessions.map(({ state, reason }) => [state, reason]), [["ended", "expired"]]);
  assert.equal(tablet.connection.state, "idle");
  assert.ok(ada.user);
});

test("who changes the password goes on here, in every tab, and nowhere else", async () => {
  const storage = new MemoryStorage();
  const slow = async (url, options) => {
    const answer = await fetch(url, options);
    if (url.pathname.includes("password-change")) await pause(400); // meanwhile the other tab's token is no longer good
    return answer;
  };
  const ada = await person(server, { storage, fetch: slow });
  const tab = clientOf(server, { storage, timing: { firstDelay: 20 } });
  const tablet = await device(server, ada);
  await isOpen(tab);
  await assert.rejects(ada.changePassword("wrong", "another horse 43"), { status: 400, code: "invalid" });
  await ada.changePassword(PASSWORD, "another horse 43");
  await until(() => tablet.user === null);
  await pause(300);
  await Promise.all([isOpen(ada), isOpen(tab)]);
  assert.ok((await ada.loadProfile()) && (await tab.loadProfile()));
});

test("logging out everywhere does", async () => {
  const ada = await person(server);
  const tablet = await device(server, ada);
  await ada.logOut({ all: true });
  await until(() => tablet.user === null);
});

test("the profile is changed, here and in other tabs", async () => {
  const storage = new MemoryStorage();
  const ada = await person(server, { storage });
  const tab = clientOf(server, { storage });
  const users = heard(tab, "user");
  await ada.updateProfile({ first_name: "Ada", last_name: "Lovelace" });
  assert.equal(ada.user.display_name, "Ada Lovelace");
  await until(() => users.length === 1);
  assert.equal(tab.user.display_name, "Ada Lovelace");
});

test("people are found page by page", async () => {
  const people = await Promise.all([1, 2, 3].map(() => person(server)));
  const found = await people[0].searchPeople("person", { limit: 1 });
  assert.equal(found.items.length, 1);
  assert.ok(found.hasMore);
  await found.loadMore();
  assert.equal(found.items.length, 2);
  assert.equal((await people[0].findPerson(people[1].user.id)).username, people[1].user.username);
  assert.equal(await people[0].findPerson(999_999), null);
});
