/** The left column: the conversations, kept fresh over REST while the page is seen and by the open room, and the people search. */
import * as api from "./api.js";
import { coalesced } from "./coalesced.js";
import { avatar, byId, element, name, reconcile } from "./dom.js";
import { people } from "./people.js";
import { PeopleSearch, personRow } from "./people_search.js";
import { eventWords, shortTime } from "./words.js";

const REFRESH_EVERY = 4_000;
const SOON = 250;

export class ListView {
  #me;
  #openConversation;
  #reachable;
  #conversations = [];
  #read = new Map();
  #current = null;
  #timer = 0;
  #search;
  #isActive = false;
  #isDueSoon = false;
  #turn = 0;
  #renderSoon = coalesced(() => this.#render());

  /** `openConversation(id)` shows one; `reachable(yes)` hears whether the server answered. */
  constructor({ openConversation, reachable }) {
    this.#openConversation = openConversation;
    this.#reachable = reachable;
    this.#search = new PeopleSearch(byId("search"), (found) => this.#showPeople(found));
    document.addEventListener("visibilitychange", () => this.#schedule(SOON));
    people.addEventListener("change", () => this.#render());
  }

  start(me) {
    this.#me = me;
    this.#isActive = true;
    this.#load();
  }

  stop() {
    this.#isActive = false;
    clearTimeout(this.#timer);
    this.#search.clear();
    this.#conversations = [];
    this.#read.clear();
    this.#render();
  }

  /** Mark the conversation that is open; null for none. */
  mark(id) {
    this.#current = id;
    this.#render();
  }

  /** A message is new or has changed: its row shows it at once; what else is new comes with the next load. */
  put(message) {
    const known = this.#find(message.conversation);
    if (!known) return this.refreshSoon();
    const { seq, version } = message;
    if (version <= known.version) return;
    const row = { ...known, version };
    if (seq >= known.last_seq) row.last_message = message;
    if (seq <= known.last_seq) {
      this.#conversations = this.#conversations.map((conversation) => (conversation === known ? row : conversation));
    } else {
      Object.assign(row, { last_seq: seq, unread_count: known.unread_count + seq - known.last_seq });
      this.#conversations = [row, ...this.#conversations.filter((conversation) => conversation !== known)];
    }
    this.#renderSoon();
  }

  /** Everything up to `seq` has been read, here or on another device. */
  read(id, seq) {
    if (seq <= (this.#read.get(id) ?? 0)) return;
    this.#read.set(id, seq);
    this.#renderSoon();
  }

  /** Something happened: look again, once for many things at the same time. */
  refreshSoon() {
    if (this.#isDueSoon) return;
    this.#isDueSoon = true;
    this.#schedule(SOON);
  }

  #schedule(delay) {
    clearTimeout(this.#timer);
    if (this.#isActive && !document.hidden) this.#timer = setTimeout(() => this.#load(), delay);
  }

  async #load() {
    const turn = ++this.#turn;
    this.#isDueSoon = false;
    try {
      const { results } = await api.conversations();
      if (!this.#isActive || turn !== this.#turn) return;
      this.#conversations = results.map((fresh) => this.#latest(fresh));
      for (const { participants } of results) for (const { user } of participants) people.learn(user);
      this.#reachable(true);
      this.#render();
    } catch (error) {
      if (error.status !== 401) this.#reachable(false);
    }
    this.#schedule(REFRESH_EVERY);
  }

  #find(id) {
    return this.#conversations.find((conversation) => conversation.id === id);
  }

  /** A row as the server answered it, or as it is here where a message was faster. */
  #latest(fresh) {
    const known = this.#find(fresh.id);
    return known?.version > fresh.version ? known : fresh;
  }

  /** As the server counted, but never more than come after the last one that was read. */
  #unread({ id, last_seq: last, unread_count: unread }) {
    return Math.min(unread, Math.max(0, last - (this.#read.get(id) ?? 0)));
  }

  #render() {
    const unread = this.#conversations.reduce((sum, conversation) => sum + this.#unread(conversation), 0);
    document.title = unread ? `(${unread}) Chat` : "Chat";
    byId("conversations-none").hidden = this.#conversations.length > 0;
    reconcile(byId("conversations"), this.#conversations.map((conversation) => this.#item(conversation)));
  }

  #item(conversation) {
    const { id, last_message: last } = conversation;
    const unread = this.#unread(conversation);
    const other = this.#other(conversation);
    const isOnline = Boolean(other && people.get(other.id)?.is_online);
    const isCurrent = id === this.#current;
    const line = this.#lastLine(conversation);
    const words = line.map((part) => part.textContent ?? part).join("");
    const signature = JSON.stringify([conversation.name, words, last?.created_at, unread, isOnline, isCurrent]);
    const build = () => conversationRow(conversation, { unread, isOnline, isCurrent, line, hue: (other ?? conversation).id });
    return { key: String(id), signature, build };
  }

  /** The other one of a private conversation; undefined in a group, and where the account is gone. */
  #other({ type, participants }) {
    return type === "private" ? participants.find(({ user }) => user.id !== this.#me.id)?.user : undefined;
  }

  #lastLine({ type, last_message: last }) {
    if (!last) return ["No messages yet"];
    if (last.type === "system") return eventWords(last);
    const content = last.is_deleted ? "Message deleted" : last.content;
    if (last.sender?.id === this.#me.id) return ["You: ", name(content)];
    return type === "group" && last.sender ? [name(last.sender.display_name), ": ", name(content)] : [name(content)];
  }

  #showPeople(found) {
    byId("people-section").hidden = found === null;
    byId("people-none").hidden = !found || found.length > 0;
    reconcile(byId("people"), (found ?? []).map((user) => personRow(user, () => this.#openPrivate(user))));
  }

  async #openPrivate(user) {
    try {
      const { id } = await api.openPrivate(user.id);
      this.#search.clear();
      this.refreshSoon();
      this.#openConversation(id);
    } catch (error) {
      byId("list-error").textContent = error.message;
      byId("list-error").hidden = false;
      setTimeout(() => (byId("list-error").hidden = true), 5_000);
    }
  }
}

function conversationRow(conversation, { unread, isOnline, isCurrent, line, hue }) {
  const { id, last_message: last } = conversation;
  const text = element("span", { class: "row-text" },
    element("span", { class: "row-name" }, name(conversation.name)),
    element("span", { class: "row-line" }, ...line));
  const aside = element("span", { class: "row-aside" },
    element("time", { datetime: last?.created_at }, last ? shortTime(last.created_at) : ""));
  if (unread) aside.append(element("span", { class: "badge", "aria-label": `${unread} unread` }, unread > 99 ? "99+" : String(unread)));
  const link = element("a", { href: `#/c/${id}`, class: "row", "aria-current": isCurrent && "true" },
    avatar(conversation.name, hue, isOnline), text, aside);
  if (isOnline) text.firstElementChild.append(element("span", { class: "hidden-text" }, " (online)"));
  return element("li", { "data-online": String(isOnline) }, link);
}
