/** A program with a client, which it closes at that moment; then it has to end by itself. */
import { webcrypto } from "node:crypto";
import WebSocket from "ws";
import { ChatClient } from "../../static/chat-client/index.js";
import { Proxy } from "./proxy.mjs";

const [moment, setting] = process.argv.slice(2);
const { url, email } = JSON.parse(setting);
const proxy = await new Proxy(Number(new URL(url).port)).start();
const client = new ChatClient({ url: proxy.url, WebSocket, crypto: webcrypto });
await client.logIn({ email, password: "correct horse 42" });
const state = (name) => new Promise((resolve) => client.addEventListener("connection", ({ detail }) => detail.state === name && resolve()));

if (moment !== "at once") await state("open");
if (moment === "sending" || moment === "silent") {
  const group = await client.createGroup("last");
  await group.open();
  proxy.isSilent = moment === "silent";
  for (let count = 0; count < 10; count += 1) group.send(`${count}`);
  group.startTyping();
  group.loadParticipants().catch(() => {});
}
if (moment === "waiting") {
  proxy.cut();
  await state("waiting");
}
client.close();
console.log(`closed ${moment}`);
if (moment === "silent") await new Promise((resolve) => setTimeout(resolve, 100));
proxy.remove();
