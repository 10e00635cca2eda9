/**
 * A client of the chat server: logs in, keeps one socket open for everything, and knows what was said.
 *
 * Events, all with a `detail`: `session` {state: "began" | "renewed" | "ended", user, reason}, `user` (the own Profile),
 * `connection` {state, code, retryAt}, `conversations` (the list, or what is unread), `message` {conversation, message,
 * isMissed} (somebody else's, new), `failed` (an entry of the outbox that was refused), `people` (ids).
 */
import { Api } from "./api.js";
import { Conversations } from "./conversations.js";
import { tell } from "./events.js";
import { Http } from "./http.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { Session } from "./session.js";
import { Socket } from "./socket.js";
import { defaultStorage } from "./storage.js";
import { TIMING } from "./timing.js";

export class ChatClient extends EventTarget {
  #api;
  #http;
  #session;
  #socket;
  #inbox;
  #outbox;
  #people;
  #conversations;
  #userId = null;

  /** In a browser everything has a default; under Node `url` is needed, and `WebSocket` and `crypto` where it has none. */
  constructor({
    url = globalThis.location?.origin,
    storage = defaultStorage(),
    fetch = globalThis.fetch,
    WebSocket = globalThis.WebSocket,
    crypto = globalThis.crypto,
    page = globalThis,
    timing = {},
  } = {}) {
    super();
    if (!url || !fetch || !WebSocket || !crypto) throw new TypeError("ChatClient needs url, fetch, WebSocket and crypto.");
    const times = { ...TIMING, ...timing };
    this.#http = new Http({ url, fetch, answerWithin: times.answerWithin });
    this.#session = new Session({ http: this.#http, storage, timing: times });
    this.#api = new Api(this.#http, this.#session);
    this.#socket = new Socket({ url: addressOf(url), session: this.#session, WebSocket, page, timing: times });
    this.#people = new People((id) => this.#api.call("GET", `/api/auth/users/${id}/`));
    const send = (frame) => this.#inbox.send(frame);
    const unanswered = () => this.#socket.probe();
    const lookUp = (id) => this.loadMessage(id);
    const newId = () => randomId(crypto);
    this.#outbox = new Outbox({ storage, send, unanswered, lookUp, newId, timing: times });
    const shared = { outbox: this.#outbox, people: this.#people, timing: times };
    this.#conversations = new Conversations({ ...shared, api: this.#api, send });
    this.#inbox = new Inbox({ ...shared, socket: this.#socket, conversations: this.#conversations });
    this.#listen();
    if (this.user) this.#begin();
  }

  // Who one is -------------------------------------------------------------------------------------

  /** The own Profile, null where nobody is logged in. */
  get user() {
    return this.#session.user;
  }

  /** Make an account of `email`, `username`, `password`, and what else `register/` takes, and be logged in with it. */
  async register(fields) {
    await this.#session.begin(await this.#api.openCall("/api/auth/register/", fields));
    return this.user;
  }

  async logIn({ email, password }) {
    await this.#session.begin(await this.#api.openCall("/api/auth/login/", { email, password }));
    return this.user;
  }

  /** Over here at once, whatever the server says; rejects where it could not be told. `all`: on every device. */
  async logOut({ all = false } = {}) {
    this.#socket.stop();
    try {
      await this.#api.call("POST", "/api/auth/logout/", { body: { all } });
    } catch (error) {
      if (error.status !== 401) throw error; // it is over already
    } finally {
      await this.#session.end("logged_out");
    }
  }

  async requestPasswordReset(email) {
    await this.#api.openCall("/api/auth/password-reset/", { email });
  }

  /** With the token of the mail; every session is over then. */
  async resetPassword(token, newPassword) {
    await this.#api.openCall("/api/auth/password-reset-confirm/", { token, new_password: newPassword });
  }

  /** One stays logged in here, and nowhere else. */
  async changePassword(oldPassword, newPassword) {
    const body = { old_password: oldPassword, new_password: newPassword };
    await this.#session.replace((token) => this.#api.callWith(token, "/api/auth/password-change/", body));
  }

  async loadProfile() {
    this.#session.change(await this.#api.call("GET", "/api/auth/profile/"));
    return this.user;
  }

  /** Change some of `username`, `first_name`, `last_name`, `bio`. */
  async updateProfile(changes) {
    this.#session.change(await this.#api.call("PATCH", "/api/auth/profile/", { body: changes }));
    return this.user;
  }

  /** Where one is logged in, newest first. */
  listSessions() {
    return this.#listed("/api/auth/sessions/");
  }

  async endSession(id) {
    await this.#api.call("DELETE", `/api/auth/sessions/${encodeURIComponent(id)}/`);
  }

  // Others -----------------------------------------------------------------------------------------

  /** What is known of a user: a User, or an Author, which says nothing about presence; undefined of a stranger. */
  getPerson(id) {
    return this.#people.get(id);
  }

  /** The same, asked of the server once where nothing is known; resolves with null where there is no such user. */
  findPerson(id) {
    return this.#people.find(id);
  }

  /** People whose username or name has a word that begins with `search`, by username. */
  searchPeople(search = "", { limit = 20 } = {}) {
    return this.#listed("/api/auth/users/", { search, limit }, (user) => {
      this.#people.learn(user);
      return user;
    });
  }

  // Conversations ----------------------------------------------------------------------------------

  /** Those that were loaded so far, latest activity first. */
  get conversations() {
    return this.#conversations.list;
  }

  get hasMoreConversations() {
    return this.#conversations.hasMore;
  }

  /** What is unread in all conversations, those too that were not loaded. */
  get totalUnread() {
    return this.#conversations.totalUnread;
  }

  /** Resolves once the beginning of the list is there; it is loaded by itself. */
  async loadConversations() {
    if (this.user) await this.#conversations.load();
    return this.conversations;
  }

  async loadMoreConversations() {
    await this.#conversations.loadMore();
    return this.conversations;
  }

  /** Conversations by `search` in their names, `type` ("private", "group"), `unread` (true). */
  findConversations({ search, type, unread, limit } = {}) {
    const query = { search, type, unread: unread ? true : undefined, limit };
    return this.#listed("/api/chat/conversations/", query, (shape) => this.#conversations.meet(shape));
  }

  /** A conversation that is known. */
  getConversation(id) {
    return this.#conversations.get(id);
  }

  /** A conversation, asked of the server where it is not known; rejects with 404 where there is none for this user. */
  findConversation(id) {
    return this.#conversations.find(id);
  }

  /** The private conversation with a user, made where there is none. */
  async createPrivate(userId) {
    return this.#create({ type: "private", participant_ids: [userId] });
  }

  async createGroup(name, participantIds = [], { description } = {}) {
    return this.#create({ type: "group", name, participant_ids: participantIds, description });
  }

  // Messages ---------------------------------------------------------------------------------------

  /** Send a message, also to a conversation that is not known; it is among the conversation's `pending` at once. */
  send(conversationId, content, { replyTo = null } = {}) {
    if (!this.user) throw new Error("Nobody is logged in.");
    return this.#outbox.add(conversationId, content, replyTo);
  }

  /** Send a message that failed again. */
  retry(clientId) {
    this.#outbox.retry(clientId);
  }

  /** Forget a message that is not stored; one that is under way may still arrive. */
  discard(clientId) {
    this.#outbox.discard(clientId);
  }

  async editMessage(id, content) {
    return this.#placed(await this.#api.call("PATCH", `/api/chat/messages/${id}/`, { body: { content } }));
  }

  async deleteMessage(id) {
    await this.#api.call("DELETE", `/api/chat/messages/${id}/delete/`);
  }

  async loadMessage(id) {
    return this.#placed(await this.#api.call("GET", `/api/chat/messages/${id}/`));
  }

  /** Who has read a message: {user, read_at}. */
  listReceipts(messageId) {
    return this.#listed(`/api/chat/messages/${messageId}/receipts/`);
  }

  // The connection ---------------------------------------------------------------------------------

  /** {state, code, retryAt}; `state` is `idle`, `connecting`, `open`, `waiting`, `offline` or `stopped`. */
  get connection() {
    return this.#socket.connection;
  }

  /** Try now, also where the server has said not to come back. */
  reconnect() {
    if (this.user) this.#socket.start();
  }

  /** End it, with every timer and listener; who was logged in still is, for the next client on the same storage. */
  close() {
    this.#socket.close();
    this.#inbox.close();
    this.#outbox.close();
    this.#conversations.end("closed");
    this.#session.close();
    this.#http.close();
    this.#userId = null;
  }

  #listen() {
    const forward = (source, type, as) => source.addEventListener(type, ({ detail }) => tell(this, as, detail));
    this.#session.addEventListener("began", () => this.#begin());
    this.#session.addEventListener("renewed", () => this.#tellSession("renewed"));
    this.#session.addEventListener("ended", ({ detail: reason }) => this.#end(reason));
    this.#session.addEventListener("user", () => tell(this, "user", this.user));
    forward(this.#socket, "state", "connection");
    forward(this.#people, "change", "people");
    forward(this.#conversations, "change", "conversations");
    forward(this.#conversations, "message", "message");
    this.#outbox.addEventListener("change", ({ detail }) => detail.state === "failed" && tell(this, "failed", detail));
  }

  #begin() {
    if (this.#userId !== null) this.#end("replaced");
    this.#userId = this.user.id;
    this.#people.learn(this.user);
    this.#outbox.begin(this.#userId);
    this.#socket.start();
    this.#conversations.begin(this.#userId);
    this.#tellSession("began");
  }

  #end(reason) {
    if (this.#userId === null) return;
    this.#userId = null;
    this.#socket.stop();
    this.#outbox.end({ forget: reason === "logged_out" });
    this.#conversations.end(reason);
    this.#people.forget();
    this.#tellSession("ended", reason);
  }

  #tellSession(state, reason = null) {
    tell(this, "session", { state, user: this.user, reason });
  }

  async #create(body) {
    return this.#conversations.meet(await this.#api.call("POST", "/api/chat/conversations/create/", { body }));
  }

  #placed(message) {
    this.#conversations.put(message);
    return message;
  }

  async #listed(path, query, shown) {
    const list = this.#api.list(path, query, shown);
    await list.loadMore();
    return list;
  }
}

function addressOf(url) {
  const address = new URL("/ws/inbox/", url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address.href;
}

/** 32 random hexadecimal digits (`crypto.randomUUID` is missing over plain HTTP). */
function randomId(crypto) {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
