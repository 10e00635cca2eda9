/** The one client of this page. */
import { ChatClient } from "../chat-client/index.js";

export const chat = new ChatClient();
