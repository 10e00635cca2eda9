/** Own messages that are not sent yet: they outlive the page, and each is sent once. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { MemoryStorage } from "../../static/chat-client/index.js";
import { clientOf, heard, isOpen, pair, PASSWORD, person, texts, until } from "./people.mjs";
import { pause, startProxy, startServer } from "./server.mjs";

let server, strict;
before(async () => {
  [server, strict] = await Promise.all([startServer(), startServer({ THROTTLE_MESSAGES: "5/1s" })]);
});

const FAR = { firstDelay: 60_000, longestDelay: 60_000 };
const NOWHERE = { url: "http://127.0.0.1:9" };

/** Memory as it is after the power was gone: what was kept is there, and nobody claims anything. */
function afterCrash(storage) {
  const copy = new MemoryStorage();
  for (const key of storage.keys()) copy.setItem(key, storage.getItem(key));
  return copy;
}

test("what is written offline is there after a reload, and sent once there is a connection", async () => {
  const storage = new MemoryStorage();
  const { ada, adas, bobs } = await pair(server, {});
  const tab = clientOf(server, { storage });
  await tab.logIn({ email: ada.user.email, password: PASSWORD });
  await isOpen(tab);
  tab.close();
  const offline = clientOf(NOWHERE, { storage });
  for (const content of ["one", "two", "three"]) offline.send(adas.id, content);
  offline.close();
  const reloaded = clientOf(server, { storage });
  const conversation = await reloaded.findConversation(adas.id);
  assert.deepEqual(conversation.pending.map(({ content }) => content), ["one", "two", "three"]);
  await until(() => texts(bobs).length === 3);
  assert.deepEqual(texts(bobs), ["one", "two", "three"]);
  await until(() => conversation.pending.length === 0);
  assert.deepEqual(storage.keys(), ["session"]);
});

test("a reload in the middle of sending loses nothing, doubles nothing and keeps the order", async () => {
  const storage = new MemoryStorage();
  const { ada, adas, bobs } = await pair(server, {});
  let tab = clientOf(server, { storage });
  await tab.logIn({ email: ada.user.email, password: PASSWORD });
  await isOpen(tab);
  const said = [];
  for (let reloads = 0; reloads < 5; reloads += 1) {
    for (let count = 0; count < 10; count += 1) said.push(tab.send(adas.id, `${reloads}.${count}`).content);
    await pause(15);
    tab.close();
    tab = clientOf(server, { storage });
  }
  await until(() => texts(bobs).length === said.length);
  assert.deepEqual(texts(bobs), said);
});

test("what a tab that is gone left behind is sent by one that lives, and what another one keeps is not", async () => {
  const { ada, adas, bobs } = await pair(server, {});
  const storage = new MemoryStorage();
  const [gone, living] = [clientOf(NOWHERE, { storage }), clientOf(NOWHERE, { storage })];
  const login = clientOf(server, { storage });
  await login.logIn({ email: ada.user.email, password: PASSWORD });
  await until(() => gone.user && living.user);
  for (const [tab, name] of [[gone, "gone"], [living, "living"]]) tab.send(adas.id, name);
  const other = clientOf(server, { storage });
  await isOpen(other);
  await pause(100);
  assert.deepEqual(texts(bobs), []);
  gone.close();
  other.reconnect();
  const another = clientOf(server, { storage });
  await until(() => texts(bobs).length === 1);
  await pause(100);
  assert.deepEqual(texts(bobs), ["gone"]);
  assert.ok(another.user);
});

test("what was left by a browser that crashed is sent", async () => {
  const { ada, adas, bobs } = await pair(server, {});
  const storage = new MemoryStorage();
  const login = clientOf(server, { storage });
  await login.logIn({ email: ada.user.email, password: PASSWORD });
  login.close();
  clientOf(NOWHERE, { storage }).send(adas.id, "before the crash");
  const after = afterCrash(storage);
  const tab = clientOf(server, { storage: after });
  await tab.logIn({ email: ada.user.email, password: PASSWORD });
  await until(() => texts(bobs).length === 1);
});

test("who logs out leaves nothing unsent; whose session ended finds it again", async () => {
  const { ada, adas, bobs } = await pair(server, {});
  const storage = new MemoryStorage();
  const login = clientOf(server, { storage });
  const enter = () => login.logIn({ email: ada.user.email, password: PASSWORD });
  await enter();
  let tab = clientOf(NOWHERE, { storage });
  tab.send(adas.id, "kept");
  const { items } = await login.listSessions();
  await ada.endSession(items.find(({ is_current: isCurrent }) => isCurrent).id);
  await until(() => tab.user === null);
  tab.close();
  await enter();
  await until(() => texts(bobs).length === 1);
  tab = clientOf(NOWHERE, { storage });
  tab.send(adas.id, "forgotten");
  await login.logOut();
  await until(() => tab.user === null);
  assert.deepEqual(storage.keys(), ["session"]);
  await enter();
  await pause(200);
  assert.deepEqual(texts(bobs), ["kept"]);
});

test("somebody else on the same machine does not find it", async () => {
  const { ada, adas } = await pair(server, {});
  const storage = new MemoryStorage();
  const login = clientOf(server, { storage });
  await login.logIn({ email: ada.user.email, password: PASSWORD });
  const tab = clientOf(NOWHERE, { storage });
  tab.send(adas.id, "private");
  const carl = await person(server);
  await login.logIn({ email: carl.user.email, password: PASSWORD });
  await until(() => !storage.keys().some((key) => storage.getItem(key).includes("private")));
});

test("who sends too much waits as long as is asked, and all comes in order", async () => {
  const { ada, adas, bobs } = await pair(strict, {});
  const said = Array.from({ length: 14 }, (_, number) => adas.send(`${number}`).content);
  const failed = heard(ada, "failed");
  await until(() => texts(bobs).length === said.length, { within: 10_000 });
  assert.deepEqual(texts(bobs), said);
  assert.deepEqual(failed, []);
});

test("conversations do not wait for each other", async () => {
  const proxy = await startProxy(server);
  const [ada, bob] = await Promise.all([person(proxy, {}), person(server)]);
  const [one, other] = [await ada.createGroup("one", [bob.user.id]), await ada.createGroup("other", [bob.user.id])];
  const bobs = await until(() => bob.getConversation(other.id));
  await bobs.open();
  proxy.loses = (text) => text.includes('"ack"') || text.includes("stuck");
  one.send("stuck");
  other.send("free");
  await until(() => texts(bobs).length === 1);
  assert.equal(one.pending.length, 1);
});

test("a message in a conversation that ends meanwhile fails", async () => {
  const { ada, adas } = await pair(server, {});
  const group = await ada.createGroup("short-lived");
  ada.close();
  const tab = clientOf(server, { timing: FAR });
  await tab.logIn({ email: ada.user.email, password: PASSWORD });
  const mine = await tab.findConversation(group.id);
  await isOpen(tab);
  const [entry] = await Promise.all([Promise.resolve().then(() => mine.send("last words")), mine.delete({ forEveryone: true })]);
  await until(() => entry.state !== "waiting");
  assert.ok(["failed", "stored"].includes(entry.state));
  assert.equal(mine.ending, "deleted");
  assert.ok(adas.id);
});
