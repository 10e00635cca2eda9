/** How far each conversation is, as `connected` tells, and what is unread in those that are not known here. */

const TOLD_AT_MOST = 200;

export class Told {
  #conversations = new Map(); // by id: {id, version, last_seq, unread_count}
  #unread = new Map(); // by id, of those that are not known
  isWhole = false; // there are no others

  begin({ conversations }) {
    this.#conversations = new Map(conversations.map((each) => [each.id, each]));
    this.#unread = new Map(conversations.map((each) => [each.id, each.unread_count]));
    this.isWhole = conversations.length < TOLD_AT_MOST;
  }

  get all() {
    return [...this.#conversations.values()];
  }

  get(id) {
    return this.#conversations.get(id);
  }

  /** What is unread in all that are not known. */
  get totalUnread() {
    return sum(this.#unread.values());
  }

  /** Whether what was told is all that is unread. */
  isTotal(total) {
    return sum(this.all.map((each) => each.unread_count)) === total;
  }

  count(id, unread) {
    this.#unread.set(id, unread);
  }

  /** It is known now, or gone: it counts for itself, or not at all. */
  release(id) {
    this.#unread.delete(id);
  }
}

function sum(numbers) {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
