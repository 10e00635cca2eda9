/**
 * Brings the messages of one room: pages of its history, and what the socket left out.
 *
 * What is loaded is right from then on, for all that changes later comes as frames, or is asked for: where the server
 * named a version that has not come after some seconds (`expect`), or where versions left a hole (`miss`).
 */
import { Patience, Timers } from "./events.js";

const MOST_SHOWN = 1000;
const MOST_CHANGES = 1000; // then it is cheaper to load again

export class History {
  #room;
  #api;
  #timing;
  #timers = new Timers();
  #put;
  #seen;
  #gone;
  #loads = new Map(); // by what is loaded
  #reloading = null;
  #patience;
  #heldFrom = null; // the version from which it is not sure that all is known
  #doubts = 0; // counts what made it so: what is read before one of them does not clear it
  #expected = 0;
  #check;

  /**
   * `put(message)`: a change came that the socket left out. `seen(message)`: one of a page. `gone()`: the conversation
   * is not there, or not ours, any more.
   */
  constructor(room, { api, timing, put, seen, gone }) {
    this.#room = room;
    this.#api = api;
    this.#timing = timing;
    this.#patience = new Patience(timing.loadAgainAfter);
    this.#put = put;
    this.#seen = seen;
    this.#gone = gone;
  }

  /** The version to resume from: all changes up to it are known. */
  get version() {
    return Math.min(this.#room.version, this.#heldFrom ?? Infinity);
  }

  /** Load the newest page, unless the newest messages are held. */
  open() {
    this.#room.isOpen = true;
    if (this.#reloading) return this.#reloading;
    if (this.#room.timeline.hasEnd) return Promise.resolve();
    return this.#once("newest", () => this.#loadNewest());
  }

  async older() {
    const { timeline } = this.#room;
    if (!timeline.hasOlder) return;
    const { seq } = timeline.messages[0];
    const page = await this.#once("older", () => this.#load({ before: seq }));
    if (page && page.at(-1)?.seq !== seq - 1) await this.reload(); // our history has come to begin later
    timeline.cut(MOST_SHOWN, { newest: true });
  }

  async newer() {
    const { timeline } = this.#room;
    if (!timeline.hasNewer) return;
    const { seq } = timeline.messages.at(-1);
    const page = await this.#once("newer", () => this.#load({ after: seq }));
    if (page && page[0]?.seq !== seq + 1) await this.reload(); // we were away, and what was said then is not for us
    timeline.cut(MOST_SHOWN);
  }

  /** Show the messages around `seq`; resolves with whether that one is among them. */
  async around(seq) {
    this.#room.isOpen = true;
    const { timeline } = this.#room;
    if (!timeline.show(seq)) {
      const page = await this.#once(`around ${seq}`, () => this.#load({ around: seq }));
      if (!timeline.show(seq) && page?.length) timeline.show(page.at(seq < page[0].seq ? 0 : -1).seq);
    }
    return timeline.at(seq) !== undefined;
  }

  async newest() {
    await this.open();
    this.#room.timeline.showNewest();
  }

  /** The server told that the conversation is at this version: what does not come by itself is asked for. */
  expect(version, { soon = false } = {}) {
    if (version <= this.#room.version) return;
    this.#expected = Math.max(version, this.#expected);
    if (soon) this.#heldFrom = this.version;
    this.#checkIn(soon ? 0 : this.#timing.gapAfter);
  }

  /** Something after this version may have been left out. */
  miss(since) {
    if (!this.#room.isOpen) return;
    this.#heldFrom = Math.min(since, this.version);
    this.#doubts += 1;
    this.#checkIn(this.#timing.gapAfter);
  }

  /** A new connection has sent, or will, all after `version`: there is nothing left to ask for. */
  recovered() {
    if (this.#reloading) return;
    this.#timers.cancel(this.#check);
    this.#check = undefined;
    this.#heldFrom = null;
    this.#expected = 0;
  }

  /** Begin again from what the server has now; tries until it succeeds. */
  reload() {
    this.#heldFrom = this.version;
    this.#doubts += 1;
    this.#reloading ??= this.#patience.until(() => this.#reload()).finally(() => (this.#reloading = null));
    return this.#reloading;
  }

  /** The server is there again: what waits for the next try does not wait any longer. */
  hurry() {
    this.#patience.hurry();
  }

  close() {
    this.#timers.stop();
    this.#patience.stop();
  }

  /** Load a page into the timeline; resolves with its messages, null where they came too late to be of use. */
  async #load(query) {
    const { timeline } = this.#room;
    const { generation } = timeline;
    const page = await this.#gently(() => this.#api.messages(this.#room.id, query));
    if (timeline !== this.#room.timeline || generation !== timeline.generation) return null;
    this.#room.insert(page.results, endsOf(page));
    page.results.forEach(this.#seen);
    return page.results;
  }

  async #loadNewest() {
    let page;
    do page = await this.#patience.until(() => this.#load({}));
    while (page === null && this.#room.isOpen);
  }

  async #reload() {
    const doubts = this.#doubts;
    const shape = await this.#gently(() => this.#api.conversation(this.#room.id));
    if (this.#room.isOpen) await this.#restart();
    this.#room.learn(shape);
    this.#room.version = Math.max(shape.version, this.#room.version);
    if (doubts !== this.#doubts) return this.#reload();
    this.#heldFrom = null;
  }

  async #restart() {
    const page = await this.#gently(() => this.#api.messages(this.#room.id, {}));
    if (!this.#room.isOpen) return;
    this.#room.timeline.restart(page.results, endsOf(page));
    page.results.forEach(this.#seen);
  }

  #checkIn(milliseconds) {
    if (milliseconds === 0) this.#timers.cancel(this.#check);
    else if (this.#check !== undefined) return;
    this.#check = this.#timers.after(milliseconds, () => {
      this.#check = undefined;
      const isBehind = this.#heldFrom !== null || this.#expected > this.#room.version;
      if (isBehind) this.#patience.until(() => this.#catchUp()).catch(() => {});
    });
  }

  /** Ask for all that changed after `version`. */
  async #catchUp() {
    if (!this.#room.isOpen) return this.reload();
    const doubts = this.#doubts;
    let since = (this.#heldFrom = this.version);
    for (let taken = 0; ; ) {
      const page = await this.#gently(() => this.#api.changes(this.#room.id, since));
      for (const message of page.results) this.#put(message);
      taken += page.results.length;
      since = page.has_more ? page.results.at(-1).version : page.version;
      this.#room.version = Math.max(since, this.#room.version);
      if (!page.has_more) break;
      if (taken >= MOST_CHANGES) return this.reload();
    }
    if (doubts === this.#doubts) this.#heldFrom = null;
  }

  #once(what, load) {
    if (!this.#loads.has(what)) this.#loads.set(what, load().finally(() => this.#loads.delete(what)));
    return this.#loads.get(what);
  }

  /** A call, after which a conversation that is not there is known to be gone. */
  async #gently(call) {
    try {
      return await call();
    } catch (error) {
      if (error.status === 404) this.#gone();
      throw error;
    }
  }
}

function endsOf({ previous, next }) {
  return { isStart: previous === null, isEnd: next === null };
}
