/** What every part of the page is made of: markup as templates, hooks, and redrawing when something tells of a change. */
import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";
import { useEffect, useLayoutEffect, useReducer, useState } from "./vendor/hooks.js";

export { render } from "./vendor/preact.js";
export { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";

export const html = htm.bind(h);

/** Draw the component again whenever `target` dispatches one of these events. */
export function useChanges(target, ...types) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  useLayoutEffect(() => {
    if (!target) return undefined;
    for (const type of types) target.addEventListener(type, redraw);
    return () => types.forEach((type) => target.removeEventListener(type, redraw));
  }, [target, ...types]);
}

/** Have `listener` called with these events of `target` while the component is there. */
export function useListener(target, type, listener) {
  useEffect(() => {
    target?.addEventListener(type, listener);
    return () => target?.removeEventListener(type, listener);
  });
}

/** A value that follows `value` once that has stayed the same for so many milliseconds. */
export function useSettled(value, milliseconds) {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** [isUnderWay, error, run]: `run(work)` does one thing at a time, and keeps what it threw. */
export function useWork() {
  const [state, enter] = useState({ isUnderWay: false, error: null });
  const run = async (work) => {
    if (state.isUnderWay) return;
    enter({ isUnderWay: true, error: null });
    try {
      await work();
      enter({ isUnderWay: false, error: null });
    } catch (error) {
      enter({ isUnderWay: false, error });
    }
  };
  return [state.isUnderWay, state.error, run];
}
