/** Clients for tests: made quickly, closed after each test. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { afterEach } from "node:test";
import WebSocket from "ws";
import { ChatClient, MemoryStorage } from "../../static/chat-client/index.js";
import { pause } from "./server.mjs";

export const PASSWORD = "correct horse 42";
const clients = [];
let count = 0;

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** A client that is closed after the test; `options` are ChatClient's. */
export function clientOf(server, { storage = new MemoryStorage(), ...options } = {}) {
  const client = new ChatClient({ url: server.url, storage, WebSocket, crypto: webcrypto, ...options });
  client.testStorage = storage;
  clients.push(client);
  return client;
}

/** A client with a new account, connected. */
export async function person(server, options = {}) {
  const client = clientOf(server, options);
  const username = `person${process.pid}-${(count += 1)}`;
  await client.register({ email: `${username}@example.com`, username, password: PASSWORD });
  await isOpen(client);
  return client;
}

/** Another device of somebody, connected. */
export async function device(server, client, options = {}) {
  const other = clientOf(server, options);
  await other.logIn({ email: client.user.email, password: PASSWORD });
  await isOpen(other);
  return other;
}

export const isOpen = (client) => until(() => client.connection.state === "open");

/** Two people and their private conversation, as both have it, open. */
export async function pair(server, options = {}) {
  const [ada, bob] = await Promise.all([person(server, options), person(server, options)]);
  const adas = await ada.createPrivate(bob.user.id);
  const bobs = await until(() => bob.getConversation(adas.id));
  await Promise.all([adas.open(), bobs.open()]);
  return { ada, bob, adas, bobs };
}

/** What `holds` returns once it is true. */
export async function until(holds, { within = 5000, what = "it did not come true" } = {}) {
  const end = Date.now() + within;
  for (;;) {
    const value = await holds();
    if (value) return value;
    assert.ok(Date.now() < end, `${what}: ${holds}`);
    await pause(5);
  }
}

/** Events of that type, as they come. */
export function heard(target, type) {
  const events = [];
  target.addEventListener(type, ({ detail }) => events.push(detail));
  return events;
}

export const texts = (conversation) => conversation.messages.filter(({ type }) => type === "text").map(({ content }) => content);

/** Two people send `count` messages each while `happen` does; all are stored once, in order, and both see the same. */
export async function talk({ ada, adas, bobs }, server, count, happen) {
  const said = [];
  const speak = async () => {
    for (let number = 0; number < count; number += 1) {
      for (const [name, side] of [["a", adas], ["b", bobs]]) said.push(side.send(`${name}${number}`).content);
      await pause(4);
    }
  };
  await Promise.all([speak(), happen()]);
  const isDone = () => [adas, bobs].every((side) => side.pending.length === 0 && texts(side).length === said.length);
  await until(isDone, { within: 15_000, what: `${texts(adas).length}, ${texts(bobs).length} of ${said.length}` });
  const stored = (await history(server, ada, adas.id)).map(({ content }) => content);
  assert.deepEqual(new Set(stored), new Set(said));
  assert.equal(stored.length, said.length);
  for (const name of ["a", "b"]) {
    const own = (list) => list.filter((content) => content.startsWith(name));
    assert.deepEqual(own(stored), own(said));
  }
  assert.deepEqual(texts(adas), stored);
  assert.deepEqual(texts(bobs), stored);
}

/** All that the server has of a conversation, oldest first. */
export async function history(server, client, id) {
  const all = [];
  const token = await tokenOf(server, client);
  for (let after = 0; ; ) {
    const address = `${server.url}/api/chat/conversations/${id}/messages/?after=${after}&limit=100`;
    const page = await (await fetch(address, { headers: { Authorization: `Bearer ${token}` } })).json();
    all.push(...page.results);
    if (page.next === null) return all;
    after = all.at(-1).seq;
  }
}

async function tokenOf(server, client) {
  const body = JSON.stringify({ email: client.user.email, password: PASSWORD });
  const headers = { "Content-Type": "application/json" };
  return (await (await fetch(`${server.url}/api/auth/login/`, { method: "POST", headers, body })).json()).access;
}
