/** What follows on each way in which a connection may end; the server is a fake one. */
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import http from "node:http";
import { after, afterEach, before, beforeEach, test } from "node:test";
import WebSocket, { WebSocketServer } from "ws";
import { ChatClient, MemoryStorage } from "../../static/chat-client/index.js";
import { heard, until } from "./people.mjs";
import { pause } from "./server.mjs";

let server, url, sockets, frames, renewals, client;
const token = (name) => `x.${Buffer.from(JSON.stringify({ iat: 0, exp: 600, name })).toString("base64url")}.x`;

before(async () => {
  server = http.createServer((request, response) => {
    if (request.url.includes("refresh")) renewals += 1;
    const answer = { access: token(renewals), refresh: "r", next: null, previous: null, results: [] };
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(answer));
  });
  const gate = new WebSocketServer({ server });
  gate.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("message", (data) => {
      const frame = JSON.parse(data);
      frames.push(frame);
      if (frame.type === "resume") socket.send(JSON.stringify({ type: "resumed", recovered: [], reload: [] }));
      if (frame.type === "ping") socket.send(JSON.stringify({ type: "pong", conversation_id: null, version: null, last_seq: null }));
    });
    socket.send(JSON.stringify({ type: "connected", user_id: 1, total_unread: 0, conversations: [], expires_at: "" }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  [sockets, frames, renewals] = [[], [], 0];
});
afterEach(() => client.close());

async function connect(options = {}) {
  const storage = new MemoryStorage();
  const session = { access: token("first"), user: { id: 1 }, lifetime: 600_000, expiresAt: Date.now() + 600_000 };
  storage.setItem("session", JSON.stringify(session));
  await storage.write("session", { ...session, refresh: "r" });
  client = new ChatClient({ url, storage, WebSocket, crypto: webcrypto, ...options });
  await until(() => client.connection.state === "open");
  return client;
}

/** How long the client waits after that close, in milliseconds. */
async function delayAfter(end) {
  end(sockets.at(-1));
  await until(() => client.connection.state !== "open");
  const { state, code, retryAt } = client.connection;
  return { state, code, delay: retryAt && retryAt - Date.now() };
}

const within = (delay, least, most) => assert.ok(least - 100 <= delay && delay <= most, `${delay}`);

for (const code of [4400, 4403, 4404, 4413]) {
  test(`after ${code} it does not come back, unless it is asked to`, async () => {
    await connect({ timing: { firstDelay: 10 } });
    assert.deepEqual(await delayAfter((socket) => socket.close(code)), { state: "stopped", code, delay: null });
    await pause(60);
    assert.equal(sockets.length, 1);
    client.reconnect();
    await until(() => client.connection.state === "open");
  });
}

const SOON = [250, 500];
const LATE = [15_000, 30_000];
const DELAYS = { 1006: SOON, 1011: SOON, 4408: SOON, 4503: [0, 1500], 4409: LATE, 4429: LATE };

for (const [code, [least, most]] of Object.entries(DELAYS).map(([key, delay]) => [Number(key), delay])) {
  test(`after ${code} it comes back in ${least} to ${most} ms`, async () => {
    await connect();
    const ended = await delayAfter((socket) => (code === 1006 ? socket.terminate() : socket.close(code)));
    assert.deepEqual([ended.state, ended.code], ["waiting", code]);
    within(ended.delay, least, most);
  });
}

test("after 4401 it comes back with a new token", async () => {
  await connect({ timing: { firstDelay: 20 } });
  const sessions = heard(client, "session");
  sockets[0].close(4401);
  await until(() => sockets.length === 2);
  assert.equal(renewals, 1);
  assert.deepEqual(sessions.map(({ state }) => state), ["renewed"]);
});

test("a server that is away is asked less and less often, up to every half a minute", async () => {
  await connect({ timing: { firstDelay: 1, longestDelay: 30 } });
  server.close();
  server.closeAllConnections();
  const delays = heard(client, "connection");
  for (const socket of sockets) socket.terminate();
  await until(() => delays.filter(({ state }) => state === "waiting").length > 9);
  server.listen(Number(new URL(url).port), "127.0.0.1");
  await until(() => client.connection.state === "open");
});

test("the network that comes back, or somebody who looks, is not kept waiting; a busy server is left alone", async () => {
  const page = Object.assign(new EventTarget(), { navigator: { onLine: true }, document: new EventTarget() });
  page.document.hidden = false;
  await connect({ page, timing: { firstDelay: 60_000, longestDelay: 60_000 } });
  page.navigator.onLine = false;
  assert.equal((await delayAfter((socket) => socket.terminate())).state, "offline");
  page.navigator.onLine = true;
  page.dispatchEvent(new Event("online"));
  await until(() => client.connection.state === "open");
  await delayAfter((socket) => socket.terminate());
  assert.equal(client.connection.state, "waiting");
  page.dispatchEvent(new Event("offline"));
  assert.equal(client.connection.state, "offline");
  page.document.dispatchEvent(new Event("visibilitychange"));
  await until(() => client.connection.state === "open");
  const pings = frames.filter(({ type }) => type === "ping").length;
  page.dispatchEvent(new Event("online"));
  await until(() => frames.filter(({ type }) => type === "ping").length > pings);
  await delayAfter((socket) => socket.close(4429));
  page.dispatchEvent(new Event("online"));
  assert.equal(client.connection.state, "waiting");
});

test("a resume for which the database was away is sent again", async () => {
  await connect({ timing: { unavailableDelay: 20 } });
  const { client_id: clientId } = await until(() => frames.find(({ type }) => type === "resume"));
  sockets[0].send(JSON.stringify({ type: "error", code: "unavailable", detail: "", client_id: clientId }));
  await until(() => frames.filter(({ type }) => type === "resume").length === 2);
});

test("a WebSocket that cannot be made is one that broke", async () => {
  await connect({ timing: { firstDelay: 10 } });
  await client.close();
  let fails = 3;
  const Fragile = function (...words) {
    if ((fails -= 1) >= 0) throw new SyntaxError("no");
    return new WebSocket(...words);
  };
  await connect({ WebSocket: Fragile, timing: { firstDelay: 10 } });
  assert.equal(fails, -1);
});

test("frames of no known type, and what is no JSON, are passed over", async () => {
  await connect();
  for (const text of ['{"type": "novelty"}', "no json", "[]", "1", "null"]) sockets[0].send(text);
  client.reconnect();
  await pause(50);
  assert.equal(client.connection.state, "open");
});
