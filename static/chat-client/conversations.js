/**
 * All conversations that are known, the list of the latest active ones, and what is unread in all of them.
 *
 * It takes in what the inbox hears and what REST answers, in whatever order the two come. A conversation of which
 * something comes and that is not known is asked for, and what came waits for the answer.
 *
 * Events: `change` (the list, or what is unread), `message` (detail: {conversation, message, isMissed}).
 */
import { coalesced, Patience, tell } from "./events.js";
import { Conversation } from "./conversation.js";
import { History } from "./history.js";
import { Room } from "./room.js";
import { Told } from "./told.js";

const PATH = "/api/chat/conversations/";
const PAGE = 50;
const REFRESHED = 100;
const MOST_IDLE = 20;
const RESUMED_UNOPENED = 50;

export class Conversations extends EventTarget {
  #api;
  #outbox;
  #people;
  #timing;
  #send;
  #patience;
  #me = null;
  #entries = new Map(); // by id: {room, history, conversation, connection}
  #unknown = new Map(); // by id: frames that wait for the conversation
  #told = new Told();
  #removed = new Set(); // on this connection: an answer that is still on its way may show them
  #connection = 0; // counts them
  #isReady = false; // what was missed has come
  #isStale = false; // what is not missed as a message may have changed
  #list = null;
  #pages = null; // of the list
  #loading = null;
  #changed = coalesced(() => tell(this, "change"));

  /** `send(frame)` says whether it went out. */
  constructor({ api, outbox, people, timing, send }) {
    super();
    this.#api = api;
    this.#outbox = outbox;
    this.#people = people;
    this.#timing = timing;
    this.#send = send;
    this.#patience = new Patience(timing.loadAgainAfter);
    outbox.addEventListener("change", ({ detail }) => this.roomOf(detail.conversationId)?.dispatchEvent(new Event("change")));
  }

  /** Latest activity first, without a hole. */
  get list() {
    this.#list ??= [...this.#entries.values()]
      .filter(({ room }) => room.isListed && this.#isWithin(room.shape))
      .sort((one, other) => byActivity(one.room.shape, other.room.shape))
      .map(({ conversation }) => conversation);
    return this.#list;
  }

  get isLoaded() {
    return Boolean(this.#pages?.isLoaded);
  }

  get hasMore() {
    return this.#pages?.hasMore ?? false;
  }

  get totalUnread() {
    return [...this.#entries.values()].reduce((total, { room }) => total + room.unreadCount, this.#told.totalUnread);
  }

  get(id) {
    return this.#entries.get(id)?.conversation;
  }

  begin(me) {
    this.#me = me;
    this.#pages = this.#api.list(PATH, { limit: PAGE });
    this.load().catch(() => {});
  }

  end(reason) {
    for (const { room, history } of this.#entries.values()) {
      history.close();
      room.end(reason);
    }
    this.#entries.clear();
    this.#unknown.clear();
    this.#removed.clear();
    this.#told = new Told();
    this.#patience.stop();
    this.#patience = new Patience(this.#timing.loadAgainAfter);
    this.#me = this.#pages = this.#loading = null;
    this.#isReady = this.#isStale = false;
    this.#listChanged();
  }

  // Over REST --------------------------------------------------------------------------------------

  /** Load the beginning of the list; tries until the server answers. */
  load() {
    this.#loading ??= this.#patience.until(() => this.#loadPage());
    return this.#loading;
  }

  /** Load the next page of the list. */
  async loadMore() {
    await this.load();
    if (this.hasMore) await this.#loadPage();
  }

  /** The conversation, asked for where it is not known; throws `ApiError` 404 where there is none for this user. */
  async find(id) {
    if (!this.get(id)) this.#meet(await this.#api.conversation(id));
    return this.get(id);
  }

  /** A conversation that the server has just shown in a list, or made. */
  meet(shape) {
    const { room, conversation } = this.#meet(shape);
    if (!room.isListed) this.#relist(room);
    return conversation;
  }

  /** What is known of a conversation that is known. */
  roomOf(id) {
    return this.#entries.get(id)?.room;
  }

  historyOf(id) {
    return this.#entries.get(id)?.history;
  }

  /** Put a message that REST answered in its place. */
  put(message) {
    this.roomOf(message.conversation)?.put(message);
    this.#arrived(message);
  }

  // From the inbox -----------------------------------------------------------------------------------

  /** A new connection is on its way. */
  connecting() {
    this.#connection += 1;
    this.#isStale ||= this.isLoaded;
  }

  connected(frame) {
    this.#removed.clear();
    this.#told.begin(frame);
    if (this.#told.isWhole) this.#removeUntold();
    else this.#countOthers(frame.total_unread).catch(() => {});
    for (const { room } of this.#entries.values()) {
      const told = this.#told.get(room.id);
      this.#told.release(room.id);
      if (told) room.count(told);
    }
    this.#listChanged();
  }

  /** What is held of each conversation, to resume from: of those that have gone on too far, only where messages are held. */
  versions() {
    const versions = {};
    for (const { room, history } of this.#entries.values()) {
      const told = this.#told.get(room.id)?.version ?? 0;
      if (room.isOpen || told - history.version <= RESUMED_UNOPENED) versions[room.id] = history.version;
      else {
        room.version = told;
        this.#isStale = true;
      }
    }
    return versions;
  }

  resumed({ recovered, reload }) {
    this.#isReady = true;
    this.#patience.hurry();
    for (const { room, history } of this.#entries.values()) {
      room.connected();
      history.hurry();
    }
    for (const id of recovered) this.historyOf(id)?.recovered();
    for (const id of reload) this.historyOf(id)?.reload().catch(() => {});
    if (this.#isStale) this.#refresh().catch(() => {});
  }

  disconnected() {
    this.#isReady = false;
    for (const { room } of this.#entries.values()) room.disconnected();
  }

  /** A message is new or has changed. */
  durable(frame) {
    const id = frame.message.conversation;
    const entry = this.#entries.get(id);
    if (entry) this.#take(entry, frame);
    else if (this.#unknown.has(id)) this.#unknown.get(id).push(frame);
    else {
      this.#unknown.set(id, [frame]);
      this.#ask(id).catch(() => {});
    }
  }

  added(shape) {
    this.#removed.delete(shape.id);
    this.meet(shape);
  }

  removed(id) {
    const entry = this.#entries.get(id);
    this.#told.release(id);
    this.#unknown.delete(id);
    this.#removed.add(id);
    if (entry) {
      this.#entries.delete(id);
      entry.history.close();
      entry.room.end(entry.room.departure ?? "gone");
      this.#outbox.fail(id, { code: "not_found", detail: "You are no longer in this conversation." });
    }
    this.#listChanged();
  }

  unread({ conversation_id: id, unread_count: count, last_read_seq: seq }) {
    const room = this.roomOf(id);
    if (room) room.read(this.#me, seq);
    else this.#told.count(id, count);
    this.#listChanged();
  }

  /** The conversation that is to be asked about next, in turn: those whose messages are held. */
  inTurn(turn) {
    const open = [...this.#entries.values()].filter(({ room }) => room.isOpen && room.isListed);
    return open.length ? open[turn % open.length].room.id : null;
  }

  // Inside -------------------------------------------------------------------------------------------

  async #loadPage() {
    const pages = this.#pages;
    const shapes = (await pages?.loadMore()) ?? [];
    if (pages !== this.#pages) return;
    for (const shape of shapes) if (!this.#removed.has(shape.id)) this.meet(shape);
    this.#listChanged();
  }

  /** Whether the list has been loaded as far as this conversation. */
  #isWithin(shape) {
    const last = this.hasMore ? this.#pages.items.at(-1) : undefined;
    return last === undefined || byActivity(shape, last) <= 0;
  }

  /** What is no frame when one is away: names, participants, presence; and conversations that were taken out. */
  async #refresh() {
    const before = [...this.#entries.values()].filter(({ room }) => room.isListed);
    const connection = this.#connection;
    const page = await this.#patience.until(() => this.#api.call("GET", `${PATH}?limit=${REFRESHED}`));
    if (connection !== this.#connection) return;
    this.#isStale = false;
    const found = new Set(page.results.map(({ id }) => id));
    const edge = page.next === null ? null : page.results.at(-1);
    for (const { room } of before) {
      const isWithin = edge === null || byActivity(room.shape, edge) < 0;
      if (isWithin && !found.has(room.id) && this.roomOf(room.id) === room) this.removed(room.id);
    }
    for (const shape of page.results) if (!this.#removed.has(shape.id)) this.meet(shape);
    for (const { room, history } of this.#entries.values()) {
      const isBehind = this.#told.get(room.id)?.last_seq > (room.shape.last_message?.seq ?? 0);
      if (isBehind && !found.has(room.id)) history.reload().catch(() => {}); // nor was it resumed
    }
  }

  /** Take in a conversation, known or not. */
  #meet(shape) {
    const known = this.#entries.get(shape.id);
    if (known) {
      known.room.learn(shape);
      return known;
    }
    const entry = this.#make(shape);
    this.#entries.set(shape.id, entry);
    this.#told.release(shape.id);
    const told = this.#told.get(shape.id);
    if (told) entry.history.expect(told.version, { soon: true }); // what came between was before we listened
    const frames = this.#unknown.get(shape.id) ?? [];
    this.#unknown.delete(shape.id);
    entry.room.isListed = !this.#told.isWhole || told !== undefined || frames.length > 0;
    if (frames.length) entry.room.announcedSeq = Math.min(entry.room.announcedSeq, frames[0].message.seq - 1);
    for (const frame of frames) this.#take(entry, frame);
    this.#listChanged();
    return entry;
  }

  #make(shape) {
    const shared = { api: this.#api, people: this.#people, timing: this.#timing };
    const room = new Room(shape, { ...shared, me: this.#me });
    const entry = { room, connection: this.#connection };
    entry.history = new History(room, {
      ...shared,
      put: (message) => this.#put(entry, message, { isMissed: true }),
      seen: (message) => this.#arrived(message),
      gone: () => this.roomOf(room.id) === room && this.removed(room.id),
    });
    entry.conversation = new Conversation({
      ...shared,
      room,
      history: entry.history,
      outbox: this.#outbox,
      me: this.#me,
      send: this.#send,
      remove: () => this.roomOf(room.id) === room && this.removed(room.id),
    });
    room.addEventListener("change", () => this.#listChanged());
    room.addEventListener("rest", () => this.#emptyIdle());
    return entry;
  }

  #take(entry, { message, version }) {
    const { room, history } = entry;
    const isHole = version > room.version + 1;
    if (isHole && this.#isReady) history.miss(room.version);
    room.version = Math.max(version, room.version);
    this.#put(entry, message, { isMissed: !this.#isReady });
  }

  #put({ room, conversation }, message, { isMissed }) {
    room.put(message);
    this.#arrived(message);
    if (message.seq <= room.announcedSeq) return;
    room.announcedSeq = message.seq;
    const isOwn = message.sender?.id === this.#me;
    if (!isOwn && !message.is_deleted) tell(this, "message", { conversation, message, isMissed });
  }

  /** An own message that is here needs not be sent any more. */
  #arrived({ sender, client_id: clientId }) {
    if (clientId && sender?.id === this.#me) this.#outbox.arrived(clientId);
  }

  async #ask(id) {
    await this.#loading?.catch(() => {});
    if (!this.#unknown.has(id)) return;
    try {
      this.#meet(await this.#patience.until(() => this.#api.conversation(id)));
    } finally {
      this.#unknown.delete(id);
    }
  }

  #relist(room) {
    room.isListed = true;
    this.#listChanged();
  }

  /** What one knew before this connection and it does not tell is no longer there. */
  #removeUntold() {
    for (const [id, { room, connection }] of this.#entries) {
      const isOld = connection < this.#connection;
      if (isOld && room.isListed && !this.#told.get(id)) this.removed(id);
    }
  }

  /** What is unread in conversations that `connected` did not tell. */
  async #countOthers(total) {
    if (this.#told.isTotal(total)) return;
    const connection = this.#connection;
    const reached = [...this.#entries.values()].map(({ room }) => [room, room.shape.last_seq]);
    const { conversations } = await this.#patience.until(() => this.#api.call("GET", "/api/chat/unread/"));
    if (connection !== this.#connection) return;
    for (const [room, seq] of reached) if (!this.#told.get(room.id)) room.read(this.#me, seq - (conversations[room.id] ?? 0));
    for (const [id, count] of Object.entries(conversations)) if (!this.get(Number(id))) this.#told.count(Number(id), count);
    this.#listChanged();
  }

  /** Of those that nobody shows any more, only some keep their messages. */
  #emptyIdle() {
    const idle = [...this.#entries.values()].map(({ room }) => room).filter((room) => room.isOpen && !room.isShown);
    idle.sort((one, other) => other.restedAt - one.restedAt);
    for (const room of idle.slice(MOST_IDLE)) room.empty();
  }

  #listChanged() {
    this.#list = null;
    this.#changed();
  }
}

/** Latest activity first. */
function byActivity(one, other) {
  if (one.updated_at !== other.updated_at) return one.updated_at > other.updated_at ? -1 : 1;
  return other.id - one.id;
}
