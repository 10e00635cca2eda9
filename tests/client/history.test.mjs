/** Loading again, where what was read may be from before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../static/chat-client/history.js";
import { TIMING } from "../../static/chat-client/timing.js";

/** A history of a room whose messages are not held; `answer(version)` answers the oldest call that waits. */
function started() {
  const calls = [];
  const room = { id: 1, version: 5, isOpen: false, learn: () => {} };
  const api = { conversation: () => new Promise((resolve) => calls.push(resolve)) };
  const history = new History(room, { api, timing: TIMING, put: () => {}, seen: () => {}, gone: () => {} });
  const answer = async (version) => {
    calls.shift()({ version });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { room, history, calls, answer };
}

test("until it is loaded again, one resumes from what was held before", async () => {
  const { room, history, answer } = started();
  const loading = history.reload();
  room.version = 9; // by frames that came meanwhile
  assert.equal(history.version, 5);
  await answer(8);
  await loading;
  assert.equal(history.version, 9);
});

test("what was asked for before a new connection is asked for once more", async () => {
  const { history, calls, answer } = started();
  const loading = history.reload();
  history.reload();
  await answer(6);
  assert.equal(calls.length, 1);
  assert.equal(history.version, 5);
  await answer(7);
  await loading;
  assert.deepEqual([history.version, calls.length], [7, 0]);
});
