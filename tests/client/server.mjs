/** Real server processes and a bad network before them; what they need is in the environment that test_client.py makes. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after } from "node:test";

const SETUP = JSON.parse(process.env.CHAT_CLIENT_TESTS ?? "null");
const PROJECT = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../..");

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function freePort() {
  const probe = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** `manage.py serve` on a port of its own, with a new SQLite database unless `settings` name another. */
export class Server {
  #folder = mkdtempSync(path.join(SETUP.folder, "server-"));
  #settings;
  #child = null;

  constructor(settings = {}) {
    const database = path.join(this.#folder, "chat.sqlite3");
    if (!settings.DATABASE_URL) copyFileSync(SETUP.database, database);
    this.#settings = { DATABASE_URL: `sqlite:///${database}`, ...settings };
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async start() {
    this.port ??= await freePort();
    const log = openSync(path.join(this.#folder, "log"), "a");
    const command = [path.join(PROJECT, "manage.py"), "serve", "--port", String(this.port)];
    const env = { ...SETUP.environment, ...this.#settings };
    this.#child = spawn(SETUP.python, command, { env, cwd: PROJECT, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child.once("exit", () => (this.#child = null));
    while (!(await this.#answers())) {
      if (this.#child === null) throw new Error(`the server ended:\n${this.log}`);
      await pause(30);
    }
    return this;
  }

  get log() {
    return readFileSync(path.join(this.#folder, "log"), "utf8").slice(-6000);
  }

  kill(signal = "SIGKILL") {
    const child = this.#child;
    if (child === null) return Promise.resolve();
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return gone;
  }

  async #answers() {
    try {
      return (await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }

  async remove() {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const started = [];
after(() => Promise.all(started.map((each) => each.remove())));

/** A server that is up, until the tests of this file are done. */
export function startServer(settings) {
  const server = new Server(settings);
  started.push(server);
  return server.start();
}

/** A network before a server. */
export function startProxy(server) {
  const proxy = new Proxy(server.port);
  started.push(proxy);
  return proxy.start();
}

/** Forwards TCP to a port, unless it is told to lose something. */
export class Proxy {
  isSilent = false; // connections stay open, and nothing comes through
  loses = () => false; // whether the frame of a socket, on its way to the client, is lost
  #pairs = new Set();
  #target;
  #server = net.createServer((client) => this.#accept(client));

  constructor(target) {
    this.#target = target;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await new Promise((resolve) => this.#server.once("listening", resolve));
    return this;
  }

  /** Reset every connection that is open now, with what is on its way. */
  cut() {
    for (const pair of this.#pairs) for (const end of pair) end.destroy();
  }

  remove() {
    this.#server.close();
    this.cut();
  }

  #accept(client) {
    const server = net.connect(this.#target, "127.0.0.1");
    const pair = [client, server];
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      for (const each of pair) each.destroy();
    };
    const frames = new FrameFilter((text) => this.loses(text));
    client.on("data", (chunk) => this.isSilent || server.write(chunk));
    server.on("data", (chunk) => this.isSilent || client.write(frames.filter(chunk)));
    for (const each of pair) each.on("close", end).on("error", end);
  }
}

/** Takes frames out of what a server sends, once it has become a WebSocket. */
class FrameFilter {
  #loses;
  #rest = Buffer.alloc(0);
  #isSocket = null; // not known yet

  constructor(loses) {
    this.#loses = loses;
  }

  filter(chunk) {
    if (this.#isSocket === false) return chunk;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const out = [];
    if (this.#isSocket === null) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return Buffer.alloc(0);
      this.#isSocket = this.#rest.subarray(0, 12).toString() === "HTTP/1.1 101";
      if (!this.#isSocket) return this.#rest;
      out.push(this.#take(end + 4));
    }
    for (let size; (size = this.#frameSize()) !== null && size <= this.#rest.length; ) {
      const frame = this.#take(size);
      if (!this.#loses(frame.subarray(frame.indexOf("{")).toString())) out.push(frame);
    }
    return Buffer.concat(out);
  }

  #frameSize() {
    if (this.#rest.length < 4) return null;
    const short = this.#rest[1] & 127;
    if (short < 126) return 2 + short;
    if (short === 126) return 4 + this.#rest.readUInt16BE(2);
    return this.#rest.length < 10 ? null : 10 + Number(this.#rest.readBigUInt64BE(2));
  }

  #take(size) {
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }
}
