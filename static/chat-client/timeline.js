/**
 * The messages of one conversation, held in ranges of `seq` that are known to be whole; one range is shown.
 *
 * What is not next to a range is held beside them until a page reaches it, so a hole is never shown as if there were
 * none. A message is never replaced by an older version of itself.
 */
const EXCERPT = 140;
const MOST_LOOSE = 1000;

export class Timeline {
  generation = 0; // a page that was asked for in an earlier one is not for this one: what changed since is not held
  #held = new Map(); // by seq: those in ranges
  #loose = new Map(); // by seq: those that came as news of a part that is not held; its page may be on its way
  #ranges = []; // {from, to}, ascending, never touching each other
  #start = null; // the first seq that this user may see; null: not known
  #head = 0; // the highest seq that is known to exist
  #anchor = null; // a seq in the range that is shown; null: the newest one
  #messages = null;

  /** Those of the shown range, oldest first; the same array until something in it is new. */
  get messages() {
    const range = this.#shown;
    this.#messages ??= range ? this.#slice(range.from, range.to) : [];
    return this.#messages;
  }

  get hasOlder() {
    const range = this.#shown;
    return range !== undefined && range.from > (this.#start ?? 1);
  }

  get hasNewer() {
    const range = this.#shown;
    return range !== undefined && range.to < this.#head;
  }

  /** Whether the newest range ends where the conversation does. */
  get hasEnd() {
    const newest = this.#ranges.at(-1);
    return newest ? newest.to >= this.#head : this.#start !== null && this.#start > this.#head;
  }

  /** The message, where it is held in whatever range. */
  at(seq) {
    return this.#held.get(seq);
  }

  /** Show the range with this `seq`; false where none has it. */
  show(seq) {
    if (!this.#held.has(seq)) return false;
    this.#anchor = seq;
    this.#settle();
    return true;
  }

  /** Show the newest range, and what is added to it. */
  showNewest() {
    this.#anchor = null;
    this.#messages = null;
  }

  /** There are messages up to this `seq`. */
  reaches(seq) {
    this.#head = Math.max(this.#head, seq);
  }

  /** Put a message that is new or has changed in its place; whether that is in a range. */
  put(message) {
    this.reaches(message.seq);
    if (this.#held.has(message.seq)) this.#keep(message);
    else if (message.seq === this.#next) this.#join([message]);
    else this.#putAside(message);
    this.#requote(message);
    this.#settle();
    return this.#held.has(message.seq);
  }

  /** Take in a page: messages by `seq` without a gap; `isStart`, `isEnd`: there is none before, or after. */
  insert(page, { isStart, isEnd }) {
    if (page.length) {
      this.reaches(page.at(-1).seq);
      this.#join(page);
    }
    if (isStart && page.length) this.#start = page[0].seq;
    if (isStart && isEnd && !page.length) this.#start = this.#head + 1;
    this.#settle();
  }

  /** Hold the newest page and what came after it, and nothing else. */
  restart(page, ends) {
    this.generation += 1;
    const news = new Map([...this.#loose, ...this.#held]);
    this.#held.clear();
    this.#ranges = [];
    this.#start = this.#anchor = null;
    this.#loose = news;
    this.insert(page, ends);
    const last = page.at(-1)?.seq ?? 0;
    for (const seq of this.#loose.keys()) if (seq < last) this.#loose.delete(seq);
  }

  /** Let go of the shown range beyond `most` messages: of its newest with `newest`, else of its oldest. */
  cut(most, { newest = false } = {}) {
    const range = this.#shown;
    if (!range || range.to - range.from < most) return;
    this.generation += 1;
    const [from, to] = [range.from, range.to];
    if (newest) {
      range.to = from + most - 1;
      this.#anchor = from;
    } else range.from = to - most + 1;
    for (let seq = from; seq <= to; seq += 1) if (seq < range.from || seq > range.to) this.#held.delete(seq);
    this.#messages = null;
  }

  /** Nobody looks: let go of all but the newest messages. */
  rest(most) {
    this.generation += 1;
    for (const { from, to } of this.#ranges.splice(0, this.#ranges.length - 1)) {
      for (let seq = from; seq <= to; seq += 1) this.#held.delete(seq);
    }
    this.showNewest();
    this.cut(most);
  }

  /** The `seq` that would follow what is held; undefined where nothing was loaded. */
  get #next() {
    const newest = this.#ranges.at(-1);
    return newest ? newest.to + 1 : this.#start ?? undefined;
  }

  get #shown() {
    if (this.#anchor === null) return this.#ranges.at(-1);
    return this.#ranges.find(({ from, to }) => from <= this.#anchor && this.#anchor <= to) ?? this.#ranges.at(-1);
  }

  #slice(from, to) {
    return Array.from({ length: to - from + 1 }, (_, index) => this.#held.get(from + index));
  }

  /** Hold these, which follow each other, and join what they touch. */
  #join(messages) {
    for (const message of messages) this.#keep(this.#loose.get(message.seq) ?? message, message);
    let [from, to] = [messages[0].seq, messages.at(-1).seq];
    while (this.#loose.has(to + 1) && !this.#held.has(to + 1)) this.#keep(this.#loose.get((to += 1)));
    const touching = this.#ranges.filter((range) => range.from <= to + 1 && range.to >= from - 1);
    from = Math.min(from, ...touching.map((range) => range.from));
    to = Math.max(to, ...touching.map((range) => range.to));
    const others = this.#ranges.filter((range) => !touching.includes(range));
    this.#ranges = [...others, { from, to }].sort((one, other) => one.from - other.from);
  }

  #keep(...versions) {
    for (const message of versions) {
      this.#loose.delete(message.seq);
      const held = this.#held.get(message.seq);
      if (!held || held.version < message.version) this.#held.set(message.seq, this.#quoting(message));
    }
  }

  #putAside(message) {
    const known = this.#loose.get(message.seq);
    if (known && known.version >= message.version) return;
    this.#loose.delete(message.seq);
    this.#loose.set(message.seq, message);
    if (this.#loose.size > MOST_LOOSE) this.#loose.delete(this.#loose.keys().next().value);
  }

  /** The message with its quote as the original is by now, where that is held. */
  #quoting(message) {
    const original = message.reply_to && (this.#held.get(message.reply_to.seq) ?? this.#loose.get(message.reply_to.seq));
    return original ? quoting(message, original) : message;
  }

  /** Where this message is quoted, show it as it is now. */
  #requote(message) {
    if (!message.is_edited && !message.is_deleted) return;
    const original = this.#held.get(message.seq) ?? this.#loose.get(message.seq) ?? message;
    for (const [seq, reply] of this.#held) {
      if (reply.reply_to?.id === original.id) this.#held.set(seq, quoting(reply, original));
    }
  }

  /** Who has come to the end follows it. */
  #settle() {
    this.#messages = null;
    if (this.#shown === this.#ranges.at(-1) && !this.hasNewer) this.#anchor = null;
  }
}

function quoting(message, original) {
  const content = Array.from(original.content).slice(0, EXCERPT).join("");
  if (message.reply_to.content === content) return message;
  return { ...message, reply_to: { ...message.reply_to, content } };
}
