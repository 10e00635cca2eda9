/** One holder at a time among all tabs of this browser. */
import { randomId } from "./random.js";
import { update } from "./store.js";

const HELD_FOR = 15_000;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What `work` answers, run while no other tab holds `name`. */
export function exclusively(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : withStoredLock(`lock.${name}`, work);
}

/** The same without the Web Locks API, which is there only over HTTPS and on localhost. */
async function withStoredLock(key, work) {
  const holder = randomId();
  const claim = (lock) => (lock && lock.until > Date.now() ? lock : { holder, until: Date.now() + HELD_FOR });
  while ((await update(key, claim)).holder !== holder) await pause(50 + Math.random() * 100);
  try {
    return await work();
  } finally {
    await update(key, (lock) => (lock?.holder === holder ? undefined : lock));
  }
}
