/** Real server processes, and networks before them; what they need is in the environment that test_client.py makes. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, openSync, closeSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after } from "node:test";
import { Proxy } from "./proxy.mjs";

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

/** PostgreSQL and Redis, for servers of several workers. */
export const PARTS = SETUP?.parts;

/** `manage.py serve` on a port of its own, with a new SQLite database unless `settings` name another. */
export class Server {
  #folder = mkdtempSync(path.join(SETUP.folder, "server-"));
  #settings;
  #child = null;

  constructor({ workers = 1, ...settings } = {}) {
    this.workers = workers;
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
    const command = [path.join(PROJECT, "manage.py"), "serve", "--port", String(this.port), "--workers", String(this.workers)];
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
    const workers = this.workers > 1 && signal === "SIGKILL" ? childrenOf(child.pid) : [];
    for (const pid of [child.pid, ...workers]) process.kill(pid, signal);
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

function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
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
