/** The package: its types are those of its code, its files are all there, and a program that closes its client ends. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import ts from "typescript";
import * as library from "../../static/chat-client/index.js";
import { person } from "./people.mjs";
import { startProxy, startServer } from "./server.mjs";

const FOLDER = new URL("../../static/chat-client/", import.meta.url);
const run = promisify(execFile);
const here = (name) => new URL(name, import.meta.url).pathname;
const read = (name) => readFileSync(new URL(name, FOLDER), "utf8");

/** Names of classes, and of what each declares, in index.d.ts. */
function declared() {
  const source = ts.createSourceFile("index.d.ts", read("index.d.ts"), ts.ScriptTarget.Latest);
  const classes = source.statements.filter(ts.isClassDeclaration);
  const named = (members) => members.filter(({ name }) => name).map(({ name }) => name.text);
  return new Map(classes.map(({ name, members }) => [name.text, new Set(named(members))]));
}

/** What instances of a class have: on its prototype, and of its own. */
function provided(Class) {
  const made = { ApiError: [0], MemoryStorage: [], List: [null, ""], ChatEvent: ["x"] };
  const names = Object.getOwnPropertyNames(Class.prototype).filter((name) => name !== "constructor");
  const own = Class.name in made ? Object.keys(new Class(...made[Class.name])) : [];
  return new Set([...names, ...own.filter((name) => name !== "name")]);
}

test("a strict program compiles", async () => {
  const { stdout } = await run(here("node_modules/.bin/tsc"), ["--project", here("tsconfig.json")]).catch((error) => error);
  assert.equal(stdout, "");
});

test("what the types declare is there, and nothing else is", () => {
  const types = declared();
  assert.deepEqual(new Set(types.keys()), new Set(Object.keys(library)));
  for (const [name, members] of types) {
    const listeners = ["addEventListener", "removeEventListener"].filter((each) => members.delete(each));
    assert.equal(listeners.length, library[name].prototype instanceof EventTarget ? 2 : 0);
    assert.deepEqual([...provided(library[name])].sort(), [...members].sort(), name);
  }
});

test("getters are declared as getters, so that nobody assigns to them", () => {
  const source = ts.createSourceFile("index.d.ts", read("index.d.ts"), ts.ScriptTarget.Latest);
  for (const { name, members } of source.statements.filter(ts.isClassDeclaration)) {
    const getters = members.filter(ts.isGetAccessor).map((each) => each.name.text);
    const { prototype } = library[name.text];
    const real = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(([, { get }]) => get).map(([key]) => key);
    assert.deepEqual(getters.sort(), real.sort(), name.text);
  }
});

test("every event that is told is typed and in the README", () => {
  const told = read("client.js").match(/tell\(this, "(\w+)"|forward\(.*, "(\w+)"\)/g).map((line) => line.match(/"(\w+)"\)?$/)[1]);
  const [, events] = read("index.d.ts").match(/interface ClientEvents \{(.*?)\n\}/s);
  const typed = events.match(/^ {2}(\w+):/gm).map((line) => line.trim().slice(0, -1));
  assert.deepEqual(new Set(told), new Set(typed));
  for (const name of typed) assert.ok(read("README.md").includes(`| \`${name}\` |`), name);
});

test("the package has its files, and the licence and version of the server", () => {
  const { main, types, version, license } = JSON.parse(read("package.json"));
  for (const name of [main, types, "README.md", "LICENSE"]) assert.ok(read(name));
  assert.equal(read("LICENSE"), readFileSync(here("../../LICENSE"), "utf8"));
  assert.equal(license, "MIT");
  assert.equal(version, readFileSync(here("../../docs/changelog.md"), "utf8").match(/^## \[(\d\S*)\]/m)[1]);
});

test("modules import each other by relative paths alone, and are short", () => {
  for (const name of readdirSync(FOLDER).filter((each) => each.endsWith(".js"))) {
    const text = read(name);
    for (const [, from] of text.matchAll(/(?:import|export)\b[^;]*?\bfrom "([^"]+)"/g)) assert.match(from, /^\.\/\w+\.js$/, name);
    assert.ok(text.split("\n").length <= 400, name);
  }
});

test("a program ends once its client is closed, whatever the client was doing", async () => {
  const server = await startServer();
  const { email } = (await person(server)).user;
  for (const moment of ["at once", "open", "sending", "waiting", "silent"]) {
    const proxy = await startProxy(server);
    const child = spawn(process.execPath, [here("program.mjs"), moment, proxy.url, email], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    if (moment === "waiting") proxy.cut();
    proxy.isSilent = moment === "silent";
    child.stdin.end("go on\n");
    const late = setTimeout(() => child.kill(), 4000);
    assert.equal(await ended, 0, moment);
    clearTimeout(late);
  }
});
