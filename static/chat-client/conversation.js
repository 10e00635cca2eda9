/**
 * One conversation, as an app has it.
 *
 * Events: `change` (anything that is shown may be another one; once for all that changes together), `end` (detail: why).
 */
import { coalesced, tell, Timers } from "./events.js";

export class Conversation extends EventTarget {
  #room;
  #history;
  #api;
  #outbox;
  #people;
  #me;
  #send;
  #remove;
  #timing;
  #timers = new Timers();
  #typingSentAt = 0;
  #seen = null; // the newest message that was looked at
  #readSentSeq = 0; // on this connection
  #readTimer; // until a read marker may be sent again
  #loadTimer; // until the participants are loaded again
  #changed = coalesced(() => tell(this, "change"));

  constructor({ room, history, api, outbox, people, me, send, remove, timing }) {
    super();
    this.#room = room;
    this.#history = history;
    this.#api = api;
    this.#outbox = outbox;
    this.#people = people;
    this.#me = me;
    this.#send = send;
    this.#remove = remove;
    this.#timing = timing;
    room.addEventListener("change", this.#changed);
    room.addEventListener("connected", () => this.#connected());
    room.addEventListener("part", () => this.#loadParticipantsSoon());
    room.addEventListener("end", () => this.#end());
  }

  get id() {
    return this.#room.id;
  }

  get type() {
    return this.#room.shape.type;
  }

  get isGroup() {
    return this.type === "group";
  }

  get name() {
    return this.#room.shape.name;
  }

  get description() {
    return this.#room.shape.description;
  }

  get createdAt() {
    return this.#room.shape.created_at;
  }

  get updatedAt() {
    return this.#room.shape.updated_at;
  }

  get lastMessage() {
    return this.#room.shape.last_message;
  }

  get lastSeq() {
    return this.#room.shape.last_seq;
  }

  /** The user's own read marker. */
  get lastReadSeq() {
    return this.#room.lastReadSeq;
  }

  get unreadCount() {
    return this.#room.unreadCount;
  }

  get version() {
    return this.#room.version;
  }

  /** Why there is nothing more of it (`left`, `removed`, `deleted`, `gone`, `logged_out`); null while it goes on. */
  get ending() {
    return this.#room.ending;
  }

  // People ---------------------------------------------------------------------------------------

  /** Those that are known, by when they joined: the first 50, or all after `loadParticipants`. */
  get participants() {
    return this.#room.participants.map((each) => ({ ...each, user: this.#people.get(each.user.id) ?? each.user }));
  }

  get participantCount() {
    return this.#room.shape.participant_count;
  }

  get hasAllParticipants() {
    return this.#room.hasAllParticipants;
  }

  /** The other one of a private conversation, null where the account is gone, and of a group. */
  get other() {
    if (this.isGroup) return null;
    const other = this.#room.participants.find(({ user }) => user.id !== this.#me);
    return other ? this.#people.get(other.user.id) : null;
  }

  /** Whether the user is an admin of this group. */
  get isAdmin() {
    return this.#room.participant(this.#me)?.is_admin ?? false;
  }

  /** Ids of those who type, besides oneself. */
  get typing() {
    return this.#room.typing;
  }

  /** Ids of the known participants, besides its sender and oneself, who have read a message. */
  readersOf({ seq, sender }) {
    const ids = this.#room.participants.map(({ user }) => user.id);
    return ids.filter((id) => id !== this.#me && id !== sender?.id && this.#room.readSeqOf(id) >= seq);
  }

  /** Load all of them, and keep them right from then on. */
  async loadParticipants() {
    this.#room.wantsAll = true;
    const all = await this.#api.list(this.#path("participants/"), { limit: 100 }).loadAll();
    this.#room.learnParticipants(all);
    return this.participants;
  }

  // Messages -------------------------------------------------------------------------------------

  /** Messages that follow each other without a hole, oldest first: the newest ones, or where one jumped to. */
  get messages() {
    return this.#room.timeline.messages;
  }

  /** Whether the newest messages are there; until then `messages` is empty or ends before them. */
  get isLoaded() {
    return this.#room.isOpen && this.#room.timeline.hasEnd;
  }

  get hasOlder() {
    return this.#room.timeline.hasOlder;
  }

  get hasNewer() {
    return this.#room.timeline.hasNewer;
  }

  /** Own messages that are not among `messages` yet, in the order in which they will be. */
  get pending() {
    return this.#outbox.of(this.id);
  }

  /** Load the newest messages, and keep them right from then on; tries until the server answers, or it is over. */
  async open() {
    this.#room.isShown = true;
    await this.#history.open();
  }

  /** It is no longer shown: fewer messages are held, and after a while none. */
  release() {
    this.stopTyping();
    this.#sendRead();
    this.#room.rest();
  }

  async loadOlder() {
    await this.#history.older();
    this.#changed();
  }

  async loadNewer() {
    await this.#history.newer();
    this.#changed();
  }

  /** Have `messages` be those around this `seq`; resolves with whether that one is among them. */
  async jumpTo(seq) {
    this.#room.isShown = true;
    const isThere = await this.#history.around(seq);
    this.#changed();
    return isThere;
  }

  async jumpToNewest() {
    await this.#history.newest();
    this.#changed();
  }

  /** Send a message; it is among `pending` at once, and what this returns is its entry there. */
  send(content, { replyTo = null } = {}) {
    this.#typingSentAt = 0; // the message itself ends the typing
    return this.#outbox.add(this.id, content, replyTo);
  }

  // Being there ----------------------------------------------------------------------------------

  /** To be called at every key; tells the others every few seconds. */
  startTyping() {
    if (this.ending || Date.now() - this.#typingSentAt < this.#timing.typingEvery) return;
    if (this.#sendTyping(true)) this.#typingSentAt = Date.now();
  }

  stopTyping() {
    if (this.#typingSentAt && !this.ending) this.#sendTyping(false);
    this.#typingSentAt = 0;
  }

  /** Everything up to `message` has been seen; the server hears of it once a second at most. */
  markRead(message = this.lastMessage) {
    if (!message || this.ending || message.seq <= (this.#seen?.seq ?? 0)) return;
    this.#seen = { id: message.id, seq: message.seq };
    this.#room.look(message.seq);
    if (this.#readTimer === undefined) this.#sendRead();
  }

  // Groups ---------------------------------------------------------------------------------------

  /** Change `name`, `description`, as an admin of the group. */
  async update(changes) {
    this.#room.learn(await this.#api.call("PATCH", this.#path(), { body: changes }));
  }

  /** Add users, as an admin of the group; resolves with those really added. */
  async addParticipants(userIds) {
    const { results } = await this.#api.call("POST", this.#path("participants/"), { body: { user_ids: userIds } });
    await this.#refresh();
    return results;
  }

  async removeParticipant(userId) {
    if (userId === this.#me) return this.delete();
    await this.#api.call("DELETE", this.#path(`participants/${userId}/`));
    await this.#refresh();
  }

  async setAdmin(userId, isAdmin) {
    await this.#api.call("PATCH", this.#path(`participants/${userId}/`), { body: { is_admin: isAdmin } });
    await this.#refresh();
  }

  /** Private: take it out of one's list, with its history. Group: leave it; `forEveryone`: delete it for all, as an admin. */
  async delete({ forEveryone = false } = {}) {
    const query = forEveryone ? { for_everyone: true } : undefined;
    this.#room.departure = this.isGroup && !forEveryone ? "left" : "deleted"; // before the socket says that it is gone
    try {
      await this.#api.call("DELETE", this.#path("delete/"), { query });
    } catch (error) {
      this.#room.departure = null;
      throw error;
    }
    this.#remove();
  }

  #path(rest = "") {
    return `/api/chat/conversations/${this.id}/${rest}`;
  }

  /** See at once what was changed; where that fails, the socket tells it. */
  async #refresh() {
    try {
      this.#room.learn(await this.#api.conversation(this.id));
    } catch {
      // what was asked for is done
    }
  }

  #sendTyping(isTyping) {
    return this.#send({ type: "typing", conversation_id: this.id, is_typing: isTyping });
  }

  #sendRead() {
    const seen = this.#seen;
    if (!seen || seen.seq <= Math.max(this.#room.toldReadSeq, this.#readSentSeq)) return;
    const about = { conversation_id: this.id, message_id: seen.id };
    if (!this.#send({ type: "read_receipt", ...about, client_id: `read:${this.id}` })) return;
    this.#readSentSeq = seen.seq;
    this.#readTimer = this.#timers.after(this.#timing.readEvery, () => {
      this.#readTimer = undefined;
      this.#sendRead();
    });
  }

  #loadParticipantsSoon() {
    if (!this.#room.wantsAll || this.#loadTimer !== undefined) return;
    this.#loadTimer = this.#timers.after(this.#timing.refreshEvery, () => {
      this.#loadTimer = undefined;
      this.loadParticipants().catch(() => {}); // it is loaded again with the next change
    });
  }

  /** What was told on the connection before may have been lost with it. */
  #connected() {
    this.#typingSentAt = this.#readSentSeq = 0;
    this.#sendRead();
  }

  #end() {
    this.#timers.stop();
    tell(this, "end", this.ending);
  }
}
