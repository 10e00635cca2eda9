/**
 * Who is logged in: the tokens, kept in localStorage and shared by all tabs.
 *
 * A refresh token is good for one use, and a second use ends the whole session; so a renewal happens under a lock
 * across the tabs, and the tab that gets the lock second finds the new tokens already there.
 *
 * Events: `renewed` (there are new tokens), `ended` (nobody is logged in any more).
 */
import { ApiError, call } from "./http.js";
import { exclusively } from "./lock.js";

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
  begin({ access, refresh, user }) {
    this.#userId = user.id;
    this.#store({ access, refresh, user });
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
      const stored = this.#stored;
      if (stored === null) throw new ApiError(401);
      if (stored.access !== old) return stored.access;
      return this.#spend(stored);
    });
  }

  /** Forget the tokens, in every tab. */
  end() {
    clearTimeout(this.#timer);
    localStorage.removeItem(KEY);
    if (this.#userId === null) return;
    this.#userId = null;
    this.dispatchEvent(new Event("ended"));
  }

  async #spend(stored) {
    try {
      const { access, refresh } = await call("POST", "/api/auth/token/refresh/", { body: { refresh: stored.refresh } });
      this.#store({ access, refresh, user: stored.user });
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

  #store({ access, refresh, user }) {
    const lifetime = lifetimeOf(access);
    localStorage.setItem(KEY, JSON.stringify({ access, refresh, user, lifetime, expiresAt: Date.now() + lifetime }));
    this.#announce();
  }

  #announce() {
    this.#schedule();
    this.dispatchEvent(new Event("renewed"));
  }

  #schedule(delay = renewAt(this.#stored) - Date.now()) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.token().catch(() => this.isActive && this.#schedule(RETRY_AFTER)), Math.max(delay, 0));
  }

  #followOtherTab() {
    if (!this.isActive) return this.end();
    if (this.user.id === this.#userId) return this.#announce();
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
