/** What stands below each other in a conversation: days, messages, the line above new ones, own ones on their way. */
import { chat } from "./chat.js";
import { dayOf, seenWords } from "./words.js";

const RUN_ENDS_AFTER = 5 * 60_000;

export const keyOf = (seq) => `message-${seq}`;

/** Rows {key, kind, …} of a conversation; `newFrom` is the first `seq` that was not read when it was opened. */
export function rowsOf(conversation, newFrom) {
  const { messages, hasNewer } = conversation;
  const lastOwn = messages.findLast(({ type, sender }) => type === "text" && sender?.id === chat.user.id);
  const rows = [];
  let previous = null;
  let isNewShown = newFrom === null;
  for (const message of messages) {
    const day = dayOf(message.created_at);
    if (day !== (previous && dayOf(previous.created_at))) rows.push({ key: `day-${message.seq}`, kind: "day", words: day });
    if (!isNewShown && message.seq >= newFrom) {
      isNewShown = true;
      rows.push({ key: "new", kind: "new" });
    }
    const isFirst = startsRun(message, previous) || rows.at(-1)?.kind !== "message";
    rows.push({ key: keyOf(message.seq), kind: message.type === "system" ? "system" : "message", message, isFirst });
    const words = message === lastOwn && seenWords(conversation, message);
    if (words) rows.push({ key: "seen", kind: "seen", words });
    previous = message;
  }
  if (!hasNewer) for (const entry of conversation.pending) rows.push({ key: entry.clientId, kind: "pending", entry });
  return rows;
}

/** Whether a message is not just another one of who spoke before it. */
function startsRun(message, previous) {
  return !previous || previous.sender?.id !== message.sender?.id
    || new Date(message.created_at) - new Date(previous.created_at) > RUN_ENDS_AFTER;
}
