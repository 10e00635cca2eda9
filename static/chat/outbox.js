/**
 * Own messages of one conversation that are not in its timeline yet, oldest first.
 *
 * One is under way at a time, so they keep their order through every failure; each is sent again with the same
 * `client_id` until the server has answered it, so none is stored twice. They outlive a reload of the page.
 * An entry is {clientId, content, state: "waiting" | "stored" | "failed", error}.
 */
import { randomId } from "./random.js";

const ANSWER_WITHIN = 10_000;
const UNAVAILABLE_DELAY = 2_000;
const KEY = "chat.outbox.";
const TEMPORARY_CODES = new Set(["throttled", "unavailable", "not_authenticated"]);

/** Nobody is logged in any more, or only this user: what others have not sent is nobody's business. */
export function forgetUnsent(userId) {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(KEY) && !key.startsWith(`${KEY}${userId}.`)) sessionStorage.removeItem(key);
  }
}

export class Outbox {
  #key;
  #transmit;
  #changed;
  #stuck;
  #underWay = null;
  #timer = 0;

  /** `transmit(entry)` says whether it went out, `stuck()` is called where no answer comes. */
  constructor(userId, conversationId, { transmit, changed, stuck }) {
    this.#key = `${KEY}${userId}.${conversationId}`;
    this.#transmit = transmit;
    this.#changed = changed;
    this.#stuck = stuck;
    this.entries = JSON.parse(sessionStorage.getItem(this.#key)) ?? [];
  }

  get isIdle() {
    return !this.entries.some(({ state }) => state === "waiting");
  }

  add(content) {
    this.entries.push({ clientId: randomId(), content, state: "waiting", error: "" });
    this.#update();
  }

  retry(clientId) {
    Object.assign(this.#find(clientId), { state: "waiting", error: "" });
    this.#update();
  }

  discard(clientId) {
    this.entries = this.entries.filter((entry) => entry.clientId !== clientId);
    this.#update();
  }

  clear() {
    this.entries = [];
    this.#settle();
    this.#update();
  }

  /** The connection is gone: nobody knows what became of what was under way. */
  interrupt() {
    this.#settle();
  }

  /** There is a new connection: whatever was under way is sent again. */
  resume() {
    this.#settle();
    this.#update();
  }

  /** The server has stored it; the message itself is on its way. */
  acknowledged(clientId) {
    const entry = this.#find(clientId);
    if (!entry) return;
    entry.state = "stored";
    this.#settle();
    this.#update();
  }

  refused({ client_id: clientId, code, detail, retry_after: retryAfter }) {
    const entry = this.#find(clientId);
    if (!entry) return;
    this.#settle();
    if (TEMPORARY_CODES.has(code)) return this.#pause(retryAfter);
    Object.assign(entry, { state: "failed", error: detail });
    this.#update();
  }

  /** The conversation is closed to us: nothing more goes out. */
  fail(reason) {
    this.#settle();
    for (const entry of this.entries) if (entry.state === "waiting") Object.assign(entry, { state: "failed", error: reason });
    this.#update();
  }

  /** The message is in the timeline. */
  arrived(clientId) {
    if (!this.#find(clientId)) return;
    if (this.#underWay === clientId) this.#settle();
    this.discard(clientId);
  }

  #find(clientId) {
    return this.entries.find((entry) => entry.clientId === clientId);
  }

  #update() {
    this.#save();
    this.#sendNext();
    this.#changed();
  }

  #sendNext() {
    if (this.#underWay !== null || this.#timer) return;
    const next = this.entries.find(({ state }) => state === "waiting");
    if (!next || !this.#transmit(next)) return;
    this.#underWay = next.clientId;
    this.#timer = setTimeout(() => this.#stuck(), ANSWER_WITHIN);
  }

  #pause(seconds) {
    this.#timer = setTimeout(() => this.resume(), seconds ? seconds * 1000 : UNAVAILABLE_DELAY);
  }

  #settle() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#underWay = null;
  }

  #save() {
    const unsure = this.entries.filter(({ state }) => state !== "stored");
    try {
      if (unsure.length) sessionStorage.setItem(this.#key, JSON.stringify(unsure));
      else sessionStorage.removeItem(this.#key);
    } catch {
      // the storage is full: it goes on without outliving a reload
    }
  }
}
