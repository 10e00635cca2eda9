/**
 * Own messages that are not known to be stored.
 *
 * One of each conversation is under way at a time, so they keep their order through every failure; each is sent again
 * with the same `clientId` until the server has answered it, so none is stored twice. What the server refuses for good
 * waits for the person, and holds up nothing.
 *
 * They outlive the page: each client keeps its own under a name that it claims while it lives. Who finds some whose
 * name nobody claims any more takes them over. (Would two send the same, each would in the same order: harmless.)
 *
 * An entry is {clientId, conversationId, content, replyTo, createdAt, state, error}; `state` is `waiting`, `stored` (the
 * message itself is on its way here) or `failed` with `error` {code, detail}. Event: `change` (detail: the entry).
 */
import { jittered, tell, Timers } from "./events.js";

const KEY = "outbox.";
const LONGEST_DELAY = 30_000;
const TEMPORARY_CODES = new Set(["throttled", "unavailable", "not_authenticated"]);

export class Outbox extends EventTarget {
  #storage;
  #send;
  #unanswered;
  #lookUp;
  #timing;
  #newId;
  #timers = new Timers();
  #entries = [];
  #lanes = new Map(); // by conversation: {clientId, timer, attempts} of what is under way, or waits to be again
  #isReady = false;
  #pause; // the timer, while the server takes no messages
  #key = null; // where they are kept; null: nobody is logged in
  #release = null;
  #adopting = Promise.resolve();
  #lastTime = 0;

  /**
   * `send(frame)` says whether it went out; `unanswered()` is called where no answer comes. `lookUp(messageId)` brings
   * a message that is stored.
   */
  constructor({ storage, send, unanswered, lookUp, timing, newId }) {
    super();
    this.#storage = storage;
    this.#send = send;
    this.#unanswered = unanswered;
    this.#lookUp = lookUp;
    this.#timing = timing;
    this.#newId = newId;
  }

  /** Those of a conversation, oldest first. */
  of(conversationId) {
    return this.#entries.filter((entry) => entry.conversationId === conversationId);
  }

  find(clientId) {
    return this.#entries.find((entry) => entry.clientId === clientId);
  }

  /** Begin as this user: what they left unsent is sent, what others left is forgotten. */
  begin(userId) {
    for (const key of this.#storage.keys()) if (isOutbox(key) && ownerOf(key) !== String(userId)) this.#storage.removeItem(key);
    const key = `${KEY}${userId}.${this.#newId()}`;
    this.#key = key;
    this.#adopting = this.#claim(key).catch(() => {});
    return this.adopt();
  }

  /** Nobody is logged in any more. `forget`: nor will what was not sent be kept for when they are. */
  end({ forget }) {
    if (this.#key === null) return;
    const prefix = this.#key.slice(0, this.#key.lastIndexOf(".") + 1);
    if (forget) for (const key of this.#storage.keys()) if (key.startsWith(prefix)) this.#storage.removeItem(key);
    this.interrupt();
    this.#timers.cancel(this.#pause);
    this.#pause = undefined;
    this.#entries = [];
    this.#key = null;
    this.#release?.();
    this.#release = null;
  }

  close() {
    this.end({ forget: false });
    this.#timers.stop();
  }

  add(conversationId, content, replyTo) {
    this.#lastTime = Math.max(this.#lastTime + 1, Date.now());
    const entry = { clientId: this.#newId(), conversationId, content, replyTo, createdAt: this.#lastTime };
    this.#entries.push(Object.assign(entry, { state: "waiting", error: null }));
    this.#update(entry);
    return entry;
  }

  /** Send one that failed again. */
  retry(clientId) {
    const entry = this.find(clientId);
    if (entry?.state !== "failed") return;
    if (entry.error.code === "conflict") entry.clientId = this.#newId();
    this.#set(entry, "waiting");
  }

  discard(clientId) {
    const entry = this.find(clientId);
    if (!entry) return;
    this.#entries = this.#entries.filter((each) => each !== entry);
    this.#settle(entry);
    this.#update(entry);
  }

  /** There is a connection, on which everything that waits is sent. */
  ready() {
    this.#isReady = true;
    return this.adopt();
  }

  /** The connection is gone: nobody knows what became of what was under way. */
  interrupt() {
    this.#isReady = false;
    for (const { timer } of this.#lanes.values()) this.#timers.cancel(timer);
    this.#lanes.clear();
  }

  /** The server has stored it, and the message is on its way; where it had been stored before, it may never come. */
  acknowledged({ client_id: clientId, message_id: messageId, duplicate }) {
    const entry = this.find(clientId);
    if (entry?.state !== "waiting") return;
    this.#settle(entry);
    this.#set(entry, "stored");
    this.#fetchIn(duplicate ? 0 : this.#timing.gapAfter, entry, messageId);
  }

  refused({ client_id: clientId, code, detail, retry_after: retryAfter }) {
    const entry = this.find(clientId);
    if (!entry || entry.state !== "waiting") return;
    if (code === "throttled") this.#pauseFor((retryAfter ?? 1) * 1000, entry);
    else if (TEMPORARY_CODES.has(code)) this.#sendLater(entry);
    else this.#fail(entry, { code, detail });
  }

  /** The message is here. */
  arrived(clientId) {
    if (this.find(clientId)) this.discard(clientId);
  }

  /** The conversation is gone: nothing more goes out there. */
  fail(conversationId, error) {
    for (const entry of this.of(conversationId)) if (entry.state === "waiting") this.#fail(entry, error);
  }

  /** Take over what clients that are gone have left. */
  adopt() {
    this.#adopting = this.#adopting.then(() => this.#adopt()).catch(() => {}).then(() => this.#sendAll());
    return this.#adopting;
  }

  async #claim(key) {
    const release = await this.#storage.claim(key);
    if (this.#key === key) this.#release = release;
    else release?.();
  }

  async #adopt() {
    const own = this.#key;
    const prefix = own?.slice(0, own.lastIndexOf(".") + 1);
    const others = this.#storage.keys().filter((key) => own && key.startsWith(prefix) && key !== own);
    for (const key of others) {
      const release = await this.#storage.claim(key);
      if (!release) continue; // it lives
      if (this.#key === own) this.#takeOver(key);
      await release();
    }
  }

  #takeOver(key) {
    const left = read(this.#storage.getItem(key)).filter(({ clientId }) => !this.find(clientId));
    this.#entries = [...this.#entries, ...left].sort((one, other) => one.createdAt - other.createdAt);
    this.#save();
    this.#storage.removeItem(key);
    for (const entry of left) tell(this, "change", entry);
  }

  #sendAll() {
    for (const id of new Set(this.#entries.map(({ conversationId }) => conversationId))) this.#sendNext(id);
  }

  #sendNext(conversationId) {
    if (!this.#isReady || this.#pause !== undefined) return;
    const lane = this.#lanes.get(conversationId) ?? { attempts: 0 };
    if (lane.clientId !== undefined) return;
    const next = this.#entries.find((entry) => entry.conversationId === conversationId && entry.state === "waiting");
    if (!next || !this.#send(frameOf(next))) return;
    this.#lanes.set(conversationId, lane);
    lane.clientId = next.clientId;
    lane.timer = this.#timers.after(this.#timing.ackWithin, () => {
      this.#unanswered();
      this.#sendAgain(next);
    });
  }

  /** It is not under way for now. */
  #free({ conversationId, clientId }) {
    const lane = this.#lanes.get(conversationId);
    if (lane?.clientId !== clientId) return null;
    this.#timers.cancel(lane.timer);
    lane.clientId = undefined;
    return lane;
  }

  /** It is answered, or never will be. */
  #settle(entry) {
    if (this.#free(entry)) this.#lanes.delete(entry.conversationId);
  }

  /** The server takes no messages for so long, of whatever conversation. */
  #pauseFor(milliseconds, entry) {
    this.#free(entry);
    this.#timers.cancel(this.#pause);
    this.#pause = this.#timers.after(milliseconds, () => {
      this.#pause = undefined;
      this.#sendAll();
    });
  }

  /** It may or may not be stored: the same again, in a while. */
  #sendLater(entry) {
    const lane = this.#lanes.get(entry.conversationId);
    if (lane?.clientId !== entry.clientId) return;
    this.#timers.cancel(lane.timer);
    const delay = jittered(Math.min(LONGEST_DELAY, this.#timing.unavailableDelay * 2 ** lane.attempts));
    lane.attempts += 1;
    lane.timer = this.#timers.after(delay, () => this.#sendAgain(entry));
  }

  #sendAgain(entry) {
    this.#free(entry);
    this.#sendNext(entry.conversationId);
  }

  /** Have the message itself, where it has not come by then. */
  #fetchIn(delay, entry, messageId) {
    this.#timers.after(delay, async () => {
      try {
        if (this.#entries.includes(entry)) await this.#lookUp(messageId);
        this.arrived(entry.clientId);
      } catch (error) {
        if (error.isTemporary) this.#fetchIn(this.#timing.gapAfter, entry, messageId);
        else this.arrived(entry.clientId);
      }
    });
  }

  #fail(entry, error) {
    this.#settle(entry);
    this.#set(entry, "failed", error);
  }

  #set(entry, state, error = null) {
    Object.assign(entry, { state, error });
    this.#update(entry);
  }

  #update(entry) {
    this.#save();
    tell(this, "change", entry);
    this.#sendAfterAdopting(entry.conversationId);
  }

  /** What was left unsent before goes first. */
  #sendAfterAdopting(conversationId) {
    this.#adopting = this.#adopting.then(() => this.#sendNext(conversationId));
  }

  #save() {
    if (this.#key === null) return;
    const unsure = this.#entries.filter(({ state }) => state !== "stored");
    if (unsure.length) this.#storage.setItem(this.#key, JSON.stringify(unsure));
    else this.#storage.removeItem(this.#key);
  }
}

const isOutbox = (key) => key.startsWith(KEY);
const ownerOf = (key) => key.slice(KEY.length).split(".", 1)[0];

function frameOf({ conversationId, content, clientId, replyTo }) {
  const frame = { type: "chat_message", conversation_id: conversationId, content, client_id: clientId };
  return replyTo === null ? frame : { ...frame, reply_to: replyTo };
}

function read(text) {
  try {
    return JSON.parse(text) ?? [];
  } catch {
    return [];
  }
}
