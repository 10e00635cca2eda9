/** The same over two server processes, with PostgreSQL and Redis between them. */
import { before, test } from "node:test";
import { pair, talk } from "./people.mjs";
import { PARTS, pause, startProxy, startServer } from "./server.mjs";

let server;
before(async () => (server = await startServer({ ...PARTS, workers: 2 })));

const QUICK = { firstDelay: 50, longestDelay: 400, restartDelay: 100, loadAgainAfter: 100 };

test("people on two workers, over a network that is cut, and through a restart", async () => {
  const proxy = await startProxy(server);
  const people = await pair(proxy, { timing: QUICK });
  await talk(people, server, 150, async () => {
    for (let times = 0; times < 4; times += 1) {
      await pause(120);
      proxy.cut();
    }
    await server.kill("SIGTERM");
    await server.start();
    await pause(100);
    await server.kill();
    await server.start();
  });
});
