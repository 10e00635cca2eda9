/** The ranges of messages, against a model: whatever comes in whatever order, what is shown has no hole and is up to date. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Timeline } from "../../static/chat-client/timeline.js";

/** Numbers that look random, the same for the same seed. */
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

/** A conversation on the server: its messages as they are now, of which the user sees those from `start` on. */
class Model {
  messages = [];
  version = 0;
  constructor(start) {
    this.start = start;
  }

  add(replyTo) {
    const seq = this.messages.length + 1;
    const quote = replyTo && { id: replyTo.id, seq: replyTo.seq, content: replyTo.content };
    this.messages.push({ id: 1000 + seq, seq, content: `text ${seq}`, reply_to: quote ?? null, is_edited: false });
    return this.#changed(seq);
  }

  edit(seq) {
    const message = this.messages[seq - 1];
    Object.assign(message, { content: `edit ${this.version}`, is_edited: true });
    for (const each of this.messages) if (each.reply_to?.seq === seq) each.reply_to = { ...each.reply_to, content: message.content };
    return this.#changed(seq);
  }

  #changed(seq) {
    this.messages[seq - 1].version = this.version += 1;
    return this.at(seq);
  }

  at(seq) {
    return structuredClone(this.messages[seq - 1]);
  }

  page(low, high) {
    const [from, to] = [Math.max(low, this.start), Math.min(high, this.messages.length)];
    const page = this.messages.slice(from - 1, Math.max(to, from - 1)).map(({ seq }) => this.at(seq));
    return [page, { isStart: from <= this.start, isEnd: to >= this.messages.length }];
  }
}

function check(timeline, model) {
  const shown = timeline.messages;
  shown.forEach((message, index) => {
    if (index) assert.equal(message.seq, shown[index - 1].seq + 1, "a hole is shown");
    assert.deepEqual(message, model.at(message.seq));
  });
  if (!shown.length) return;
  assert.equal(timeline.hasNewer, shown.at(-1).seq < model.messages.length);
  if (shown[0].seq > model.start) assert.ok(timeline.hasOlder);
}

const PAGE = 5;

function step(timeline, model, roll, late) {
  const last = model.messages.length;
  const any = () => model.start + roll(last - model.start + 1);
  const shown = timeline.messages;
  const moves = [
    () => timeline.put(model.add(roll(2) ? model.at(any()) : null)),
    () => timeline.put(model.edit(any())),
    () => timeline.insert(...model.page(last - PAGE + 1, last)),
    () => shown.length && timeline.hasOlder && timeline.insert(...model.page(shown[0].seq - PAGE, shown[0].seq - 1)),
    () => shown.length && timeline.hasNewer && timeline.insert(...model.page(shown.at(-1).seq + 1, shown.at(-1).seq + PAGE)),
    () => {
      const seq = any();
      if (!timeline.show(seq)) timeline.insert(...model.page(seq - 2, seq + 2));
      assert.ok(timeline.show(seq));
      assert.ok(timeline.messages.some((message) => message.seq === seq));
    },
    () => timeline.showNewest(),
    () => roll(4) || timeline.cut(7, { newest: roll(2) === 1 }),
    () => roll(6) || timeline.rest(4),
    () => roll(6) || timeline.restart(...model.page(last - PAGE + 1, last)),
    () => {
      const seq = any();
      late.push({ page: model.page(seq, seq + PAGE - 1), generation: timeline.generation });
    },
    () => {
      const [{ page, generation }] = late.length ? late.splice(roll(late.length), 1) : [{}];
      if (page && generation === timeline.generation) timeline.insert(...page);
    },
  ];
  moves[roll(moves.length)]();
}

test("random pages, news, jumps and cuts", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const roll = dice(seed);
    const model = new Model(1 + roll(10));
    for (let count = model.start + roll(30); count > 0; count -= 1) model.add();
    const timeline = new Timeline();
    timeline.reaches(model.messages.length);
    const late = []; // pages on their way
    for (let moves = 0; moves < 120; moves += 1) {
      step(timeline, model, roll, late);
      check(timeline, model);
    }
  }
});

test("a page that was read before a change does not undo it", () => {
  const model = new Model(1);
  for (let count = 0; count < 10; count += 1) model.add();
  const timeline = new Timeline();
  timeline.reaches(10);
  const page = model.page(6, 10);
  timeline.put(model.edit(8));
  timeline.insert(...page);
  check(timeline, model);
});

test("a message behind a hole is shown once the hole is filled", () => {
  const model = new Model(1);
  for (let count = 0; count < 3; count += 1) model.add();
  const timeline = new Timeline();
  timeline.insert(...model.page(1, 3));
  const lost = model.add();
  timeline.put(model.add());
  assert.deepEqual(timeline.messages.map(({ seq }) => seq), [1, 2, 3]);
  timeline.put(lost);
  assert.deepEqual(timeline.messages.map(({ seq }) => seq), [1, 2, 3, 4, 5]);
});

test("the first message of an empty conversation is shown", () => {
  const model = new Model(1);
  const timeline = new Timeline();
  timeline.insert(...model.page(1, 0));
  assert.ok(timeline.hasEnd);
  timeline.put(model.add());
  check(timeline, model);
  assert.equal(timeline.messages.length, 1);
});

test("who jumped back stays there while messages come, and meets them on the way", () => {
  const model = new Model(1);
  for (let count = 0; count < 40; count += 1) model.add();
  const timeline = new Timeline();
  timeline.insert(...model.page(36, 40));
  timeline.insert(...model.page(8, 12));
  timeline.show(10);
  timeline.put(model.add());
  assert.deepEqual(timeline.messages.map(({ seq }) => seq), [8, 9, 10, 11, 12]);
  while (timeline.hasNewer) timeline.insert(...model.page(timeline.messages.at(-1).seq + 1, timeline.messages.at(-1).seq + PAGE));
  assert.equal(timeline.messages.at(-1).seq, 41);
  timeline.put(model.add());
  assert.equal(timeline.messages.at(-1).seq, 42);
});
