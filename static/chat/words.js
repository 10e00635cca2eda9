/** How things are said: times, presence, who types and who has read, what system messages tell. */
import { chat } from "./chat.js";
import { Name } from "./parts.js";
import { language, t, T } from "./texts.js";
import { html } from "./ui.js";

const formats = new Map();

/** As the reader's language has it; the region of the browser decides where it speaks the same language. */
function formatted(date, options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) {
    const locale = navigator.languages.find((tag) => tag.split("-", 1)[0] === language) ?? language;
    formats.set(key, new Intl.DateTimeFormat(locale, options));
  }
  return formats.get(key).format(date);
}

const startOfDay = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const daysAgo = (date) => Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);
const shortDay = (date) => formatted(date, { day: "numeric", month: "short" });

export const timeOfDay = (time) => formatted(new Date(time), { hour: "2-digit", minute: "2-digit" });

/** "Today", "Yesterday" or the full date. */
export function dayOf(time) {
  const date = new Date(time);
  const days = daysAgo(date);
  if (days === 0 || days === 1) return t(days ? "yesterday" : "today");
  return formatted(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

/** As short as it can be: the time today, the weekday this week, else the day. */
export function shortTime(time) {
  const date = new Date(time);
  const days = daysAgo(date);
  if (days < 1) return timeOfDay(time);
  return days < 7 ? formatted(date, { weekday: "short" }) : shortDay(date);
}

/** Day and time of day. */
export function fullTime(time) {
  return formatted(new Date(time), { dateStyle: "medium", timeStyle: "short" });
}

/** "Online", "Last seen …" or "Offline"; "" of nobody. */
export function presenceOf(user) {
  if (!user) return "";
  if (user.is_online) return t("online");
  if (!user.last_seen) return t("offline_person");
  const date = new Date(user.last_seen);
  const key = { 0: "last_seen_today", 1: "last_seen_yesterday" }[daysAgo(date)] ?? "last_seen";
  return t(key, { day: shortDay(date), time: timeOfDay(user.last_seen) });
}

/** The name to show for a message's author; null is a deleted account. */
export const authorName = (sender) => sender?.display_name ?? t("deleted_user");

/** The name of a user who is known, "…" of one who is not yet. */
export function nameOf(id) {
  const known = chat.getPerson(id);
  if (!known) chat.findPerson(id).catch(() => {}); // the page is drawn again when it is there
  return known?.display_name ?? "…";
}

/** What a system message tells. */
export function eventWords({ sender, event }) {
  const action = `event_${event?.action}`;
  const actor = html`<${Name} text=${authorName(sender)} />`;
  const user = event?.user_id ? html`<${Name} text=${nameOf(event.user_id)} />` : actor;
  const known = EVENTS.has(event?.action) ? action : "event_unknown";
  return html`<${T} k=${known} actor=${actor} user=${user} name=${html`<${Name} text=${event?.name ?? ""} />`} />`;
}

const EVENTS = new Set([
  ..."conversation_created conversation_renamed participant_added participant_removed".split(" "),
  ..."participant_left admin_granted admin_revoked".split(" "),
]);

/** "Ann is typing…", "Ann and Bob are typing…", "Several people are typing…"; nothing of nobody. */
export function typingWords(userIds) {
  if (userIds.length === 0) return null;
  if (userIds.length > 2) return t("typing_many");
  const [name, other] = userIds.map((id) => html`<${Name} text=${nameOf(id)} />`);
  return html`<${T} k=${other ? "typing_two" : "typing_one"} name=${name} other=${other} />`;
}

/** Who has read a message: "Seen" in a private conversation, who or how many in a group; null of nobody. */
export function seenWords(conversation, message) {
  const readers = conversation.readersOf(message);
  if (readers.length === 0) return null;
  if (!conversation.isGroup) return t("seen");
  if (readers.length >= conversation.participantCount - 1) return t("seen_by_all");
  if (readers.length > 3) return t("seen_by_count", { count: readers.length });
  const names = readers.map((id, index) => html`${index ? ", " : ""}<${Name} text=${nameOf(id)} />`);
  return html`<${T} k="seen_by" names=${names} />`;
}

/** The last line of a conversation, as the list shows it. */
export function lastWords({ isGroup, lastMessage: last }) {
  if (!last) return t("no_messages");
  if (last.type === "system") return eventWords(last);
  const text = html`<${Name} text=${last.is_deleted ? t("message_deleted") : last.content} />`;
  if (last.sender?.id === chat.user.id) return html`<${T} k="you_said" text=${text} />`;
  if (!isGroup || !last.sender) return text;
  return html`<${T} k="somebody_said" name=${html`<${Name} text=${last.sender.display_name} />`} text=${text} />`;
}
