/** Sending and receiving where nothing fails. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { heard, history, pair, person, texts, until } from "./people.mjs";
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
