/** What the message list is made of: items ({key, signature, build}) for `reconcile`. */
import { avatar, element, name } from "./dom.js";
import { authorName, dayOf, eventWords, seenWords, timeOfDay } from "./words.js";

const RUN_ENDS_AFTER = 5 * 60_000;

/** All items of a room: days, messages, the "Seen" line and own messages that are still on their way. */
export function timelineItems(room, me, actions) {
  const { messages } = room.timeline;
  const lastOwn = messages.findLast((message) => message.type === "text" && message.sender?.id === me.id);
  const items = [];
  let previous = null;
  for (const message of messages) {
    if (dayOf(message.created_at) !== (previous && dayOf(previous.created_at))) items.push(dayItem(message));
    items.push(messageItem(message, { me, isGroup: room.conversation?.type === "group", startsRun: startsRun(message, previous) }));
    if (message === lastOwn) items.push(...seenItems(room, message));
    previous = message;
  }
  return [...items, ...room.outbox.entries.map((entry) => pendingItem(entry, actions))];
}

function startsRun(message, previous) {
  return !previous || previous.type !== message.type || previous.sender?.id !== message.sender?.id
    || new Date(message.created_at) - new Date(previous.created_at) > RUN_ENDS_AFTER;
}

function dayItem({ seq, created_at: time }) {
  const day = dayOf(time);
  return { key: `day-${seq}`, signature: day, build: () => element("p", { class: "day" }, day) };
}

function messageItem(message, context) {
  const isSystem = message.type === "system";
  const words = isSystem ? eventWords(message) : [];
  const told = words.map((part) => part.textContent ?? part).join("");
  const signature = JSON.stringify([message.version, message.sender, message.reply_to, context.isGroup, context.startsRun, told]);
  const build = () => (isSystem ? systemMessage(message, words) : textMessage(message, context));
  return { key: `message-${message.seq}`, signature, build };
}

function systemMessage({ seq }, words) {
  return element("p", { class: "system", "data-testid": "system-message", "data-seq": seq }, ...words);
}

function textMessage(message, { me, isGroup, startsRun: isFirst }) {
  const isOwn = message.sender?.id === me.id;
  const bubble = element("div", { class: "bubble" });
  if (isGroup && !isOwn && isFirst) bubble.append(element("span", { class: "author" }, name(authorName(message.sender))));
  else bubble.append(element("span", { class: "hidden-text" }, isOwn ? "You" : name(authorName(message.sender)), ": "));
  if (message.reply_to) bubble.append(quote(message.reply_to));
  bubble.append(body(message), meta(message));
  const row = element("article",
    { class: `message ${isOwn ? "own" : "theirs"}${isFirst ? " first" : ""}`, "data-testid": "message", "data-seq": message.seq });
  if (isGroup && !isOwn) row.append(isFirst ? avatar(authorName(message.sender), message.sender?.id ?? 0) : element("span", { class: "avatar-gap" }));
  row.append(bubble);
  return row;
}

function body({ content, is_deleted: isDeleted }) {
  if (isDeleted) return element("p", { class: "content deleted" }, "Message deleted");
  return element("p", { class: "content", dir: "auto", "data-testid": "content" }, content);
}

function meta({ created_at: time, is_edited: isEdited, is_deleted: isDeleted }) {
  const edited = isEdited && !isDeleted ? "edited · " : "";
  return element("span", { class: "meta" }, edited, element("time", { datetime: time }, timeOfDay(time)));
}

function quote({ sender, content }) {
  return element("blockquote", { class: "quote" },
    element("span", { class: "author" }, name(authorName(sender))),
    element("span", { dir: "auto" }, content || "Message deleted"));
}

function seenItems(room, message) {
  const words = room.conversation ? seenWords(room.readersOf(message.seq), room.conversation) : [];
  if (words.length === 0) return [];
  const signature = words.map((part) => part.textContent ?? part).join("");
  return [{ key: "seen", signature, build: () => element("p", { class: "seen", "data-testid": "seen" }, ...words) }];
}

function pendingItem(entry, { retry, discard }) {
  const build = () => {
    const bubble = element("div", { class: "bubble" },
      element("p", { class: "content", dir: "auto", "data-testid": "content" }, entry.content),
      element("span", { class: "meta" }, { waiting: "Sending…", stored: "Sent", failed: "Not sent" }[entry.state]));
    const row = element("article", { class: `message own pending ${entry.state}`, "data-testid": "pending" }, bubble);
    if (entry.state === "failed") row.append(failure(entry, retry, discard));
    return row;
  };
  return { key: `pending-${entry.clientId}`, signature: entry.state + entry.error, build };
}

function failure(entry, retry, discard) {
  const again = element("button", { type: "button", class: "link" }, "Try again");
  const drop = element("button", { type: "button", class: "link" }, "Discard");
  again.addEventListener("click", () => retry(entry.clientId));
  drop.addEventListener("click", () => discard(entry.clientId));
  return element("p", { class: "failure", role: "alert" }, entry.error, " ", again, " ", drop);
}
