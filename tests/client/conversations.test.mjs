/** The list of conversations, groups and who is in them, and what is unread. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { clientOf, device, heard, isOpen, pair, PASSWORD, person, texts, until } from "./people.mjs";
import { pause, startProxy, startServer } from "./server.mjs";

let server;
before(async () => (server = await startServer()));

const QUICK = { firstDelay: 50, longestDelay: 400, loadAgainAfter: 100 };
const names = (client) => client.conversations.map(({ name }) => name);
const people = (count, options) => Promise.all(Array.from({ length: count }, () => person(server, options)));

/** What the server says is unread. */
async function unreadOnServer(client) {
  const { access } = JSON.parse(client.testStorage.getItem("session"));
  const answer = await fetch(`${server.url}/api/chat/unread/`, { headers: { Authorization: `Bearer ${access}` } });
  return answer.json();
}

test("the list is in the order of the latest activity, whatever happens", async () => {
  const [ada, bob] = await people(2);
  const groups = [];
  for (const name of ["one", "two", "three"]) groups.push(await ada.createGroup(name, [bob.user.id]));
  await until(() => bob.conversations.length === 3);
  assert.deepEqual(names(bob), ["three", "two", "one"]);
  const changes = heard(bob, "conversations");
  groups[0].send("up");
  await until(() => names(bob)[0] === "one");
  assert.ok(changes.length > 0);
  await groups[1].update({ name: "renamed", description: "What it is about" });
  await until(() => names(bob)[0] === "renamed");
  await until(() => bob.conversations[0].description === "What it is about");
  assert.deepEqual(names(ada), ["renamed", "one", "three"]);
});

test("the list is loaded page by page, and what comes meanwhile is in its place", async () => {
  const [ada, bob] = await people(2);
  for (let number = 0; number < 60; number += 1) await ada.createGroup(`group ${number}`, [bob.user.id]);
  const phone = await device(server, bob);
  await phone.loadConversations();
  assert.equal(phone.conversations.length, 50);
  assert.equal(phone.totalUnread, 60);
  assert.ok(phone.hasMoreConversations);
  const oldest = await ada.findConversations({ search: "group 0" });
  oldest.items[0].send("from far below");
  await until(() => names(phone)[0] === "group 0");
  assert.equal(phone.conversations.length, 51);
  assert.equal(phone.totalUnread, 61);
  await phone.loadMoreConversations();
  assert.equal(phone.conversations.length, 60);
  assert.ok(!phone.hasMoreConversations);
  assert.deepEqual(names(phone).slice(1), Array.from({ length: 59 }, (_, number) => `group ${59 - number}`));
  assert.deepEqual((await unreadOnServer(phone)).total_unread, phone.totalUnread);
});

test("conversations are found by name, type and what is unread", async () => {
  const [ada, bob] = await people(2);
  await ada.createGroup("Engines", [bob.user.id]);
  const both = await ada.createPrivate(bob.user.id);
  both.send("Hello");
  await until(() => bob.conversations.length === 2 && bob.getConversation(both.id)?.lastMessage);
  const found = async (filters) => (await bob.findConversations(filters)).items.map(({ name }) => name);
  assert.deepEqual(await found({ search: "engi" }), ["Engines"]);
  assert.deepEqual(await found({ type: "private" }), [ada.user.display_name]);
  bob.getConversation(both.id).markRead();
  await until(async () => (await unreadOnServer(bob)).total_unread === 1);
  assert.deepEqual(await found({ unread: true }), ["Engines"]);
});

test("a private conversation is one, whoever makes it", async () => {
  const [ada, bob] = await people(2);
  const [adas, bobs] = await Promise.all([ada.createPrivate(bob.user.id), bob.createPrivate(ada.user.id)]);
  assert.equal(adas.id, bobs.id);
  assert.equal(adas.name, bob.user.display_name);
  assert.equal(adas.isGroup, false);
});

test("a group's people come, are given rights, and go", async () => {
  const [ada, bob, carl] = await people(3);
  const group = await ada.createGroup("Engines", [bob.user.id], { description: "of all kinds" });
  const bobs = await until(() => bob.getConversation(group.id));
  assert.deepEqual([group.isAdmin, bobs.isAdmin, group.participantCount], [true, false, 2]);
  const added = await group.addParticipants([carl.user.id]);
  assert.deepEqual(added.map(({ user }) => user.id), [carl.user.id]);
  const carls = await until(() => carl.getConversation(group.id));
  await until(() => bobs.participantCount === 3);
  assert.ok(bobs.hasAllParticipants);
  assert.deepEqual(bobs.participants.map(({ user }) => user.id), [ada, bob, carl].map(({ user }) => user.id));
  await group.setAdmin(bob.user.id, true);
  await until(() => bobs.isAdmin);
  await assert.rejects(carls.update({ name: "no" }), { status: 403 });
  const ends = heard(carls, "end");
  await bobs.removeParticipant(carl.user.id);
  await until(() => ends.length);
  assert.ok(["removed", "gone"].includes(carls.ending));
  assert.deepEqual(carl.conversations, []);
  const before = texts(carls).length;
  group.send("without Carl");
  await until(() => group.pending.length === 0);
  await pause(100);
  assert.equal(texts(carls).length, before);
  assert.equal(carl.totalUnread, 0);
  await assert.rejects(carl.findConversation(group.id), { status: 404 });
  await bobs.delete();
  assert.equal(bobs.ending, "left");
  await until(() => group.participantCount === 1);
});

test("a private conversation that is deleted comes back with the next message, without its past", async () => {
  const { bob, adas, bobs } = await pair(server);
  adas.send("past");
  await until(() => texts(bobs).length === 1);
  await bobs.delete();
  assert.equal(bobs.ending, "deleted");
  assert.deepEqual(bob.conversations, []);
  adas.send("present");
  const back = await until(() => bob.conversations[0]);
  assert.notEqual(back, bobs);
  await back.open();
  await until(() => texts(back).length === 1);
  assert.deepEqual(texts(back), ["present"]);
  assert.equal(back.unreadCount, 1);
});

test("what is unread is what the server says, whatever is sent and read where", async () => {
  const [ada, bob] = await people(2);
  const phone = await device(server, bob);
  const groups = [];
  for (const name of ["x", "y", "z"]) groups.push(await ada.createGroup(name, [bob.user.id]));
  await until(() => [bob, phone].every((client) => client.conversations.length === 3));
  const agree = async () => {
    const { total_unread: total, conversations } = await unreadOnServer(bob);
    const isSame = ({ id, unreadCount }) => unreadCount === (conversations[id] ?? 0);
    return [bob, phone].every((client) => client.totalUnread === total && client.conversations.every(isSame));
  };
  await until(agree);
  for (const group of groups) for (let count = 0; count < 3; count += 1) group.send(`${count}`);
  await until(() => groups.every(({ pending }) => pending.length === 0));
  await until(agree);
  bob.getConversation(groups[0].id).markRead();
  await until(() => phone.getConversation(groups[0].id).unreadCount === 0);
  await until(agree);
  bob.send(groups[1].id, "an answer is read, too");
  await until(() => phone.getConversation(groups[1].id).unreadCount === 0);
  await until(agree);
  assert.equal(bob.totalUnread, 4);
});

test("a marker that was lost with the connection is sent again", async () => {
  const proxy = await startProxy(server);
  const { ada, bob, adas, bobs } = await pair(proxy, { timing: { ...QUICK, firstDelay: 300 } });
  adas.send("read me");
  await until(() => texts(bobs).length === 1);
  proxy.cut();
  await until(() => bob.connection.state === "waiting");
  bobs.markRead();
  assert.equal(bob.totalUnread, 0);
  await until(() => adas.readersOf(adas.lastMessage).includes(bob.user.id));
  assert.ok(ada.user);
});

test("who was away finds what came, went and changed meanwhile", async () => {
  const proxy = await startProxy(server);
  const { ada, bob, adas, bobs } = await pair(proxy, { timing: { ...QUICK, firstDelay: 60_000, longestDelay: 60_000 } });
  const office = await device(server, ada);
  const [gone, kept] = [await office.createGroup("gone", [bob.user.id]), await office.createGroup("kept", [bob.user.id])];
  await until(() => bob.conversations.length === 3);
  const was = bob.getConversation(gone.id);
  proxy.cut();
  await until(() => bob.connection.state === "waiting");
  await gone.removeParticipant(bob.user.id);
  await kept.update({ description: "new" });
  const fresh = await office.createGroup("fresh", [bob.user.id]);
  bob.reconnect();
  await until(() => was.ending && bob.getConversation(kept.id).description === "new" && bob.getConversation(fresh.id));
  assert.deepEqual(new Set(names(bob)), new Set(["fresh", "kept", bobs.name]));
  assert.ok(adas.id);
});

test("the list is there once the server is, for who starts without it", async () => {
  const mortal = await startServer();
  const ada = await person(mortal);
  await ada.createGroup("patience");
  const tab = clientOf(mortal, { storage: ada.testStorage, timing: { ...QUICK, loadAgainAfter: 60_000 } });
  await mortal.kill();
  const late = clientOf(mortal, { storage: ada.testStorage, timing: { ...QUICK, loadAgainAfter: 60_000 } });
  await until(() => late.connection.state === "waiting");
  await mortal.start();
  await isOpen(late);
  await until(() => names(late).length === 1);
  assert.ok(tab && PASSWORD);
});

test("all participants of a large group are loaded, and who joined later is one of them", async () => {
  const [ada, carl] = await people(2, { timing: { refreshEvery: 100 } });
  const group = await ada.createGroup("crowd");
  const crowd = await ada.searchPeople("crowd", { limit: 100 });
  const ids = crowd.items.map(({ id }) => id);
  assert.equal(ids.length, 60); // they are in the database from the start
  await group.addParticipants(ids);
  assert.equal(group.participantCount, 61);
  assert.equal(group.participants.length, 50);
  assert.equal((await group.loadParticipants()).length, 61);
  await group.addParticipants([carl.user.id]);
  await until(() => group.participants.some(({ user }) => user.id === carl.user.id));
  assert.ok(group.hasAllParticipants);
});
