/** Sending and receiving where nothing fails. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { device, heard, history, pair, person, texts, until } from "./people.mjs";
import { startServer } from "./server.mjs";

let server;
before(async () => (server = await startServer()));

test("messages arrive in order, at who sent them and at the other one", async () => {
  const { ada, adas, bobs } = await pair(server);
  const sent = Array.from({ length: 30 }, (_, index) => `message ${index}`);
  for (const content of sent) adas.send(content);
  assert.equal(adas.pending.length, 30);
  assert.deepEqual(adas.pending.map(({ state }) => state), Array(30).fill("waiting"));
  await until(() => texts(bobs).length === 30 && adas.pending.length === 0);
  assert.deepEqual(texts(adas), sent);
  assert.deepEqual(texts(bobs), sent);
  assert.deepEqual((await history(server, ada, adas.id)).map(({ content }) => content), sent);
});

test("who is not in the conversation's page sees the message in the list, with what is unread", async () => {
  const [ada, bob] = await Promise.all([person(server), person(server)]);
  const adas = await ada.createPrivate(bob.user.id);
  const messages = heard(bob, "message");
  adas.send("Hello");
  const bobs = await until(() => bob.conversations.find(({ unreadCount }) => unreadCount === 1));
  assert.equal(bobs.lastMessage.content, "Hello");
  assert.equal(bob.totalUnread, 1);
  assert.deepEqual(messages.map(({ message, isMissed }) => [message.content, isMissed]), [["Hello", false]]);
  assert.equal(messages[0].conversation, bobs);
  assert.deepEqual(bobs.messages, []);
  await bobs.open();
  assert.deepEqual(texts(bobs), ["Hello"]);
  bobs.markRead();
  assert.equal(bob.totalUnread, 0);
  await until(() => adas.readersOf(adas.lastMessage).includes(bob.user.id));
});

test("an own message is never told of as new, and is unread nowhere", async () => {
  const { ada, adas, bobs } = await pair(server);
  const messages = heard(ada, "message");
  adas.send("mine");
  await until(() => texts(bobs).length);
  await until(() => adas.pending.length === 0);
  assert.equal(ada.totalUnread, 0);
  assert.deepEqual(messages, []);
});

test("edits, deletions and what is quoted are as they are now, at both", async () => {
  const { ada, bob, adas, bobs } = await pair(server);
  adas.send("original");
  const original = await until(() => bobs.messages[0]);
  bobs.send("reply", { replyTo: original.id });
  await until(() => adas.messages.length === 2);
  assert.equal(adas.messages[1].reply_to.content, "original");
  const edited = await ada.editMessage(original.id, "edited");
  assert.equal(edited.content, "edited");
  await until(() => bobs.messages[0].is_edited);
  for (const { messages } of [adas, bobs]) {
    assert.deepEqual(messages.map(({ content }) => content), ["edited", "reply"]);
    assert.equal(messages[1].reply_to.content, "edited");
  }
  await ada.deleteMessage(original.id);
  await until(() => bobs.messages[0].is_deleted && adas.messages[0].is_deleted);
  assert.deepEqual([bobs.messages[0].content, bobs.messages[1].reply_to.content], ["", ""]);
  await assert.rejects(bob.editMessage(original.id, "x"), { status: 403 });
});

test("typing is shown until the message comes, or it is taken back, or for a while", async () => {
  const { ada, adas, bobs } = await pair(server, { timing: { typingShownFor: 300 } });
  adas.startTyping();
  await until(() => bobs.typing.includes(ada.user.id));
  adas.stopTyping();
  await until(() => bobs.typing.length === 0);
  adas.startTyping();
  await until(() => bobs.typing.length === 1);
  adas.send("there");
  await until(() => texts(bobs).length === 1);
  assert.deepEqual(bobs.typing, []);
  adas.startTyping();
  await until(() => bobs.typing.length === 1);
  await until(() => bobs.typing.length === 0);
});

test("coming and going is shown", async () => {
  const { ada, bob, adas } = await pair(server);
  await until(() => adas.other.is_online);
  assert.equal(adas.other.id, bob.user.id);
  const people = heard(ada, "people");
  bob.close();
  await until(() => !adas.other.is_online, { within: 10_000 });
  assert.ok(people.some((ids) => ids.includes(bob.user.id)));
  assert.ok(adas.other.last_seen);
});

test("what is refused fails with its reason, holds up nothing, and can be sent again or forgotten", async () => {
  const { ada, adas, bobs } = await pair(server);
  const failed = heard(ada, "failed");
  const blank = adas.send("   ");
  const long = adas.send("x".repeat(4001));
  adas.send("fine");
  await until(() => texts(bobs).length === 1 && failed.length === 2);
  assert.deepEqual(adas.pending, [blank, long]);
  assert.deepEqual([blank.error.code, long.error.code], ["blank", "max_length"]);
  ada.retry(blank.clientId);
  assert.equal(blank.state, "waiting");
  await until(() => blank.state === "failed");
  for (const { clientId } of [blank, long]) ada.discard(clientId);
  assert.deepEqual(adas.pending, []);
});

test("a client_id that was used for something else fails as a conflict, and goes out under another one", async () => {
  const { ada, adas, bobs } = await pair(server, { crypto: { getRandomValues: (bytes) => bytes.fill(7) } });
  adas.send("first");
  await until(() => adas.pending.length === 0);
  const second = adas.send("second");
  await until(() => second.state === "failed");
  assert.equal(second.error.code, "conflict");
  assert.deepEqual(texts(bobs), ["first"]);
  ada.discard(second.clientId);
});

test("a long history is there, page by page, and around any message", async () => {
  const { bob, adas } = await pair(server);
  for (let count = 1; count <= 130; count += 1) adas.send(`${count}`);
  await until(() => adas.pending.length === 0, { within: 10_000 });
  const bobs = await (await device(server, bob)).findConversation(adas.id);
  await bobs.open();
  const [first] = bobs.messages;
  assert.ok(bobs.hasOlder && !bobs.hasNewer);
  assert.ok(await bobs.jumpTo(10));
  assert.ok(bobs.messages.some(({ seq }) => seq === 10));
  assert.ok(bobs.messages.at(-1).seq < first.seq && bobs.hasNewer);
  while (bobs.hasNewer) await bobs.loadNewer();
  while (bobs.hasOlder) await bobs.loadOlder();
  assert.deepEqual(texts(bobs), Array.from({ length: 130 }, (_, index) => `${index + 1}`));
  await bobs.jumpTo(5);
  await bobs.jumpToNewest();
  assert.equal(bobs.messages.at(-1).seq, 130);
});

test("what is sent to a conversation that is not there fails", async () => {
  const ada = await person(server);
  const entry = ada.send(999_999, "anybody?");
  await until(() => entry.state === "failed");
  assert.equal(entry.error.code, "not_found");
  await assert.rejects(ada.findConversation(999_999), { status: 404, code: "not_found" });
});
