/**
 * One open conversation: its messages, its people and its socket.
 *
 * It loads over REST, then the socket goes on from the version that was loaded; where the socket cannot, it loads again.
 * Events: `change` (anything that is shown may be new), `message` (detail: one that is new or has changed),
 * `read` (detail: the `seq` up to which one has read oneself).
 */
import * as api from "./api.js";
import { coalesced } from "./coalesced.js";
import { Outbox } from "./outbox.js";
import { people } from "./people.js";
import { ConversationSocket } from "./socket.js";
import { Timeline } from "./timeline.js";

const LOAD_AGAIN_AFTER = 3_000;
const CATCH_UP_AFTER = 6_000;
const REFRESH_EVERY = 1_000;
const READ_EVERY = 1_000;
const TYPING_EVERY = 3_000;
const TYPING_SHOWN_FOR = 8_000;
const ENDINGS = {
  4403: "You are no longer in this conversation.",
  4404: "This conversation is not there any more.",
};
const STOPPED = "The connection was stopped. Reload the page to go on.";

export class Room extends EventTarget {
  conversation = null;
  participants = [];
  ending = "";
  #me;
  #version;
  #reads = new Map();
  #typing = new Map();
  #socket;
  #timers = new Set();
  #typedAt = 0;
  #typingSentAt = 0;
  #seen = null;
  #readSent = 0;
  #readSentAt = 0;
  #isReadDue = false;
  #refreshed = Promise.resolve();
  #isOutdated = false;
  #isRefreshing = false;
  #isLoadingOlder = false;
  #isLeaving = false;
  /** However much changes at once, it is announced once. */
  #changed = coalesced(() => this.dispatchEvent(new Event("change")));
  #frames = {
    connected: (frame) => this.#connected(frame),
    chat_message: (frame) => this.#durable(frame),
    message_updated: (frame) => this.#durable(frame),
    message_deleted: (frame) => this.#durable(frame),
    typing: (frame) => this.#setTyping(frame.user_id, frame.is_typing),
    read_receipt: (frame) => this.#read(frame.user_id, frame.last_read_seq),
    user_status: (frame) => people.setStatus(frame.user_id, frame.status === "online", frame.last_seen),
    ack: (frame) => this.#acknowledged(frame),
    error: (frame) => this.outbox.refused(frame),
    pong: (frame) => this.#compare(frame.version),
  };

  constructor(id, me) {
    super();
    this.id = id;
    this.#me = me;
    this.timeline = new Timeline();
    this.outbox = new Outbox(me.id, id, {
      transmit: (entry) => this.#socket.send({ type: "chat_message", content: entry.content, client_id: entry.clientId }),
      changed: () => this.#changed(),
      stuck: () => this.#socket.reconnect(),
    });
    this.#socket = new ConversationSocket(id, () => this.#version);
    this.#socket.addEventListener("frame", ({ detail }) => this.#frames[detail.type]?.(detail));
    this.#socket.addEventListener("state", ({ detail }) => this.#stateChanged(detail));
  }

  /** `connecting`, `open`, `waiting` or `closed`. */
  get state() {
    return this.#socket.state;
  }

  /** The other one of a private conversation; undefined in a group, and where the account is gone. */
  get other() {
    if (this.conversation?.type !== "private") return undefined;
    return this.participants.find(({ user }) => user && user.id !== this.#me.id)?.user;
  }

  get typingUsers() {
    return [...this.#typing.keys()];
  }

  async open() {
    await this.#load();
    if (!this.#isLeaving && !this.ending) this.#socket.open();
  }

  /** Leave it: the socket stays until the last own message is stored. */
  release() {
    this.stopTyping();
    this.#sendRead();
    this.#isLeaving = true;
    this.#closeIfLeft();
  }

  /** Come back to a room that was released; false where it is closed by now. */
  reclaim() {
    if (this.state === "closed") return false;
    this.#isLeaving = false;
    return true;
  }

  close() {
    this.#isLeaving = true;
    this.#socket.close();
    for (const timer of [...this.#timers, ...this.#typing.values()]) clearTimeout(timer);
    this.outbox.interrupt();
  }

  send(content) {
    this.#typedAt = this.#typingSentAt = 0; // the message itself ends the typing
    this.outbox.add(content);
  }

  /** To be called at every key; tells the others every few seconds. */
  startTyping() {
    this.#typedAt = Date.now();
    if (this.#typedAt - this.#typingSentAt < TYPING_EVERY) return;
    if (this.#socket.send({ type: "typing", is_typing: true })) this.#typingSentAt = Date.now();
  }

  stopTyping() {
    if (this.#typingSentAt) this.#socket.send({ type: "typing", is_typing: false });
    this.#typedAt = this.#typingSentAt = 0;
  }

  /** Everything that is loaded has been seen; the server hears of it once a second at most. */
  markRead() {
    this.#seen = this.timeline.newest ?? null;
    if (!this.#isUntold(this.#seen)) return;
    this.#tell("read", this.#seen.seq);
    if (this.#isReadDue) return;
    this.#isReadDue = true;
    this.#later(() => this.#sendRead(), this.#readSentAt + READ_EVERY - Date.now());
  }

  /** The users, besides oneself, who have read up to `seq`. */
  readersOf(seq) {
    return this.participants.map(({ user }) => user.id).filter((id) => id !== this.#me.id && (this.#reads.get(id) ?? 0) >= seq);
  }

  async loadOlder() {
    if (this.#isLoadingOlder || !this.timeline.hasOlder) return;
    this.#isLoadingOlder = true;
    try {
      const { seq } = this.timeline.oldest;
      const page = await api.messages(this.id, { before: seq });
      if (this.timeline.oldest?.seq === seq) this.timeline.prepend(page);
      this.#changed();
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  /** Name, description and participants again; one at a time, so that no answer overtakes a later one. */
  #refresh() {
    this.#refreshed = this.#refreshed.catch(() => {}).then(() => this.#fetch());
    return this.#refreshed;
  }

  /** They may have changed: fetched once for all that happens within a second. */
  async #refreshSoon() {
    this.#isOutdated = true;
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    while (this.#isOutdated) {
      await new Promise((resolve) => this.#later(resolve, REFRESH_EVERY));
      this.#isOutdated = false;
      await this.#refresh().catch(() => {});
    }
    this.#isRefreshing = false;
  }

  async #fetch() {
    const conversation = await api.conversation(this.id);
    this.conversation = conversation;
    const complete = conversation.participants.length >= conversation.participant_count;
    this.participants = complete ? conversation.participants : await api.participants(this.id);
    for (const { user, last_read_seq: seq } of this.participants) {
      people.learn(user);
      this.#advance(user.id, seq);
    }
    this.#changed();
  }

  async #load() {
    try {
      await this.#refresh();
      const { version } = this.conversation;
      this.timeline.restart(await api.messages(this.id), version);
      this.#version = Math.max(version, this.#version ?? 0);
      for (const message of this.timeline.messages) this.#arrived(message);
      this.#changed();
    } catch (error) {
      if (error.status === 404) return this.#end(ENDINGS[4404]);
      if (error.status === 401 || this.#isLeaving) return;
      await new Promise((resolve) => this.#later(resolve, LOAD_AGAIN_AFTER));
      await this.#load();
    }
  }

  #connected(frame) {
    this.#readSent = this.#typingSentAt = 0; // they may have been lost with the connection before
    if (Date.now() - this.#typedAt < TYPING_EVERY) this.startTyping();
    for (const { user } of this.participants) {
      if (user.id !== this.#me.id) people.setStatus(user.id, frame.online.includes(user.id));
    }
    if (!frame.recovered) this.#load();
    this.outbox.resume();
  }

  #durable({ message, version }) {
    this.#version = Math.max(version, this.#version ?? 0);
    this.#put(message);
  }

  #put(message) {
    this.timeline.put(message);
    this.#arrived(message);
    this.#changed();
    this.#tell("message", message);
    if (message.type === "system") this.#refreshSoon();
  }

  #arrived(message) {
    if (!message.sender) return;
    people.learn(message.sender);
    this.#advance(message.sender.id, message.seq); // who sends has read
    this.#setTyping(message.sender.id, false);
    if (message.client_id && message.sender.id === this.#me.id) this.outbox.arrived(message.client_id);
  }

  #acknowledged({ client_id: clientId, seq }) {
    if (seq <= (this.timeline.newest?.seq ?? 0)) this.outbox.arrived(clientId);
    else this.outbox.acknowledged(clientId);
    this.#closeIfLeft();
  }

  #read(userId, seq) {
    this.#advance(userId, seq);
    this.#changed();
  }

  #advance(userId, seq) {
    this.#reads.set(userId, Math.max(seq, this.#reads.get(userId) ?? 0));
    if (userId === this.#me.id) this.#tell("read", seq);
  }

  #sendRead() {
    this.#isReadDue = false;
    if (!this.#isUntold(this.#seen) || !this.#socket.send({ type: "read_receipt", message_id: this.#seen.id })) return;
    this.#readSent = this.#seen.seq;
    this.#readSentAt = Date.now();
  }

  /** Whether the server does not know yet that one has read it. */
  #isUntold(message) {
    return message !== null && message.seq > Math.max(this.#reads.get(this.#me.id) ?? 0, this.#readSent);
  }

  #setTyping(userId, isTyping) {
    clearTimeout(this.#typing.get(userId));
    if (!isTyping) this.#typing.delete(userId);
    else this.#typing.set(userId, setTimeout(() => this.#setTyping(userId, false), TYPING_SHOWN_FOR));
    this.#changed();
  }

  /** What the server has and we have not is on its way; where it does not come, it is fetched. */
  #compare(version) {
    if (version > this.#version) this.#later(() => this.#version < version && this.#catchUp().catch(() => {}), CATCH_UP_AFTER);
  }

  async #catchUp() {
    const page = await api.changes(this.id, this.#version);
    for (const message of page.results) this.#put(message);
    this.#version = Math.max(this.#version, page.has_more ? page.results.at(-1).version : page.version);
    if (page.has_more) await this.#catchUp();
  }

  #stateChanged({ state, code }) {
    if (state !== "open") this.outbox.interrupt();
    if (state === "waiting") for (const id of this.typingUsers) this.#setTyping(id, false);
    if (state === "closed" && !this.#isLeaving) this.#end(ENDINGS[code] ?? STOPPED);
    this.#changed();
  }

  #end(reason) {
    this.ending = reason;
    this.outbox.fail(reason);
  }

  #closeIfLeft() {
    if (this.#isLeaving && this.outbox.isIdle) this.close();
  }

  #later(work, delay) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, delay);
    this.#timers.add(timer);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
