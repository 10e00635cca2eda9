/**
 * One conversation's socket, kept open.
 *
 * Events: `frame` (detail: the frame), `state` (detail: {state, code}); state is one of
 * `connecting`, `open` (the `connected` frame came), `waiting` (comes back by itself), `closed` (does not).
 */
import { session } from "./session.js";

const PING_EVERY = 25_000;
const ANSWER_WITHIN = 10_000;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const BUSY_DELAY = 20_000;

const TOKEN_NEEDED = 4401;
const FINAL_CODES = new Set([4400, 4403, 4404, 4413]);
const BUSY_CODES = new Set([4409, 4429]);

export class ConversationSocket extends EventTarget {
  #conversationId;
  #since;
  #socket = null;
  #token = "";
  #refusedToken = "";
  #attempts = 0;
  #reconnectTimer = 0;
  #pingTimer = 0;
  #answerTimer = 0;
  #unsubscribe = new AbortController();

  /** `since` answers the version to go on from, undefined where there is none. */
  constructor(conversationId, since) {
    super();
    this.#conversationId = conversationId;
    this.#since = since;
    this.state = "closed";
  }

  open() {
    const { signal } = this.#unsubscribe;
    session.addEventListener("renewed", () => this.#authenticate(), { signal });
    addEventListener("online", () => this.#hurry(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry(), { signal });
    this.#connect();
  }

  /** Close for good. */
  close(code = 1000) {
    this.#unsubscribe.abort();
    clearTimeout(this.#reconnectTimer);
    this.#drop();
    this.#enter("closed", code);
  }

  /** Whether the frame went out. */
  send(frame) {
    if (this.state !== "open" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** The connection looks dead: leave it and make another. */
  reconnect() {
    if (this.state === "closed") return;
    this.#drop();
    this.#comeBack(1006);
  }

  async #connect() {
    clearTimeout(this.#reconnectTimer);
    this.#enter("connecting");
    const token = await this.#usableToken().catch(() => null);
    if (this.state !== "connecting" || this.#socket !== null) return;
    if (token !== null) this.#start(token);
    else if (session.isActive) this.#comeBack(1006);
  }

  async #usableToken() {
    const token = await session.token();
    return token === this.#refusedToken ? session.renew(token) : token;
  }

  #start(token) {
    const url = new URL(`/ws/chat/${this.#conversationId}/`, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const since = this.#since();
    if (since !== undefined) url.searchParams.set("since", since);
    this.#token = token;
    const socket = new WebSocket(url, ["bearer", token]);
    this.#socket = socket;
    this.#expectAnswer();
    const current = () => socket === this.#socket;
    socket.addEventListener("message", (event) => current() && this.#receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => current() && this.#closed(event.code));
  }

  #receive(frame) {
    this.#heard();
    if (frame.type === "connected") {
      this.#attempts = 0;
      this.#enter("open");
      this.#authenticate();
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  #closed(code) {
    this.#drop();
    if (FINAL_CODES.has(code)) this.close(code);
    if (code === TOKEN_NEEDED) this.#refusedToken = this.#token;
    if (!FINAL_CODES.has(code)) this.#comeBack(code);
  }

  #comeBack(code) {
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts);
    const delay = BUSY_CODES.has(code) ? BUSY_DELAY : ceiling;
    this.#attempts += 1;
    this.#enter("waiting", code);
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = setTimeout(() => this.#connect(), delay * (0.5 + Math.random()));
  }

  /** The network or the user is back: do not wait for a timer to find out. */
  #hurry() {
    if (this.state === "waiting") this.#connect();
    if (this.state === "open") this.#ping();
  }

  #authenticate() {
    if (this.state !== "open") return;
    session.token().then((token) => {
      if (token !== this.#token && this.send({ type: "authenticate", token })) this.#token = token;
    }, () => {});
  }

  /** Anything that comes shows that the connection lives; after a while of nothing it is asked. */
  #heard() {
    this.#stopTimers();
    this.#pingTimer = setTimeout(() => this.#ping(), PING_EVERY);
  }

  #ping() {
    this.send({ type: "ping" });
    this.#expectAnswer();
  }

  #expectAnswer() {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(() => this.reconnect(), ANSWER_WITHIN);
  }

  #drop() {
    this.#stopTimers();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #stopTimers() {
    clearTimeout(this.#pingTimer);
    clearTimeout(this.#answerTimer);
  }

  #enter(state, code = 0) {
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, code } }));
  }
}
