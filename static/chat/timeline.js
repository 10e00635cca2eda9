/** The messages of one conversation that are loaded: a gapless run up to the newest one, each in its latest version. */
export class Timeline {
  #bySeq = new Map();
  #order = [];
  hasOlder = false;

  get messages() {
    return this.#order.map((seq) => this.#bySeq.get(seq));
  }

  get oldest() {
    return this.#bySeq.get(this.#order[0]);
  }

  get newest() {
    return this.#bySeq.get(this.#order.at(-1));
  }

  has(seq) {
    return this.#bySeq.has(seq);
  }

  /** Put a message in its place; false where it changes nothing here. */
  put(message) {
    const known = this.#bySeq.get(message.seq);
    if (known ? known.version >= message.version : this.#isBelow(message.seq)) return false;
    this.#bySeq.set(message.seq, message);
    if (!known) this.#insert(message.seq);
    return true;
  }

  /** Start again from the newest page; what came over the socket meanwhile stays. */
  restart(page) {
    const first = page.results[0]?.seq ?? 0;
    const kept = this.messages.filter(({ seq }) => seq >= first);
    this.#bySeq.clear();
    this.#order = [];
    this.hasOlder = page.previous !== null;
    for (const message of [...page.results, ...kept]) this.put(message);
  }

  /** Add the page before the oldest message. */
  prepend(page) {
    this.hasOlder = true;
    for (const message of page.results) {
      this.#bySeq.set(message.seq, message);
      if (!this.#order.includes(message.seq)) this.#insert(message.seq);
    }
    this.hasOlder = page.previous !== null;
  }

  /** A change of a message that is not loaded yet: it will be right when its page is. */
  #isBelow(seq) {
    return this.#order.length > 0 && this.hasOlder && seq < this.#order[0];
  }

  #insert(seq) {
    let place = this.#order.length;
    while (place > 0 && this.#order[place - 1] > seq) place -= 1;
    this.#order.splice(place, 0, seq);
  }
}
