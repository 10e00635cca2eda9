/** Servers that die and networks that break, while people talk: nothing is lost, doubled or out of order. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { clientOf, device, heard, history, isOpen, pair, PASSWORD, person, talk, texts, until } from "./people.mjs";
import { pause, startProxy, startServer } from "./server.mjs";

let server;
before(async () => (server = await startServer()));

const QUICK = { firstDelay: 50, longestDelay: 400, restartDelay: 100, loadAgainAfter: 100 };

test("a server that is killed and started again, in the middle of it", async () => {
  const mortal = await startServer();
  const people = await pair(mortal, { timing: QUICK });
  await talk(people, mortal, 120, async () => {
    for (let times = 0; times < 2; times += 1) {
      await pause(150);
      await mortal.kill();
      await mortal.start();
    }
  });
});

test("a network that is cut again and again", async () => {
  const proxy = await startProxy(server);
  const people = await pair(proxy, { timing: QUICK });
  await talk(people, server, 150, async () => {
    for (let times = 0; times < 6; times += 1) {
      await pause(120);
      proxy.cut();
    }
  });
});

test("a server that restarts says so, and one comes back", async () => {
  const mortal = await startServer();
  const { adas, bobs, ada } = await pair(mortal, { timing: QUICK });
  const states = heard(ada, "connection");
  await mortal.kill("SIGTERM");
  await mortal.start();
  await isOpen(ada);
  assert.deepEqual([states[0].state, states[0].code], ["waiting", 4503]);
  adas.send("back");
  await until(() => texts(bobs).includes("back"));
});

test("a network that falls silent is noticed", async () => {
  const proxy = await startProxy(server);
  const timing = { ...QUICK, pingEvery: 200, pongWithin: 300 };
  const { ada, adas, bobs } = await pair(proxy, { timing });
  const states = heard(ada, "connection");
  proxy.isSilent = true;
  adas.send("into nothing");
  await until(() => states.some(({ state }) => state === "waiting"));
  proxy.isSilent = false;
  proxy.cut();
  await until(() => texts(bobs).length === 1 && adas.pending.length === 0);
});

test("a message whose answer does not come is sent again, and stored once", async () => {
  const proxy = await startProxy(server);
  const { ada, adas, bobs } = await pair(proxy, { timing: { ...QUICK, ackWithin: 300, pingEvery: 300, gapAfter: 200 } });
  let lost = 0;
  proxy.loses = (text) => /"(ack|chat_message)"/.test(text) && (lost += 1) <= 4;
  adas.send("once");
  await until(() => texts(bobs).length === 1 && adas.pending.length === 0, { within: 10_000 });
  assert.deepEqual((await history(server, ada, adas.id)).map(({ content }) => content), ["once"]);
});

for (const [name, pattern] of [["the ack", /"type": ?"chat_message"/], ["the message", /"type": ?"ack"/]]) {
  test(`where ${name} comes alone, the message is shown once`, async () => {
    const proxy = await startProxy(server);
    const { adas, bobs } = await pair(proxy, { timing: { ...QUICK, gapAfter: 200, pingEvery: 300, ackWithin: 300 } });
    proxy.loses = (text) => pattern.test(text);
    adas.send("here");
    await until(() => adas.pending.length === 0 || adas.pending[0].state === "stored");
    await until(() => adas.pending.length === 0);
    assert.deepEqual(texts(adas), ["here"]);
    proxy.loses = () => false;
    await until(() => texts(bobs).length === 1);
    assert.deepEqual(texts(bobs), ["here"]);
  });
}

test("a frame that was lost at the end is asked for after a ping", async () => {
  const proxy = await startProxy(server);
  const { adas, bobs, ada } = await pair(proxy, { timing: { ...QUICK, pingEvery: 150, gapAfter: 150 } });
  const states = heard(ada, "connection");
  proxy.loses = (text) => text.includes("lost");
  bobs.send("lost");
  await until(() => texts(adas).includes("lost"));
  assert.deepEqual(states, []);
});

test("a frame that was lost in the middle is asked for, and what comes behind it waits", async () => {
  const proxy = await startProxy(server);
  const { adas, bobs } = await pair(proxy, { timing: { ...QUICK, gapAfter: 200 } });
  const shown = [];
  adas.addEventListener("change", () => shown.push(texts(adas).join()));
  proxy.loses = (text) => text.includes("two");
  for (const content of ["one", "two", "three"]) bobs.send(content);
  await until(() => texts(adas).length === 3);
  assert.deepEqual(texts(adas), ["one", "two", "three"]);
  assert.ok(!shown.includes("one,three"));
});

test("what a connection lost comes with the next one, though more had come since", async () => {
  const proxy = await startProxy(server);
  const { adas, bobs } = await pair(proxy, { timing: { ...QUICK, gapAfter: 60_000 } });
  proxy.loses = (text) => text.includes("two");
  for (const content of ["one", "two", "three"]) bobs.send(content);
  await until(() => adas.lastSeq === 3);
  proxy.loses = () => false;
  proxy.cut();
  await until(() => texts(adas).length === 3);
  assert.deepEqual(texts(adas), ["one", "two", "three"]);
});

test("what was missed comes, without a gap, and is told of as missed", async () => {
  const proxy = await startProxy(server);
  const { ada, bob, adas } = await pair(proxy, { timing: { ...QUICK, firstDelay: 60_000, longestDelay: 60_000 } });
  const phone = await device(server, bob);
  const bobs = await phone.findConversation(adas.id);
  const messages = heard(ada, "message");
  proxy.cut();
  await until(() => ada.connection.state === "waiting");
  for (let number = 0; number < 20; number += 1) bobs.send(`${number}`);
  await until(() => bobs.pending.length === 0);
  ada.reconnect();
  await until(() => texts(adas).length === 20);
  assert.deepEqual(texts(adas), Array.from({ length: 20 }, (_, number) => `${number}`));
  assert.ok(messages.length === 20 && messages.every(({ isMissed }) => isMissed));
});

test("who was too far behind loads again, also what is in the list", async () => {
  const proxy = await startProxy(server);
  const { ada, bob, adas } = await pair(proxy, { timing: { ...QUICK, longestDelay: 60_000, firstDelay: 60_000 } });
  const phone = await device(server, bob, { timing: { answerWithin: 30_000 } });
  const bobs = await phone.findConversation(adas.id);
  bobs.send("first");
  await until(() => texts(adas).length === 1);
  proxy.cut();
  const token = phone.user && JSON.parse(phone.testStorage.getItem("session")).access;
  for (let round = 0; round < 21; round += 1) {
    await Promise.all(Array.from({ length: 50 }, (_, number) => post(token, adas.id, `${round}.${number}`)));
  }
  ada.reconnect();
  await until(() => adas.lastSeq === 1051 && adas.isLoaded && texts(adas).length > 1, { within: 10_000 });
  assert.equal(adas.messages.at(-1).seq, 1051);
  assert.equal(adas.messages.length, 50);
  assert.ok(adas.hasOlder);
  bobs.send("live");
  await until(() => texts(adas).at(-1) === "live");
});

async function post(token, conversation, content) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ conversation, content });
  const answer = await fetch(`${server.url}/api/chat/messages/create/`, { method: "POST", headers, body });
  assert.equal(answer.status, 201);
  await answer.arrayBuffer();
}

test("a conversation that is loaded while there is no connection is there once there is", async () => {
  const mortal = await startServer();
  const people = await pair(mortal, { timing: QUICK });
  people.adas.send("before");
  await until(() => texts(people.bobs).length === 1);
  const tablet = clientOf(mortal, { timing: { ...QUICK, pingEvery: 100, pongWithin: 200 } });
  await tablet.logIn({ email: people.ada.user.email, password: PASSWORD });
  const mine = await tablet.findConversation(people.adas.id);
  await mortal.kill();
  const opening = mine.open();
  await mortal.start();
  await opening;
  assert.deepEqual(texts(mine), ["before"]);
  assert.ok(await person(mortal));
});
