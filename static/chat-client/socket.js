/**
 * One WebSocket, kept open while it is started.
 *
 * Events: `frame` (detail: what came), `state` (detail: the connection), `beat` (it is time for a ping).
 * The connection is {state, code, retryAt}; `state` is one of
 *   `idle`        not started: nobody is logged in
 *   `connecting`  on its way
 *   `open`        the `connected` frame came
 *   `waiting`     it broke, with `code`; the next try is at `retryAt` (milliseconds, as of `Date.now()`)
 *   `offline`     the same, and the browser says that there is no network
 *   `stopped`     the server closed it with a `code` after which one does not come back by oneself
 */
import { jittered, tell, Timers } from "./events.js";

const BROKEN = 1006;
const TOKEN_NEEDED = 4401;
const RESTARTING = 4503;
const FINAL_CODES = new Set([4400, 4403, 4404, 4413]);
const BUSY_CODES = new Set([4409, 4429]);
const OPEN = 1; // WebSocket.OPEN

export class Socket extends EventTarget {
  #url;
  #session;
  #WebSocket;
  #page;
  #timing;
  #timers = new Timers();
  #unsubscribe = [];
  #socket = null;
  #token = "";
  #refusedToken = "";
  #attempts = 0;
  #openedAt = 0;
  #retry;
  #beat;
  #answer;
  #connection = Object.freeze({ state: "idle", code: 0, retryAt: null });

  constructor({ url, session, WebSocket, page, timing }) {
    super();
    this.#url = url;
    this.#session = session;
    this.#WebSocket = WebSocket;
    this.#page = page;
    this.#timing = timing;
    this.#on(session, "renewed", () => this.#authenticate());
    this.#on(page, "online", () => this.#hurry());
    this.#on(page, "offline", () => this.#networkLost());
    this.#on(page.document, "visibilitychange", () => page.document.hidden || this.#hurry());
  }

  get connection() {
    return this.#connection;
  }

  get #state() {
    return this.#connection.state;
  }

  /** Connect now, whatever it waits for. */
  start() {
    if (this.#state === "open" || this.#state === "connecting") return;
    this.#attempts = 0;
    this.#connect();
  }

  /** Disconnect, until `start`. */
  stop() {
    this.#drop();
    this.#enter("idle");
  }

  /** Stop for good. */
  close() {
    this.stop();
    this.#timers.stop();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  /** Whether the frame went out. */
  send(frame) {
    if (this.#state !== "open" || this.#socket.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Find out whether the connection still lives: where nothing comes within that time, make another. */
  probe(within = this.#timing.pongWithin) {
    if (this.send({ type: "ping" })) this.#expectAnswer(within);
  }

  async #connect() {
    this.#timers.cancel(this.#retry);
    this.#enter("connecting");
    const token = await this.#usableToken().catch(() => null);
    if (this.#state !== "connecting" || this.#socket !== null) return;
    if (token !== null) this.#open(token);
    else if (this.#session.user) this.#comeBack(BROKEN);
    else this.#enter("idle");
  }

  async #usableToken() {
    const token = await this.#session.token();
    return token === this.#refusedToken ? this.#session.renew(token) : token;
  }

  #open(token) {
    this.#token = token;
    let socket;
    try {
      socket = new this.#WebSocket(this.#url, ["bearer", token]);
    } catch {
      return this.#comeBack(BROKEN);
    }
    const whileCurrent = (work) => (event) => socket === this.#socket && work(event);
    this.#socket = socket;
    this.#expectAnswer(this.#timing.answerWithin);
    socket.addEventListener("message", whileCurrent(({ data }) => this.#receive(data)));
    socket.addEventListener("close", whileCurrent(({ code }) => this.#closed(code)));
    socket.addEventListener("error", () => {}); // `close` follows
  }

  #receive(data) {
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    this.#stopExpecting();
    if (frame?.type === "connected") this.#connected();
    if (frame?.type) tell(this, "frame", frame);
  }

  #connected() {
    this.#openedAt = Date.now();
    this.#enter("open");
    this.#authenticate();
    this.#beatLater();
  }

  #closed(code) {
    this.#drop();
    if (FINAL_CODES.has(code)) return this.#enter("stopped", code);
    if (code === TOKEN_NEEDED) this.#refusedToken = this.#token;
    this.#comeBack(code);
  }

  #comeBack(code) {
    const delay = this.#delayAfter(code);
    const isOffline = this.#page.navigator?.onLine === false;
    this.#enter(isOffline ? "offline" : "waiting", code, Date.now() + delay);
    this.#retry = this.#timers.after(delay, () => this.#connect());
  }

  #delayAfter(code) {
    const { firstDelay, longestDelay, busyDelay, restartDelay, stableAfter } = this.#timing;
    if (this.#openedAt && Date.now() - this.#openedAt > stableAfter) this.#attempts = 0;
    this.#openedAt = 0;
    const isFirst = this.#attempts === 0;
    this.#attempts += 1;
    if (BUSY_CODES.has(code)) return jittered(busyDelay);
    if (code === RESTARTING && isFirst) return restartDelay * Math.random();
    return jittered(Math.min(longestDelay, firstDelay * 2 ** (this.#attempts - 1)));
  }

  /** The network or the user is back: do not wait for a timer to find out. */
  #hurry() {
    if (this.#state === "open") return this.probe(this.#timing.probeWithin);
    const isWaiting = this.#state === "waiting" || this.#state === "offline";
    if (isWaiting && !BUSY_CODES.has(this.#connection.code)) this.#connect();
  }

  #networkLost() {
    if (this.#state === "open") this.probe(this.#timing.probeWithin);
    else if (this.#state === "waiting") this.#enter("offline", this.#connection.code, this.#connection.retryAt);
  }

  #authenticate() {
    if (this.#state !== "open") return;
    this.#session.token().then((token) => {
      if (token !== this.#token && this.send({ type: "authenticate", token })) this.#token = token;
    }, () => {});
  }

  #beatLater() {
    this.#timers.cancel(this.#beat);
    this.#beat = this.#timers.after(this.#timing.pingEvery, () => {
      if (this.#state !== "open") return;
      this.#beatLater();
      tell(this, "beat");
      this.#expectAnswer(this.#timing.pongWithin);
    });
  }

  /** Anything that comes will do; the first who waits for it is the one who decides. */
  #expectAnswer(within) {
    this.#answer ??= this.#timers.after(within, () => {
      this.#drop();
      this.#comeBack(BROKEN);
    });
  }

  #stopExpecting() {
    this.#timers.cancel(this.#answer);
    this.#answer = undefined;
  }

  #drop() {
    for (const timer of [this.#retry, this.#beat]) this.#timers.cancel(timer);
    this.#stopExpecting();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    socket?.terminate?.(); // under Node `close` alone waits for an answer, and the process with it
  }

  #enter(state, code = 0, retryAt = null) {
    this.#connection = Object.freeze({ state, code, retryAt });
    tell(this, "state", this.#connection);
  }

  #on(target, type, listener) {
    if (!target?.addEventListener) return;
    target.addEventListener(type, listener);
    this.#unsubscribe.push(() => target.removeEventListener(type, listener));
  }
}
