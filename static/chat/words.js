/** How things are said: times, names in sentences, what system messages tell. */
import { name } from "./dom.js";
import { people } from "./people.js";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

const startOfDay = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
const daysAgo = (date) => Math.round((startOfDay(new Date()) - startOfDay(date)) / 86_400_000);

export const timeOfDay = (time) => clock.format(new Date(time));

/** "Today", "Yesterday" or the full date. */
export function dayOf(time) {
  const date = new Date(time);
  return { 0: "Today", 1: "Yesterday" }[daysAgo(date)] ?? longDay.format(date);
}

/** As short as it can be: the time today, the weekday this week, else the day. */
export function shortTime(time) {
  const date = new Date(time);
  const days = daysAgo(date);
  if (days < 1) return clock.format(date);
  return (days < 7 ? weekday : shortDay).format(date);
}

/** "Online", "Last seen …" or "Offline". */
export function presenceOf(user) {
  if (!user) return "";
  if (user.is_online) return "Online";
  if (!user.last_seen) return "Offline";
  const day = { 0: "today", 1: "yesterday" }[daysAgo(new Date(user.last_seen))] ?? shortDay.format(new Date(user.last_seen));
  return `Last seen ${day} at ${timeOfDay(user.last_seen)}`;
}

/** The name to show for a message's author; null is a deleted account. */
export const authorName = (sender) => (sender ? sender.display_name : "Deleted user");

const EVENTS = {
  conversation_created: (actor, event) => [actor, " created the group ", name(event.name ?? "")],
  conversation_renamed: (actor, event) => [actor, " named the group ", name(event.name ?? "")],
  participant_added: (actor, event) => [actor, " added ", subject(event)],
  participant_removed: (actor, event) => [actor, " removed ", subject(event)],
  participant_left: (actor, event) => [event.user_id ? subject(event) : actor, " left the group"],
  admin_granted: (actor, event) => [actor, " made ", subject(event), " an admin"],
  admin_revoked: (actor, event) => [actor, " took the admin right from ", subject(event)],
};

const subject = (event) => name(people.nameOf(event.user_id));

/** What a system message tells, as text and name elements. */
export function eventWords({ sender, event }) {
  const words = EVENTS[event?.action];
  return words ? words(name(authorName(sender)), event) : ["The group was changed"];
}

/** "Ann is typing…", "Ann and Bob are typing…", "Several people are typing…"; nothing for nobody. */
export function typingWords(userIds) {
  const names = userIds.map((id) => name(people.nameOf(id)));
  if (names.length === 0) return [];
  if (names.length === 1) return [names[0], " is typing…"];
  if (names.length === 2) return [names[0], " and ", names[1], " are typing…"];
  return ["Several people are typing…"];
}

/** "Seen" in a private conversation, who or how many in a group. */
export function seenWords(readerIds, conversation) {
  if (readerIds.length === 0) return [];
  if (conversation.type === "private") return ["Seen"];
  if (readerIds.length >= conversation.participant_count - 1) return ["Seen by everyone"];
  if (readerIds.length > 3) return [`Seen by ${readerIds.length}`];
  return ["Seen by ", ...readerIds.flatMap((id, index) => [index ? ", " : "", name(people.nameOf(id))])];
}
