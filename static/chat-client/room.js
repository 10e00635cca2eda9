/**
 * What is known of one conversation: it only takes in what others heard from the server.
 *
 * Events: `change` (something that an app may show is another one), `connected` (there is a new connection), `part` (of
 * the participants, some may be other ones than those that are known), `rest` (it is no longer shown), `end`.
 */
import { tell, Timers } from "./events.js";
import { Timeline } from "./timeline.js";

const KEPT_AT_REST = 200;

export class Room extends EventTarget {
  timeline = new Timeline();
  ending = null; // why there is nothing more of it
  isListed = true; // in the list of conversations
  isOpen = false; // its messages are held and kept right
  isShown = false; // and an app shows them
  restedAt = 0; // when it no longer did
  wantsAll = false; // of a large group, all participants
  version = 0; // up to which all changes are known
  lastReadSeq = 0; // the user's own marker, at once
  toldReadSeq = 0; // the same as the server has it
  announcedSeq = 0; // up to which new messages were told of
  departure = null; // why one is no longer in it, where the group has said so
  #me;
  #people;
  #timing;
  #timers = new Timers();
  #participants = new Map();
  #typing = new Map();
  #reads = new Map();

  constructor(shape, { me, people, timing }) {
    super();
    this.#me = me;
    this.#people = people;
    this.#timing = timing;
    this.shape = shape;
    this.version = shape.version;
    this.announcedSeq = shape.last_seq;
    this.learn(shape);
  }

  get id() {
    return this.shape.id;
  }

  get participants() {
    return [...this.#participants.values()];
  }

  get typing() {
    return [...this.#typing.keys()];
  }

  get unreadCount() {
    return Math.max(0, this.shape.last_seq - this.lastReadSeq);
  }

  get hasAllParticipants() {
    return this.#participants.size >= this.shape.participant_count;
  }

  participant(userId) {
    return this.#participants.get(userId);
  }

  /** Up to which `seq` that user has read. */
  readSeqOf(userId) {
    return this.#reads.get(userId) ?? 0;
  }

  /** Take in the conversation as the server has just shown it; what is newer here stays. */
  learn(shape) {
    const before = this.shape;
    this.shape = {
      ...shape,
      last_seq: Math.max(shape.last_seq, before.last_seq),
      last_message: newer(shape.last_message, before.last_message),
      updated_at: shape.updated_at > before.updated_at ? shape.updated_at : before.updated_at,
    };
    this.timeline.reaches(shape.last_seq);
    this.#readUpTo(shape.last_seq - shape.unread_count);
    const isPart = shape.participants.length < shape.participant_count;
    this.#take(shape.participants, !(isPart && this.wantsAll));
    this.#changed();
    if (isPart) tell(this, "part");
  }

  /** How far the conversation is, and how much of it is unread, as `connected` tells. */
  count({ last_seq: lastSeq, unread_count: unreadCount }) {
    this.shape.last_seq = Math.max(lastSeq, this.shape.last_seq);
    this.timeline.reaches(lastSeq);
    this.toldReadSeq = Math.max(0, lastSeq - unreadCount);
    this.#readUpTo(this.toldReadSeq);
    this.#changed();
  }

  /** All who take part. */
  learnParticipants(participants) {
    this.shape.participant_count = participants.length;
    this.#take(participants, true);
    this.#changed();
  }

  /** Put a message in its place. */
  put(message) {
    if (this.isOpen) this.timeline.put(message);
    const { shape } = this;
    if (message.seq > shape.last_seq) {
      shape.last_seq = message.seq;
      if (message.created_at > shape.updated_at) shape.updated_at = message.created_at;
    }
    if (message.seq >= (shape.last_message?.seq ?? 0)) shape.last_message = newer(message, shape.last_message);
    this.#noteDeparture(message.event);
    this.#spoke(message);
    this.#changed();
  }

  /** Take in a page of the history. */
  insert(page, ends) {
    this.timeline.insert(page, ends);
    for (const message of page) this.#spoke(message);
    this.#changed();
  }

  /** Somebody has read up to `seq`. */
  read(userId, seq, readAt = null) {
    if (userId === this.#me) this.#readUpTo(seq);
    if (seq <= this.readSeqOf(userId)) return;
    this.#reads.set(userId, seq);
    const participant = this.#participants.get(userId);
    if (participant) {
      const last_read_at = readAt ?? participant.last_read_at;
      this.#participants.set(userId, { ...participant, last_read_seq: seq, last_read_at });
    }
    this.#changed();
  }

  /** The user has looked at everything up to `seq`; the server may not know yet. */
  look(seq) {
    this.lastReadSeq = Math.max(seq, this.lastReadSeq);
    this.#changed();
  }

  setTyping(userId, isTyping) {
    const timer = this.#typing.get(userId);
    this.#timers.cancel(timer);
    if (isTyping) {
      const end = this.#timers.after(this.#timing.typingShownFor, () => this.setTyping(userId, false));
      this.#typing.set(userId, end);
    } else if (!this.#typing.delete(userId)) return;
    if (!isTyping || timer === undefined) this.#changed();
  }

  connected() {
    tell(this, "connected");
  }

  /** What ends with the connection. */
  disconnected() {
    for (const userId of this.typing) this.setTyping(userId, false);
  }

  /** Nothing more comes of it; what is known stays to be looked at. */
  end(reason) {
    if (this.ending) return;
    this.disconnected();
    this.ending = reason;
    this.isListed = false;
    this.#timers.stop();
    this.#changed();
    tell(this, "end");
  }

  /** Nobody looks at it: hold less. */
  rest() {
    this.isShown = false;
    this.restedAt = Date.now();
    this.timeline.rest(KEPT_AT_REST);
    this.#changed();
    tell(this, "rest");
  }

  /** Hold no messages. */
  empty() {
    this.isOpen = false;
    this.timeline = new Timeline();
    this.timeline.reaches(this.shape.last_seq);
  }

  #changed() {
    tell(this, "change");
  }

  #take(participants, isWhole) {
    const before = this.#participants;
    if (isWhole) this.#participants = new Map();
    for (const participant of participants) {
      const { user } = participant;
      this.#people.learn(user);
      const known = before.get(user.id);
      const isBehind = known && known.last_read_seq > participant.last_read_seq;
      const { last_read_seq, last_read_at } = isBehind ? known : participant;
      this.#participants.set(user.id, { ...participant, last_read_seq, last_read_at });
      this.#reads.set(user.id, Math.max(last_read_seq, this.readSeqOf(user.id)));
    }
  }

  /** Who sends has read, and no longer types. */
  #spoke({ sender, seq }) {
    if (!sender) return;
    this.#people.learn(sender);
    this.read(sender.id, seq);
    this.setTyping(sender.id, false);
  }

  #noteDeparture(event) {
    if (event?.user_id !== this.#me) return;
    if (event.action === "participant_removed") this.departure = "removed";
    if (event.action === "participant_left") this.departure = "left";
  }

  #readUpTo(seq) {
    this.toldReadSeq = Math.max(seq, this.toldReadSeq);
    this.lastReadSeq = Math.max(seq, this.lastReadSeq);
  }
}

/** The later one of two states of a conversation's last message. */
function newer(one, other) {
  if (!one || !other) return one ?? other;
  if (one.seq !== other.seq) return one.seq > other.seq ? one : other;
  return one.version >= other.version ? one : other;
}
