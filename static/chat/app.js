/** Puts the page together: which screen is shown, and which conversation is open (the address says `#/c/<id>`). */
import { chat } from "./chat.js";
import { forgetDrafts } from "./drafts.js";
import { JumpDialog } from "./jump.js";
import { Announcer, Title } from "./notify.js";
import { Room } from "./room.js";
import { Side } from "./side.js";
import { hasResetToken, Start } from "./start.js";
import { loadTexts, t } from "./texts.js";
import { html, render, useChanges, useListener, useState } from "./ui.js";

const openId = () => Number(/^#\/c\/([1-9][0-9]{0,15})$/u.exec(location.hash)?.[1] ?? 0);

export const go = (id) => (location.hash = id ? `#/c/${id}` : "#/");

function App() {
  const [notice, setNotice] = useState("");
  useChanges(chat, "session");
  useListener(chat, "session", ({ detail: { state, reason } }) => {
    if (state !== "ended") return;
    forgetDrafts();
    history.replaceState(null, "", location.pathname);
    setNotice(reason === "logged_out" ? "" : t("session_ended"));
  });
  if (!chat.user || hasResetToken()) return html`<${Start} notice=${notice} key=${notice} />`;
  return html`<${Chat} key=${chat.user.id} />`;
}

function Chat() {
  const [id, setId] = useState(openId());
  const [isJumping, setJumping] = useState(false);
  useListener(globalThis, "hashchange", () => setId(openId()));
  useListener(document, "keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    setJumping(true);
  });
  return html`<div class="chat" data-testid="chat" data-pane=${id ? "room" : "list"}>
    <${Side} openId=${id} go=${go} />
    <div class="pane" role=${id ? "main" : "complementary"}>
      ${id ? html`<${Room} id=${id} key=${id} />` : html`<p class="empty">${t("choose")}</p>`}
    </div>
    ${isJumping && html`<${JumpDialog} go=${go} onClose=${() => setJumping(false)} />`}
    <${Announcer} openId=${id} go=${go} />
    <${Title} />
  </div>`;
}

await loadTexts();
render(html`<${App} />`, document.getElementById("app"));
