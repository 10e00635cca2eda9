/** A program in TypeScript's strict mode that uses what there is. It is checked, not run. */
import { ApiError, BrowserStorage, ChatClient, Conversation, MemoryStorage } from "@chat-server/client";
import type { ChatStorage, Message, OutboxEntry, Person } from "@chat-server/client";

const storage: ChatStorage = Math.random() > 0.5 ? new BrowserStorage("mine") : new MemoryStorage();
const client = new ChatClient({ url: "https://chat.example.com", storage });

client.addEventListener("session", ({ detail }) => console.log(detail.state, detail.user?.email, detail.reason));
client.addEventListener("connection", ({ detail: { state, retryAt } }) => state === "waiting" && console.log(retryAt! - Date.now()));
client.addEventListener("message", ({ detail: { conversation, message } }) => shown(conversation, message), { once: true });
client.addEventListener("people", ({ detail }) => detail.map((id): Person | undefined => client.getPerson(id)));
// @ts-expect-error there is no such event
client.addEventListener("novelty", () => {});

function shown(conversation: Conversation, message: Message): string {
  if (message.event && "user_id" in message.event) return `${message.event.action} ${message.event.user_id}`;
  const reply: OutboxEntry = conversation.send("Hello", { replyTo: message.id });
  // @ts-expect-error what the server said is not changed here
  message.content = "";
  return reply.error?.code ?? `${conversation.readersOf(message).length} have read ${message.reply_to?.content}`;
}

export async function run(): Promise<void> {
  try {
    await client.register({ email: "ada@example.com", username: "ada", password: "correct horse 42" });
  } catch (error) {
    if (error instanceof ApiError && error.isTemporary) console.log(error.retryAfter, error.errors[0]?.attr);
  }
  const people = await client.searchPeople("ada", { limit: 5 });
  const [first] = people.items;
  if (first) await client.createGroup("Engines", [first.id], { description: "of all kinds" });
  for (const conversation of await client.loadConversations()) {
    conversation.addEventListener("end", ({ detail }) => detail === "left");
    await conversation.open();
    await conversation.jumpTo(conversation.messages[0]?.seq ?? 1);
    const online: boolean | undefined = conversation.other?.is_online;
    console.log(online, conversation.participants.filter(({ is_admin: isAdmin }) => isAdmin).length);
  }
  // @ts-expect-error one is made by the client only
  new Conversation();
  client.close();
}
