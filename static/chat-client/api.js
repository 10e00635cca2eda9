/** The REST calls, by name; every one may throw `ApiError`. What goes in and comes out is described at `/api/`. */

import { notLoggedIn } from "./http.js";

export class Api {
  #http;
  #session;

  constructor(http, session) {
    this.#http = http;
    this.#session = session;
  }

  /** For who is logged in; where the token has just run out, once more with a new one. */
  async call(method, path, { body, query } = {}) {
    const address = query ? `${path}?${parameters(query)}` : path;
    const userId = this.#session.user?.id;
    const answer = await this.#callWithNewest(method, address, body);
    if (this.#session.user?.id !== userId) throw notLoggedIn(); // it is nobody's business any more
    return answer;
  }

  /** For who is not. */
  openCall(path, body) {
    return this.#http.call("POST", path, { body });
  }

  /** A call with a token that is not renewed. */
  callWith(token, path, body) {
    return this.#http.call("POST", path, { body, token });
  }

  async #callWithNewest(method, address, body) {
    const token = await this.#session.token();
    try {
      return await this.#http.call(method, address, { body, token });
    } catch (error) {
      if (error.status !== 401) throw error;
      return this.#http.call(method, address, { body, token: await this.#session.renew(token) });
    }
  }

  conversation(id) {
    return this.call("GET", `/api/chat/conversations/${id}/`);
  }

  messages(id, query) {
    return this.call("GET", `/api/chat/conversations/${id}/messages/`, { query });
  }

  changes(id, since) {
    return this.call("GET", `/api/chat/conversations/${id}/changes/`, { query: { since, limit: 100 } });
  }

  /** A list that is read page by page; `shown` makes of each row what the app sees. */
  list(path, query, shown) {
    return new List(this, path, query, shown);
  }
}

/** A list of the server's, read page by page: `items` is what was loaded so far. */
export class List {
  items = [];
  hasMore = true;
  isLoaded = false; // the first page
  #api;
  #next;
  #shown;
  #loading = null;

  constructor(api, path, query = {}, shown = (row) => row) {
    this.#api = api;
    this.#next = `${path}?${parameters(query)}`;
    this.#shown = shown;
  }

  /** Load the next page; resolves with the rows that came with it. */
  loadMore() {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  /** Load all that there is. */
  async loadAll() {
    while (this.hasMore) await this.loadMore();
    return this.items;
  }

  async #load() {
    if (!this.hasMore) return [];
    const page = await this.#api.call("GET", this.#next);
    const rows = page.results.map(this.#shown);
    this.#next = page.next && pathOf(page.next);
    this.hasMore = page.next !== null;
    this.isLoaded = true;
    this.items = [...this.items, ...rows];
    return rows;
  }
}

function parameters(query) {
  return new URLSearchParams(Object.entries(query).filter(([, value]) => value !== undefined && value !== "")).toString();
}

/** A proxy may make the server think of itself under another origin: keep to our own. */
function pathOf(url) {
  const { pathname, search } = new URL(url, "http://unused");
  return pathname + search;
}
