/** What is half written, kept for each conversation until it is sent or its writer logs out. */
import { chat } from "./chat.js";

const KEY = "chat.draft.";
const keyOf = (id) => `${KEY}${chat.user.id}.${id}`;

export const draftOf = (id) => localStorage.getItem(keyOf(id)) ?? "";

export function keepDraft(id, text) {
  if (!chat.user) return;
  try {
    if (text) localStorage.setItem(keyOf(id), text);
    else localStorage.removeItem(keyOf(id));
  } catch {
    // the storage is full: it does not outlive the page
  }
}

export function forgetDrafts() {
  for (const key of Object.keys(localStorage)) if (key.startsWith(KEY)) localStorage.removeItem(key);
}
