/** Names of everyone met so far, and who is online. Event: `change` (a name or a presence is new). */
import * as api from "./api.js";
import { coalesced } from "./coalesced.js";

class People extends EventTarget {
  #known = new Map();
  #asked = new Set();
  #announce = coalesced(() => this.dispatchEvent(new Event("change")));

  /** Take in a User, or the Author of a message (which says nothing about presence). */
  learn(user) {
    if (user) this.#known.set(user.id, { ...this.#known.get(user.id), ...user });
  }

  setStatus(id, isOnline, lastSeen) {
    const known = this.get(id);
    this.#known.set(id, { ...known, is_online: isOnline, last_seen: lastSeen ?? known?.last_seen ?? null });
    this.#announce();
  }

  /** What is known of a user; undefined for a stranger. */
  get(id) {
    return this.#known.get(id);
  }

  /** The display name; asked of the server where it is unknown, with `change` when it has come. */
  nameOf(id) {
    const name = this.get(id)?.display_name;
    if (name === undefined) this.#ask(id);
    return name ?? "Somebody";
  }

  async #ask(id) {
    if (this.#asked.has(id)) return;
    this.#asked.add(id);
    try {
      this.learn(await api.person(id));
      this.#announce();
    } catch (error) {
      if (error.isTemporary) this.#asked.delete(id);
    }
  }
}

export const people = new People();
