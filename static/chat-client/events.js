/** How changes are told. */

/** An event with a `detail`, as `CustomEvent` has one (which Node 18 does not have). */
export class ChatEvent extends Event {
  constructor(type, detail = null) {
    super(type);
    this.detail = detail;
  }
}

/** Dispatch an event of that type to who listens at `target`. */
export function tell(target, type, detail) {
  target.dispatchEvent(new ChatEvent(type, detail));
}

/** `work`, put off to the end of what runs now: however often it is called until then, it is done once. */
export function coalesced(work) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      work();
    });
  };
}

/** Timers of one owner, to be stopped all at once. */
export class Timers {
  #running = new Set();
  #isStopped = false;

  /** Do `work` in so many milliseconds, unless `cancel` is called with what this returns. */
  after(milliseconds, work) {
    if (this.#isStopped) return undefined;
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      work();
    }, Math.max(0, milliseconds));
    this.#running.add(timer);
    return timer;
  }

  cancel(timer) {
    clearTimeout(timer);
    this.#running.delete(timer);
  }

  /** Cancel all; none begins any more. */
  stop() {
    this.#isStopped = true;
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}

/** A number of milliseconds somewhere between half of `most` and `most`, so that clients do not all come at once. */
export function jittered(most) {
  return most * (0.5 + Math.random() / 2);
}

/** Work that is tried again until the server gives an answer. */
export class Patience {
  #timers = new Timers();
  #waiting = new Set(); // each is called with whether to try again
  #isStopped = false;
  #firstDelay;

  constructor(firstDelay) {
    this.#firstDelay = firstDelay;
  }

  /** What `work` answers; throws what is not temporary, and after `stop` that, too. */
  async until(work) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        const delay = jittered(this.#firstDelay * 2 ** Math.min(attempt, 4));
        const goesOn = error.isTemporary && (await this.#pause(Math.max(delay, (error.retryAfter ?? 0) * 1000)));
        if (!goesOn) throw error;
      }
    }
  }

  /** The server is there again: do not wait any longer for the next try. */
  hurry() {
    this.#release(true);
  }

  stop() {
    this.#isStopped = true;
    this.#timers.stop();
    this.#release(false);
  }

  #pause(milliseconds) {
    if (this.#isStopped) return false;
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#timers.after(milliseconds, () => this.#waiting.delete(resolve) && resolve(true));
    });
  }

  #release(goesOn) {
    for (const resolve of this.#waiting) resolve(goesOn);
    this.#waiting.clear();
  }
}
