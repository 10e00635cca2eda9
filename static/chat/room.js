/** The right side: one conversation, read and written. */
import { chat } from "./chat.js";
import { Composer } from "./composer.js";
import { Details } from "./details.js";
import { DeleteMessage, mayDelete, mayEdit, PendingMessage, Readers, SystemMessage, TextMessage } from "./message.js";
import { Avatar, Failure, Name } from "./parts.js";
import { Scroller, Scrolling } from "./scroller.js";
import { t } from "./texts.js";
import { keyOf, rowsOf } from "./timeline.js";
import { html, useChanges, useEffect, useLayoutEffect, useListener, useRef, useState, useWork } from "./ui.js";
import { presenceOf, typingWords } from "./words.js";

const LOADED = 40; // unread messages that are surely among the newest page
const ENDINGS = { left: "ended_left", removed: "ended_removed" };

/** The conversation of that id, once it is known. */
export function Room({ id }) {
  useChanges(chat, "conversations");
  const [, error, run] = useWork();
  const last = useRef(null);
  const count = useRef(0); // one that was deleted may come back, as another one
  const find = () => run(async () => void (await chat.findConversation(id)));
  useEffect(() => void find(), [id]);
  const conversation = chat.getConversation(id) ?? last.current;
  if (conversation !== last.current) count.current += 1;
  last.current = conversation;
  if (conversation) return html`<${OpenRoom} conversation=${conversation} key=${count.current} />`;
  return html`<div class="empty">
    <h1 class="hidden-text">${t("title")}</h1>
    ${error?.status === 404 ? html`<p>${t("ended_gone")}</p> <a class="link" href="#/">${t("back")}</a>`
      : html`<${Failure} error=${error} onRetry=${find} />${!error && t("loading")}`}
  </div>`;
}

function OpenRoom({ conversation }) {
  useChanges(conversation, "change");
  useChanges(chat, "people", "connection");
  const [about, setAbout] = useState({});
  const [dialog, open] = useState(null);
  const [failure, fail] = useState(null);
  const close = () => open(null);
  const view = useReading(conversation);
  const actions = {
    reply: (message) => setAbout({ replyTo: message }),
    edit: (message) => setAbout({ editing: message }),
    delete: (message) => open(html`<${DeleteMessage} message=${message} onClose=${close} onFailure=${fail} />`),
    who_read: (message) => open(html`<${Readers} message=${message} onClose=${close} />`),
    goTo: (seq) => view.goTo(seq).catch(fail),
  };
  const { state } = chat.connection;
  return html`<section class="room" aria-labelledby="room-name" data-testid="room"
    data-state=${state === "open" && conversation.isLoaded ? "open" : "loading"}>
    <${Header} conversation=${conversation} onDetails=${() => open(html`<${Details} conversation=${conversation} onClose=${close} />`)} />
    <${Messages} conversation=${conversation} view=${view} actions=${actions} />
    <${ToNewest} conversation=${conversation} view=${view} />
    <p class="typing" aria-live="polite" data-testid="typing">${typingWords(conversation.typing)}</p>
    <${Failure} error=${failure} />
    <${Failure} error=${view.failure} onRetry=${view.retry} />
    ${conversation.ending ? html`<p class="notice" role="alert">${t(ENDINGS[conversation.ending] ?? "ended_gone")}</p>`
      : html`<${Composer} conversation=${conversation} about=${about} setAbout=${setAbout} onSent=${view.toNewest} />`}
    ${dialog}
  </section>`;
}

function Header({ conversation, onDetails }) {
  const { name, other, isGroup } = conversation;
  return html`<header class="room-header">
    <a class="back" href="#/" aria-label=${t("back")}><span aria-hidden="true">‹</span></a>
    <${Avatar} name=${name} id=${(other ?? conversation).id} isOnline=${other?.is_online} />
    <div class="room-title">
      <h1 id="room-name" data-testid="room-name" dir="auto">${name}</h1>
      <p data-testid="room-status">${isGroup ? groupStatus(conversation) : presenceOf(other)}</p>
    </div>
    <button type="button" class="quiet" onClick=${onDetails}>${t("details")}</button>
  </header>`;
}

function groupStatus({ participants, participantCount: count }) {
  const online = participants.filter(({ user }) => user.id === chat.user.id || user.is_online).length;
  return t("people_online", { count, online });
}

/** What a reader of the conversation has in view, and the ways to get elsewhere. */
function useReading(conversation) {
  const scrolling = useRef(null);
  scrolling.current ??= new Scrolling();
  const [newFrom, setNewFrom] = useState(conversation.unreadCount > 0 ? conversation.lastReadSeq + 1 : null);
  const [failure, fail] = useState(null);
  const isPlaced = useRef(false);
  const view = {
    scrolling: scrolling.current,
    newFrom,
    failure,
    isPlaced,
    async goTo(seq) {
      if (await conversation.jumpTo(seq)) requestAnimationFrame(() => scrolling.current.goTo(keyOf(seq), 80));
    },
    async toNewest() {
      if (conversation.hasNewer) await conversation.jumpToNewest().catch(fail);
      scrolling.current.goToEnd();
    },
    /** Who does not look now finds a line above what comes meanwhile. */
    missed: () => newFrom === null && conversation.unreadCount > 0 && setNewFrom(conversation.lastReadSeq + 1),
    load: (work) => work.then(() => fail(null), fail),
    /** What failed is not loaded again by itself, or it would be again and again. */
    retry: () => fail(null),
  };
  useListener(chat, "connection", () => chat.connection.state === "open" && fail(null));
  useEffect(() => {
    const begin = async () => {
      await conversation.open();
      if (newFrom !== null && conversation.unreadCount > LOADED) await conversation.jumpTo(newFrom);
      isPlaced.current = true;
      if (newFrom === null || !scrolling.current.goTo("new", 60)) scrolling.current.goToEnd();
    };
    begin().catch((error) => error.status !== 404 && fail(error));
    return () => conversation.release();
  }, [conversation]);
  return view;
}

function Messages({ conversation, view, actions }) {
  const { scrolling } = view;
  const rows = rowsOf(conversation, view.newFrom);
  const [active, setActive] = useState(null); // the key of the message that the keyboard is at
  const wanted = useRef(null);
  const texts = rows.filter(({ kind }) => kind === "message");
  const current = texts.some(({ key }) => key === active) ? active : texts.at(-1)?.key;
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    scrolling.element?.querySelector(`[data-seq="${wanted.current}"]`)?.focus({ preventScroll: true });
    wanted.current = null;
  });
  const look = () => {
    if (!view.isPlaced.current) return;
    if (document.hidden || !document.hasFocus()) return view.missed();
    const end = rows.indexOf(scrolling.lastInView);
    const seen = rows.slice(0, end + 1).findLast(({ message }) => message)?.message;
    if (seen) conversation.markRead(seen);
  };
  useListener(globalThis, "focus", look);
  useListener(document, "visibilitychange", look);
  const older = () => view.isPlaced.current && conversation.hasOlder && view.load(conversation.loadOlder());
  const newer = () => view.isPlaced.current && conversation.hasNewer && view.load(conversation.loadNewer());
  const key = (event) => {
    const at = texts.findIndex(({ message }) => String(message.seq) === event.target.dataset?.seq);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const { message } = texts[at];
    const page = (direction) => scrolling.pageFrom(texts[at].key, direction, ({ kind }) => kind === "message");
    const ways = {
      ArrowUp: () => texts[at - 1],
      ArrowDown: () => texts[at + 1],
      PageUp: () => page(-1) ?? texts[0],
      PageDown: () => page(1) ?? texts.at(-1),
      Home: () => texts[0],
      End: () => texts.at(-1),
    };
    const next = ways[event.key]?.();
    const act = { r: !message.is_deleted && "reply", e: mayEdit(message) && "edit", Delete: mayDelete(message, conversation) && "delete" }[event.key];
    if (next) {
      wanted.current = next.message.seq;
      setActive(next.key);
      scrolling.reveal(next.key);
    } else if (act) actions[act](message);
    else return;
    event.preventDefault();
  };
  const draw = (row) => {
    const shared = { message: row.message, conversation, isFirst: row.isFirst, actions };
    const focus = { tabindex: row.key === current ? 0 : -1, onFocus: () => setActive(row.key) };
    if (row.kind === "message") return html`<${TextMessage} ...${shared} ...${focus} />`;
    if (row.kind === "system") return html`<${SystemMessage} message=${row.message} />`;
    if (row.kind === "pending") return html`<${PendingMessage} entry=${row.entry} isOver=${Boolean(conversation.ending)} />`;
    if (row.kind === "seen") return html`<p class="seen" data-testid="seen">${row.words}</p>`;
    if (row.kind === "new") return html`<p class="new-line" data-testid="new-line"><span>${t("new_messages")}</span></p>`;
    if (row.kind === "older") return html`<p class="more"><button type="button" class="quiet" onClick=${older}>${t("load_older")}</button></p>`;
    return html`<p class="day">${row.words}</p>`;
  };
  const all = conversation.hasOlder ? [{ key: "older", kind: "older" }, ...rows] : rows;
  return html`<${Scroller} scrolling=${scrolling} rows=${all} draw=${draw} label=${t("messages")} isBusy=${!conversation.isLoaded}
    onLook=${look} onStart=${() => view.failure || older()} onEnd=${() => view.failure || newer()} onKeyDown=${key} />`;
}

function ToNewest({ conversation, view: { scrolling, toNewest } }) {
  useChanges(scrolling, "end");
  const { unreadCount: count } = conversation;
  if (scrolling.isAtEnd && !conversation.hasNewer) return null;
  return html`<button class="to-newest" type="button" onClick=${toNewest}>
    ${count > 0 ? t("new_below", { count }) : t("to_newest")} <span aria-hidden="true">↓</span>
  </button>`;
}
