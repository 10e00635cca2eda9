/** A program with a client, which it closes at that moment, once it is told to go on; then it has to end by itself. */
import { webcrypto } from "node:crypto";
import WebSocket from "ws";
import { ChatClient } from "../../static/chat-client/index.js";

const [moment, url, email] = process.argv.slice(2);
const client = new ChatClient({ url, WebSocket, crypto: webcrypto });
const entered = (state) =>
  new Promise((resolve) => client.addEventListener("connection", ({ detail }) => detail.state === state && resolve()));

const open = entered("open");
await client.logIn({ email, password: "correct horse 42" });
if (moment !== "at once") await open;
const group = await client.createGroup("last");
await group.open();
const waiting = entered("waiting");
console.log("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
process.stdin.destroy();

if (moment === "waiting") await waiting;
if (moment === "sending" || moment === "silent") {
  for (let count = 0; count < 10; count += 1) group.send(`${count}`);
  group.startTyping();
  group.loadParticipants().catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 20));
}
client.close();
