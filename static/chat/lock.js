/** One holder at a time among all tabs of this browser. */
import { randomId } from "./random.js";

const HELD_FOR = 10_000;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What `work` answers, run while no other tab holds `name`. */
export function exclusively(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : withStoredLock(name, work);
}

/** The same through localStorage: the Web Locks API is there only over HTTPS and on localhost. */
async function withStoredLock(name, work) {
  const key = `chat.lock.${name}`;
  const mine = randomId();
  while (!(await claim(key, mine))) await pause(50 + Math.random() * 100);
  try {
    return await work();
  } finally {
    if (readClaim(key).holder === mine) localStorage.removeItem(key);
  }
}

async function claim(key, holder) {
  if (readClaim(key).until > Date.now()) return false;
  localStorage.setItem(key, JSON.stringify({ holder, until: Date.now() + HELD_FOR }));
  await pause(30); // another tab that wrote at the same moment has overwritten this by now, or been overwritten
  return readClaim(key).holder === holder;
}

function readClaim(key) {
  return JSON.parse(localStorage.getItem(key)) ?? { holder: "", until: 0 };
}
