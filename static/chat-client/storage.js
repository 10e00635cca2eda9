/**
 * Where a client keeps what outlives it, and how clients on one storage (the tabs of a browser) keep out of each
 * other's way.
 */

const LEASE = 150_000; // the timers of a tab in the background may run once a minute
const RENEW_LEASE_EVERY = 30_000;
const CLAIM = "claim.";
const LOCK_HELD_FOR = 30_000;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The browser's where there is one, else this process's memory. */
export function defaultStorage() {
  try {
    if (globalThis.indexedDB && globalThis.localStorage) return new BrowserStorage();
  } catch {
    // the page may not keep anything
  }
  return new MemoryStorage();
}

/** Everything in memory. Clients that share one are to each other what tabs of a browser are. */
export class MemoryStorage {
  #items = new Map();
  #values = new Map();
  #listeners = new Set();
  #turns = new Map();
  #claimed = new Set();

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, value);
    this.#announce(key);
  }

  removeItem(key) {
    if (this.#items.delete(key)) this.#announce(key);
  }

  keys() {
    return [...this.#items.keys()];
  }

  async read(key) {
    return structuredClone(this.#values.get(key));
  }

  async write(key, value) {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, structuredClone(value));
  }

  exclusively(name, work) {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work);
    this.#turns.set(name, turn.catch(() => {}));
    return turn;
  }

  async claim(name) {
    if (this.#claimed.has(name)) return null;
    this.#claimed.add(name);
    return () => this.#claimed.delete(name);
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(key) {
    for (const listener of this.#listeners) queueMicrotask(() => this.#listeners.has(listener) && listener(key));
  }
}

/**
 * The browser's: localStorage for what is needed at once, IndexedDB for what must never be read stale (another tab's
 * process may see a write to localStorage some milliseconds late), Web Locks where the page has them.
 */
export class BrowserStorage {
  #name;
  #locks;
  #database = null;
  #instead = new Map(); // of the database, where the browser gives none

  /** `name` comes before every key, so that two clients of two servers can live in one page. */
  constructor(name = "chat") {
    this.#name = name;
    this.#locks = globalThis.navigator?.locks; // over HTTPS and on localhost only
  }

  getItem(key) {
    return localStorage.getItem(this.#named(key));
  }

  setItem(key, value) {
    try {
      localStorage.setItem(this.#named(key), value);
    } catch {
      // it is full: life goes on without outliving a reload
    }
  }

  removeItem(key) {
    localStorage.removeItem(this.#named(key));
  }

  keys() {
    const prefix = this.#named("");
    return Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  read(key) {
    return this.#update(key, (value) => value);
  }

  async write(key, value) {
    await this.#update(key, () => value);
  }

  async exclusively(name, work) {
    if (this.#locks) return this.#locks.request(this.#named(name), work);
    let release;
    while (!(release = await this.#lock(`lock.${name}`))) await pause(50 + Math.random() * 100);
    try {
      return await work();
    } finally {
      await release();
    }
  }

  async claim(name) {
    if (!this.#locks) return this.#keepLease(name);
    return new Promise((resolve, reject) => {
      const hold = (lock) => (lock ? new Promise((release) => resolve(release)) : resolve(null));
      this.#locks.request(this.#named(`claim.${name}`), { ifAvailable: true }, hold).catch(reject);
    });
  }

  subscribe(listener) {
    const prefix = this.#named("");
    const heard = ({ key, storageArea }) => {
      if (storageArea !== localStorage) return;
      if (key === null) listener(null);
      else if (key.startsWith(prefix)) listener(key.slice(prefix.length));
    };
    addEventListener("storage", heard);
    return () => removeEventListener("storage", heard);
  }

  #named(key) {
    return `${this.#name}.${key}`;
  }

  /**
   * A lease that is renewed until it is released or the page goes: among the items, for nothing else can be taken
   * back while a page goes. Two that take it in the same moment would both have it, which a claim can bear.
   */
  #keepLease(name) {
    const key = CLAIM + name;
    const leases = this.keys().filter((each) => each.startsWith(CLAIM));
    for (const each of leases) if (!(Number(this.getItem(each)) > Date.now())) this.removeItem(each); // of who crashed
    if (this.getItem(key) !== null) return null;
    const renew = () => this.setItem(key, String(Date.now() + LEASE));
    const end = () => {
      clearInterval(timer);
      removeEventListener("pagehide", end);
      this.removeItem(key);
    };
    const timer = setInterval(renew, RENEW_LEASE_EVERY);
    addEventListener("pagehide", end);
    renew();
    return end;
  }

  /** Hold `key` for a while: what releases it, null where another one holds it. */
  async #lock(key) {
    const holder = `${Date.now()}.${Math.random()}`;
    const mine = { holder, until: Date.now() + LOCK_HELD_FOR };
    const kept = await this.#update(key, (lock) => (lock && lock.until > Date.now() ? lock : mine));
    if (kept.holder !== holder) return null;
    return () => this.#update(key, (lock) => (lock?.holder === holder ? undefined : lock));
  }

  /** Put `change(old)` in the place of the value, with nothing in between; answers the new one. Undefined is no value. */
  async #update(key, change) {
    const database = await this.#open();
    return database ? updated(database, this.#named(key), change) : this.#updateInstead(key, change);
  }

  #updateInstead(key, change) {
    const value = change(this.#instead.get(key));
    this.#instead.set(key, value);
    return value;
  }

  #open() {
    this.#database ??= new Promise((resolve) => {
      const request = indexedDB.open(this.#name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore("values");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(null);
    });
    return this.#database;
  }
}

function updated(database, key, change) {
  const transaction = database.transaction("values", "readwrite");
  const values = transaction.objectStore("values");
  return new Promise((resolve, reject) => {
    let value;
    values.get(key).onsuccess = ({ target }) => {
      value = change(target.result);
      if (value === undefined) values.delete(key);
      else values.put(value, key);
    };
    transaction.oncomplete = () => resolve(value);
    transaction.onabort = () => reject(transaction.error);
  });
}
