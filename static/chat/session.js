/**
 * Who is logged in, for all tabs together.
 *
 * A refresh token is good for one use, and a second use ends the whole session; so a renewal happens under a lock
 * across the tabs, and the tab that gets the lock second finds the new tokens already there: in the store, whose
 * reads are never stale. localStorage holds what is needed at once, and tells the other tabs of a change.
 *
 * Events: `renewed` (there are new tokens), `ended` (nobody is logged in any more).
 */
import { ApiError, call } from "./http.js";
import { exclusively } from "./lock.js";
import * as store from "./store.js";

const KEY = "chat.session";
const DEFAULT_LIFETIME = 60_000;
const LONGEST_MARGIN = 60_000;
const RETRY_AFTER = 5_000;

class Session extends EventTarget {
  #timer = 0;
  #userId = null;

  constructor() {
    super();
    this.#userId = this.user?.id ?? null;
    addEventListener("storage", (event) => {
      if (event.key === KEY || event.key === null) this.#followOtherTab();
    });
    if (this.isActive) this.#schedule();
  }

  get isActive() {
    return this.#stored !== null;
  }

  get user() {
    return this.#stored?.user ?? null;
  }

  /** Take over what register/ or login/ answered. */
  async begin({ access, refresh, user }) {
    this.#userId = user.id;
    await this.#keep({ access, refresh, user });
  }

  /** An access token with some life left; throws `ApiError` 401 where nobody is logged in. */
  async token() {
    const stored = this.#stored;
    if (stored === null) throw new ApiError(401);
    return Date.now() < renewAt(stored) ? stored.access : this.renew(stored.access);
  }

  /** A newer access token than `old`. */
  renew(old) {
    return exclusively("session", async () => {
      const kept = await store.read(KEY);
      if (kept === undefined) this.end();
      if (kept?.user.id !== this.#userId) throw new ApiError(401);
      if (kept.access === old) return this.#spend(kept);
      this.#announce(kept);
      return kept.access;
    });
  }

  /** Forget the tokens, in every tab. */
  end() {
    clearTimeout(this.#timer);
    localStorage.removeItem(KEY);
    store.write(KEY, undefined);
    if (this.#userId === null) return;
    this.#userId = null;
    this.dispatchEvent(new Event("ended"));
  }

  async #spend({ refresh: spent, user }) {
    try {
      const { access, refresh } = await call("POST", "/api/auth/token/refresh/", { body: { refresh: spent } });
      if (this.#userId === null) throw new ApiError(401); // logged out meanwhile, in another tab
      await this.#keep({ access, refresh, user });
      return access;
    } catch (error) {
      if (error.status === 401) this.end();
      throw error;
    }
  }

  get #stored() {
    try {
      return JSON.parse(localStorage.getItem(KEY));
    } catch {
      return null;
    }
  }

  async #keep({ access, refresh, user }) {
    const lifetime = lifetimeOf(access);
    const kept = { access, refresh, user, lifetime, expiresAt: Date.now() + lifetime };
    await store.write(KEY, kept);
    this.#announce(kept);
  }

  /** The refresh token stays in the store: nobody may take it from anywhere else. */
  #announce({ refresh, ...shown }) {
    localStorage.setItem(KEY, JSON.stringify(shown));
    this.#renewed();
  }

  #renewed() {
    this.#schedule();
    this.dispatchEvent(new Event("renewed"));
  }

  #schedule(delay = renewAt(this.#stored) - Date.now()) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.token().catch(() => this.isActive && this.#schedule(RETRY_AFTER)), Math.max(delay, 0));
  }

  #followOtherTab() {
    if (!this.isActive) return this.end();
    if (this.user.id === this.#userId) return this.#renewed();
    location.reload(); // somebody logged in: this tab shows the start screen, or another one's conversations
  }
}

function renewAt({ expiresAt, lifetime }) {
  return expiresAt - Math.min(LONGEST_MARGIN, lifetime / 3);
}

/** How long the token lives, in milliseconds, from the server's own two times: this machine's clock may be wrong. */
function lifetimeOf(token) {
  try {
    const { exp, iat } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp > iat ? (exp - iat) * 1000 : DEFAULT_LIFETIME;
  } catch {
    return DEFAULT_LIFETIME;
  }
}

export const session = new Session();
