/** The left side: who one is, the search, and the list of conversations. */
import { AccountMenu } from "./account.js";
import { chat } from "./chat.js";
import { NewGroup } from "./group.js";
import { Avatar, Failure, Hidden, Name, PersonRow } from "./parts.js";
import { useSearch } from "./search.js";
import { t } from "./texts.js";
import { html, useChanges, useEffect, useState, useWork } from "./ui.js";
import { lastWords, shortTime } from "./words.js";

export function Side({ openId, go }) {
  const [search, setSearch] = useState("");
  const [isMaking, setMaking] = useState(false);
  const [isUnderWay, error, run] = useWork();
  const openPrivate = (user) => run(async () => {
    const { id } = await chat.createPrivate(user.id);
    setSearch("");
    go(id);
  });
  const open = (id) => {
    setSearch("");
    go(id);
  };
  // On a narrow screen it is all that there is, while nothing is open.
  return html`<div class="side" role=${openId ? "complementary" : "main"} aria-label=${t("conversations")} aria-busy=${isUnderWay}>
    ${!openId && html`<h1 class="hidden-text">${t("title")}</h1>`}
    <${Me} />
    <div class="find">
      <input type="search" placeholder=${t("search_short")} aria-label=${t("search")} autocomplete="off" maxlength="100"
        value=${search} onInput=${(event) => setSearch(event.target.value)}
        onKeyDown=${(event) => event.key === "Escape" && setSearch("")} />
      <button class="quiet" type="button" onClick=${() => setMaking(true)}>${t("new_group")}</button>
    </div>
    <nav class="lists" aria-label=${t("your_conversations")}>
      <${Failure} error=${error} />
      ${search.trim() ? html`<${Found} search=${search} open=${open} openPrivate=${openPrivate} openId=${openId} />`
        : html`<${List} openId=${openId} />`}
    </nav>
    ${isMaking && html`<${NewGroup} go=${go} onClose=${() => setMaking(false)} />`}
  </div>`;
}

function Me() {
  useChanges(chat, "user");
  const me = chat.user;
  return html`<div class="me">
    <${Avatar} name=${me.display_name} id=${me.id} />
    <div class="me-text">
      <strong data-testid="me"><${Name} text=${me.display_name} /></strong>
      <${Connection} />
    </div>
    <${AccountMenu} />
  </div>`;
}

/** How the connection is, honestly, and a way not to wait. */
function Connection() {
  useChanges(chat, "connection");
  const { state } = chat.connection;
  const words = { idle: "connecting", connecting: "connecting", open: "connected" }[state] ?? state;
  return html`<span class="connection">
    <span role="status" data-testid="connection" data-state=${state}>${t(words)}</span>
    ${(state === "waiting" || state === "stopped")
      && html` <button type="button" class="link" onClick=${() => chat.reconnect()}>${t("try_now")}</button>`}
  </span>`;
}

function List({ openId }) {
  useChanges(chat, "conversations", "people");
  const [isUnderWay, error, run] = useWork();
  const [isLoaded, setLoaded] = useState(false);
  useEffect(() => {
    chat.loadConversations().then(() => setLoaded(true), () => {});
  }, []);
  const { conversations } = chat;
  return html`<section aria-label=${t("your_conversations")}>
    <h2>${t("conversations")}</h2>
    <ul class="rows" data-testid="conversations">
      ${conversations.map((each) => html`<${Row} key=${each.id} conversation=${each} isOpen=${each.id === openId} />`)}
    </ul>
    ${conversations.length === 0 && isLoaded && html`<p class="hint">${t("no_conversations")}</p>`}
    <${Failure} error=${error} />
    ${chat.hasMoreConversations && html`<button type="button" class="quiet more" disabled=${isUnderWay}
      onClick=${() => run(() => chat.loadMoreConversations())}>${t("more_conversations")}</button>`}
  </section>`;
}

function Row({ conversation, isOpen, onOpen }) {
  const { id, name, other, lastMessage: last, unreadCount: unread } = conversation;
  const isOnline = Boolean(other?.is_online);
  return html`<li data-online=${String(isOnline)}>
    <a href="#/c/${id}" class="row" aria-current=${isOpen ? "true" : null} onClick=${onOpen}>
      <${Avatar} name=${name} id=${(other ?? conversation).id} isOnline=${isOnline} />
      <span class="row-text">
        <span class="row-name"><${Name} text=${name} />${isOnline && html`<${Hidden}> ${t("online_suffix")}<//>`}</span>
        <span class="row-line">${lastWords(conversation)}</span>
      </span>
      <span class="row-aside">
        ${last && html`<time datetime=${last.created_at}>${shortTime(last.created_at)}</time>`}
        ${unread > 0 && html`<span class="badge">
          <span aria-hidden="true">${unread > 99 ? "99+" : unread}</span><${Hidden}>${t("unread", { count: unread })}<//>
        </span>`}
      </span>
    </a>
  </li>`;
}

function Found({ search, open, openPrivate, openId }) {
  const { people, conversations, error, retry } = useSearch(search);
  return html`<${Failure} error=${error} onRetry=${retry} />
    <section aria-label=${t("people")}>
      <h2>${t("people")}</h2>
      <ul class="rows" data-testid="people">
        ${people?.items.map((user) => html`<${PersonRow} key=${user.id} user=${user} onPick=${openPrivate} />`)}
      </ul>
      ${people?.items.length === 0 && html`<p class="hint">${t("nobody_found")}</p>`}
    </section>
    <section aria-label=${t("conversations")}>
      <h2>${t("conversations")}</h2>
      <ul class="rows" data-testid="found-conversations">
        ${conversations?.items.map((each) => html`<${Row} key=${each.id} conversation=${each} isOpen=${each.id === openId}
          onOpen=${() => open(each.id)} />`)}
      </ul>
      ${conversations?.items.length === 0 && html`<p class="hint">${t("nothing_found")}</p>`}
    </section>`;
}
