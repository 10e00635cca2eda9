/** What there is to import; `index.d.ts` has the types, `README.md` the rest. */
export { List } from "./api.js";
export { ChatClient } from "./client.js";
export { Conversation } from "./conversation.js";
export { ChatEvent } from "./events.js";
export { ApiError } from "./http.js";
export { BrowserStorage, MemoryStorage } from "./storage.js";
