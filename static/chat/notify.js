/** Tells of what is new: to screen readers, on the desktop, and in the title of the page. */
import { chat } from "./chat.js";
import { oneLine } from "./parts.js";
import { t } from "./texts.js";
import { html, useChanges, useEffect, useListener, useState } from "./ui.js";
import { authorName } from "./words.js";

const KEY = "chat.notifications";
const isPossible = () => "Notification" in globalThis;

/** `on`, `off`, `denied`, or `impossible` here. */
export function notificationState() {
  if (!isPossible()) return "impossible";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(KEY) === "on" ? "on" : "off";
}

/** Ask for the permission, in answer to a click. */
export async function turnOnNotifications() {
  if ((await Notification.requestPermission()) === "granted") localStorage.setItem(KEY, "on");
}

/** Reads out what comes while one looks, and shows a notification of what comes while one does not. */
export function Announcer({ openId, go }) {
  const [said, say] = useState({ count: 0, words: "" });
  useListener(chat, "message", ({ detail: { conversation, message, isMissed } }) => {
    if (isMissed || message.type !== "text") return;
    const told = { name: oneLine(authorName(message.sender)), text: oneLine(message.content), conversation: oneLine(conversation.name) };
    const isElsewhere = conversation.id !== openId;
    const words = t(isElsewhere && conversation.isGroup ? "announced_elsewhere" : "announced", told);
    say(({ count }) => ({ count: count + 1, words }));
    if (notificationState() === "on" && !(document.hasFocus() && !document.hidden && !isElsewhere)) notify(conversation, told, go);
  });
  return html`<p class="hidden-text" role="status" aria-live="polite" data-testid="announcer">
    <span key=${said.count}>${said.words}</span>
  </p>`; // another element each time: the same words again are news, too
}

function notify(conversation, { name, text }, go) {
  const title = conversation.isGroup ? `${name} · ${oneLine(conversation.name)}` : name;
  const shown = new Notification(title, { body: text, tag: `chat-${conversation.id}`, renotify: true });
  shown.onclick = () => {
    focus();
    go(conversation.id);
    shown.close();
  };
}

export function Title() {
  useChanges(chat, "conversations");
  const count = chat.totalUnread;
  useEffect(() => {
    document.title = count ? t("title_unread", { count: count > 99 ? "99+" : count }) : t("title");
    return () => (document.title = t("title"));
  }, [count]);
  return null;
}
