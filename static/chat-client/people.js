/** Names of everyone met so far, and who is online. Event: `change` (detail: ids of whom something is new). */
import { coalesced, tell } from "./events.js";

export class People extends EventTarget {
  #load;
  #known = new Map();
  #asked = new Map();
  #changed = new Set();
  #announce = coalesced(() => {
    const ids = [...this.#changed];
    this.#changed.clear();
    tell(this, "change", ids);
  });

  /** `load(id)` asks the server for a User. */
  constructor(load) {
    super();
    this.#load = load;
  }

  /** What is known of a user: a User, or an Author, which says nothing about presence; undefined of a stranger. */
  get(id) {
    return this.#known.get(id);
  }

  /** A User or an Author, asked of the server once where nothing is known; null where there is no such user. */
  async find(id) {
    if (this.#known.has(id)) return this.get(id);
    if (!this.#asked.has(id)) this.#asked.set(id, this.#ask(id));
    return this.#asked.get(id);
  }

  /** Take in Users and Authors. */
  learn(...users) {
    for (const user of users) {
      if (!user) continue;
      const known = this.#known.get(user.id);
      const isNew = !known || Object.keys(user).some((key) => known[key] !== user[key]);
      if (isNew) this.#put({ ...known, ...user });
    }
  }

  setStatus(id, isOnline, lastSeen) {
    const known = this.#known.get(id);
    if (known) this.#put({ ...known, is_online: isOnline, last_seen: lastSeen ?? known.last_seen ?? null });
  }

  forget() {
    this.#known.clear();
    this.#asked.clear();
  }

  async #ask(id) {
    try {
      const user = await this.#load(id);
      this.learn(user);
      return this.get(id);
    } catch (error) {
      if (error.status === 404) return null;
      this.#asked.delete(id);
      throw error;
    }
  }

  #put(user) {
    this.#known.set(user.id, user);
    this.#changed.add(user.id);
    this.#announce();
  }
}
