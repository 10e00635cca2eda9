/** The right side: one conversation, read and written. */
import { avatar, byId, reconcile } from "./dom.js";
import { timelineItems } from "./message_view.js";
import { people } from "./people.js";
import { presenceOf, typingWords } from "./words.js";

const NEAR_BOTTOM = 60;
const NEAR_TOP = 80;

export class RoomView {
  #me = null;
  #room = null;
  #listening = new AbortController();
  #followsNewest = true;
  #drafts = new Map();
  #scroller = byId("scroller");
  #content = byId("content");

  constructor() {
    byId("composer").addEventListener("submit", (event) => this.#submit(event));
    this.#content.addEventListener("keydown", (event) => this.#key(event));
    this.#content.addEventListener("input", () => this.#typed());
    this.#content.addEventListener("blur", () => this.#room?.stopTyping());
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    byId("older").addEventListener("click", () => this.#loadOlder());
    byId("to-newest").addEventListener("click", () => this.#toNewest());
    new ResizeObserver(() => this.#followsNewest && this.#scrollDown()).observe(this.#scroller);
    people.addEventListener("change", () => this.#render());
    for (const event of ["focus", "visibilitychange"]) addEventListener(event, () => this.#markRead(), true);
  }

  show(room, me) {
    this.hide();
    this.#room = room;
    this.#me = me;
    this.#followsNewest = true;
    this.#content.value = this.#drafts.get(room.id) ?? "";
    byId("messages").replaceChildren();
    byId("room").hidden = false;
    byId("pane-empty").hidden = true;
    this.#listening = new AbortController();
    room.addEventListener("change", () => this.#render(), { signal: this.#listening.signal });
    this.#render();
    this.#fit();
    if (matchMedia("(pointer: fine)").matches) this.#content.focus();
  }

  hide() {
    this.#listening.abort();
    if (this.#room) this.#drafts.set(this.#room.id, this.#content.value);
    this.#room = null;
    byId("room").hidden = true;
    byId("pane-empty").hidden = false;
  }

  /** Nobody is logged in any more: what was half written goes too. */
  forget() {
    this.hide();
    this.#drafts.clear();
  }

  #render() {
    const room = this.#room;
    if (!room) return;
    byId("room").dataset.state = room.state;
    this.#renderHeader(room);
    const anchor = this.#anchor();
    byId("messages").setAttribute("aria-busy", String(room.conversation === null));
    reconcile(byId("messages"), timelineItems(room, this.#me, this.#actions));
    byId("older").hidden = !room.timeline.hasOlder;
    byId("typing").replaceChildren(...typingWords(room.typingUsers));
    byId("room-ending").textContent = room.ending;
    byId("room-ending").hidden = !room.ending;
    byId("composer").hidden = Boolean(room.ending);
    this.#scroll(anchor);
    this.#markRead();
  }

  /** The newest message that is shown and where it is: what it was measured by stays in its place on the screen. */
  #anchor() {
    const shown = [...byId("messages").querySelectorAll("[data-seq]")].at(-1);
    return shown && { seq: Number(shown.dataset.seq), top: shown.offsetTop };
  }

  #scroll(anchor) {
    if (this.#followsNewest) return this.#scrollDown();
    if (!anchor) return;
    const { offsetTop } = byId("messages").querySelector(`[data-seq="${anchor.seq}"]`) ?? { offsetTop: anchor.top };
    this.#scroller.scrollTop += offsetTop - anchor.top;
    if (this.#room.timeline.newest.seq > anchor.seq) byId("to-newest").hidden = false;
  }

  #actions = {
    retry: (clientId) => this.#room.outbox.retry(clientId),
    discard: (clientId) => this.#room.outbox.discard(clientId),
  };

  #renderHeader(room) {
    const { conversation } = room;
    const title = conversation?.name ?? "…";
    byId("room-name").textContent = title;
    byId("room-avatar").replaceChildren(avatar(title, (room.other ?? room).id, Boolean(room.other && people.get(room.other.id)?.is_online)));
    byId("room-status").textContent = conversation ? this.#status(room) : "";
  }

  #status(room) {
    if (room.state === "waiting") return "Reconnecting…";
    if (room.conversation.type === "private") return presenceOf(room.other && people.get(room.other.id));
    const count = room.conversation.participant_count;
    const online = room.participants.filter(({ user }) => user.id === this.#me.id || people.get(user.id)?.is_online).length;
    return `${count} ${count === 1 ? "person" : "people"}, ${online} online`;
  }

  #submit(event) {
    event.preventDefault();
    const content = this.#content.value.trim();
    if (!content || !this.#room) return;
    this.#content.value = "";
    this.#fit();
    this.#toNewest();
    this.#room.send(content);
    this.#content.focus();
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  }

  #typed() {
    this.#fit();
    if (this.#content.value.trim()) this.#room?.startTyping();
    else this.#room?.stopTyping();
  }

  /** As high as its text, up to the limit of the style sheet. */
  #fit() {
    this.#content.style.height = "auto";
    this.#content.style.height = `${this.#content.scrollHeight + 2}px`;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#followsNewest = scrollHeight - scrollTop - clientHeight < NEAR_BOTTOM;
    if (this.#followsNewest) byId("to-newest").hidden = true;
    if (scrollTop < NEAR_TOP && scrollHeight > clientHeight) this.#loadOlder();
    this.#markRead();
  }

  #toNewest() {
    this.#followsNewest = true;
    byId("to-newest").hidden = true;
    this.#scrollDown();
  }

  #scrollDown() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #loadOlder() {
    this.#room?.loadOlder().catch(() => {}); // the button stays, to try again
  }

  #markRead() {
    if (this.#room && this.#followsNewest && !document.hidden && document.hasFocus()) this.#room.markRead();
  }
}
