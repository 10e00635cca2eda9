const EXCERPT = 140;

/** The messages of one conversation that are loaded: a gapless run up to the newest one, each in its latest version. */
export class Timeline {
  #known = new Map(); // by seq; also those below the run that changed: their page may be under way, their quotes shown
  #order = [];
  hasOlder = false;

  get messages() {
    return this.#order.map((seq) => this.#withQuote(this.#known.get(seq)));
  }

  get oldest() {
    return this.#known.get(this.#order[0]);
  }

  get newest() {
    return this.#known.get(this.#order.at(-1));
  }

  /** Put a message in its place; below the run it waits for its page. */
  put(message) {
    this.#keep(message);
    if (!this.#isBelow(message.seq)) this.#insert(message.seq);
  }

  /** Start again from the newest page, asked for at `version`; what came over the socket since then stays. */
  restart(page, version) {
    const since = [...this.#known.values()].filter((message) => message.version > version);
    this.#known.clear();
    this.#order = [];
    this.hasOlder = page.previous !== null;
    for (const message of [...page.results, ...since]) this.put(message);
  }

  /** Add the page before the oldest message. */
  prepend(page) {
    for (const message of page.results) {
      this.#keep(message);
      this.#insert(message.seq);
    }
    this.hasOlder = page.previous !== null;
  }

  #keep(message) {
    const known = this.#known.get(message.seq);
    if (!known || known.version < message.version) this.#known.set(message.seq, message);
  }

  #isBelow(seq) {
    return this.#order.length > 0 && this.hasOlder && seq < this.#order[0];
  }

  #insert(seq) {
    let place = this.#order.length;
    while (place > 0 && this.#order[place - 1] > seq) place -= 1;
    if (this.#order[place - 1] !== seq) this.#order.splice(place, 0, seq);
  }

  /** The message, quoting the original as it is by now. */
  #withQuote(message) {
    const original = message.reply_to && this.#known.get(message.reply_to.seq);
    if (!original) return message;
    const content = Array.from(original.content).slice(0, EXCERPT).join("");
    return { ...message, reply_to: { ...message.reply_to, content } };
  }
}
