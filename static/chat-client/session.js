/**
 * Who is logged in, for all clients on one storage together.
 *
 * A refresh token is good for one use, and a second use ends the whole session; so a renewal happens under a lock, and
 * the client that gets the lock second finds the new tokens already there: among the values, whose reads are never
 * stale. The item of the same name holds what is needed at once, and tells the others of a change.
 *
 * Events: `began`, `renewed` (there is another access token), `user` (the profile is another one), `ended` (detail: why).
 */
import { tell } from "./events.js";
import { ApiError, notLoggedIn } from "./http.js";

const KEY = "session";
const DEFAULT_LIFETIME = 60_000;
const SHORTEST_LIFETIME = 500;

export class Session extends EventTarget {
  #http;
  #storage;
  #timing;
  #timer;
  #current = null; // {access, user, lifetime, expiresAt}
  #renewals = new Map(); // by the token that is to be replaced
  #unsubscribe;
  #isClosed = false;

  constructor({ http, storage, timing }) {
    super();
    this.#http = http;
    this.#storage = storage;
    this.#timing = timing;
    this.#unsubscribe = storage.subscribe((key) => (key === KEY || key === null) && this.#follow());
    this.#take(this.#stored);
  }

  get user() {
    return this.#current?.user ?? null;
  }

  /** Take over what register/ or login/ answered. */
  async begin(answer) {
    const before = this.user;
    await this.#storage.exclusively(KEY, () => this.#keep(answer, answer.user));
    if (before && before.id !== answer.user.id) tell(this, "ended", "replaced");
    tell(this, "began");
  }

  /** An access token that is still good; throws `ApiError` 401 where nobody is logged in. */
  async token() {
    const current = this.#current;
    if (current === null) throw notLoggedIn();
    if (Date.now() < this.#renewAt(current)) return current.access;
    try {
      return await this.renew(current.access);
    } catch (error) {
      if (error.isTemporary && Date.now() < current.expiresAt) return current.access;
      throw error;
    }
  }

  /** A newer access token than `old`; however many ask, it is renewed once. */
  renew(old) {
    if (!this.#renewals.has(old)) {
      const renewal = this.#storage.exclusively(KEY, () => this.#renewed(old));
      this.#renewals.set(old, renewal.finally(() => this.#renewals.delete(old)));
    }
    return this.#renewals.get(old);
  }

  /** Go on with the tokens that `call(token)` answers: meanwhile nobody renews, for the old ones end with it. */
  async replace(call) {
    const token = await this.token();
    const attempt = (access) =>
      this.#storage.exclusively(KEY, async () => {
        await this.#keep(await call(access), this.user);
        tell(this, "renewed");
      });
    try {
      await attempt(token);
    } catch (error) {
      if (error.status !== 401) throw error;
      await attempt(await this.renew(token));
    }
  }

  /** The profile is this one now. */
  change(user) {
    if (this.#current?.user.id !== user.id) return;
    this.#current = { ...this.#current, user };
    this.#storage.setItem(KEY, JSON.stringify(this.#current));
    tell(this, "user");
  }

  /** Forget the tokens, in every tab. */
  end(reason) {
    return this.#storage.exclusively(KEY, () => this.#end(reason));
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#unsubscribe();
  }

  async #renewed(old) {
    const kept = await this.#storage.read(KEY);
    if (this.#current === null) throw notLoggedIn();
    if (kept === undefined) {
      await this.#end("expired");
      throw notLoggedIn();
    }
    if (kept.user.id !== this.#current.user.id) throw notLoggedIn(); // somebody else logged in; we hear of it
    if (kept.access === old) return this.#spend(kept);
    if (kept.access !== this.#current.access) {
      const { refresh, ...shown } = kept;
      this.#announce({ ...shown, user: this.#current.user });
      tell(this, "renewed");
    }
    return kept.access;
  }

  async #spend({ refresh: spent, user }) {
    let answer;
    try {
      const body = { refresh: spent };
      answer = await this.#http.call("POST", "/api/auth/token/refresh/", { body, mustFinish: true });
    } catch (error) {
      if (error.status === 401) await this.#end("expired");
      throw error;
    }
    await this.#keep(answer, this.user ?? user);
    tell(this, "renewed");
    return answer.access;
  }

  async #keep({ access, refresh }, user) {
    const lifetime = lifetimeOf(access);
    const shown = { access, user, lifetime, expiresAt: Date.now() + lifetime };
    await this.#storage.write(KEY, { ...shown, refresh });
    this.#announce(shown);
  }

  /** The refresh token stays among the values: nobody may take it from anywhere else. */
  #announce(shown) {
    this.#current = shown;
    this.#storage.setItem(KEY, JSON.stringify(shown));
    this.#schedule();
  }

  async #end(reason) {
    await this.#storage.write(KEY, undefined);
    if (this.#current === null) return;
    this.#storage.setItem(KEY, JSON.stringify({ ended: reason }));
    this.#forget(reason);
  }

  #forget(reason) {
    clearTimeout(this.#timer);
    this.#current = null;
    tell(this, "ended", reason);
  }

  get #stored() {
    try {
      return JSON.parse(this.#storage.getItem(KEY));
    } catch {
      return null;
    }
  }

  #take(stored) {
    this.#current = stored?.access ? stored : null;
    if (this.#current) this.#schedule();
  }

  /** Another client on this storage, or this one, has changed the session. */
  #follow() {
    const [stored, before] = [this.#stored, this.#current];
    if (!stored?.access) return before && this.#forget(stored?.ended ?? "logged_out");
    if (before && before.user.id !== stored.user.id) this.#forget("replaced");
    const isNew = this.#current === null;
    this.#take(stored);
    if (isNew) return tell(this, "began");
    if (before.access !== stored.access) tell(this, "renewed");
    if (JSON.stringify(before.user) !== JSON.stringify(stored.user)) tell(this, "user");
  }

  #renewAt({ expiresAt, lifetime }) {
    return expiresAt - Math.min(this.#timing.renewMargin, lifetime / 3);
  }

  #schedule(delay = this.#renewAt(this.#current) - Date.now()) {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#renewInTime(), Math.max(delay, 0));
  }

  async #renewInTime() {
    const token = this.#current?.access;
    try {
      await this.renew(token);
    } catch (error) {
      const isOver = this.#current === null || !(error instanceof ApiError);
      if (!isOver) this.#schedule((error.retryAfter ?? 0) * 1000 || this.#timing.renewAgainAfter);
    }
  }
}

/**
 * How long the token lives at least, in milliseconds, from the server's own two times: this machine's clock may be
 * wrong. They are whole seconds, and the first of them may be gone already.
 */
function lifetimeOf(token) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp > iat ? Math.max((exp - iat - 1) * 1000, SHORTEST_LIFETIME) : DEFAULT_LIFETIME;
  } catch {
    return DEFAULT_LIFETIME;
  }
}
