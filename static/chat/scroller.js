/**
 * Rows of whatever height, of which only those near the view are in the page.
 *
 * The heights of rows that were shown are known, those of others are guessed. What the reader looks at stays in its place
 * however the rows around it change: it is held by the first row in view, or by the end of all, which it then follows.
 */
import { html, useLayoutEffect, useRef, useState } from "./ui.js";

const GUESS = 64; // pixels of a row that was never shown
const BEYOND = 600; // pixels above and below the view that are in the page, too
const NEAR = 60; // pixels from the end that count as at the end
const NEAR_EDGE = 400; // pixels from where more has to be loaded

/** What a scroller knows and can be told; made once by who shows it. It dispatches `end` where that is reached or left. */
export class Scrolling extends EventTarget {
  element = null;
  rows = [];
  heights = new Map(); // by key
  offsets = [0]; // where each row begins, and the last one ends
  anchor = null; // {key, offset} of a row and how far below the top of the view it begins; null: the end is followed
  width = 0;
  #wasAtEnd = true;
  redraw = () => {};

  get isAtEnd() {
    return this.anchor === null;
  }

  get #total() {
    return this.offsets[this.rows.length];
  }

  get #height() {
    return this.element?.clientHeight || 800;
  }

  /** Take the rows that are to be shown now. */
  take(rows) {
    this.rows = rows;
    this.#measureOut();
  }

  /** Have that row begin `offset` pixels below the top of the view; false where there is none. */
  goTo(key, offset = 0) {
    if (!this.rows.some((row) => row.key === key)) return false;
    this.anchor = { key, offset };
    this.redraw();
    return true;
  }

  goToEnd() {
    this.anchor = null;
    this.redraw();
  }

  /** Have all of that row in view. */
  reveal(key) {
    const at = this.#indexOf(key);
    if (at < 0) return;
    const top = this.#top;
    if (this.offsets[at] < top) this.goTo(key);
    else if (this.offsets[at + 1] > top + this.#height) this.goTo(key, this.#height - (this.offsets[at + 1] - this.offsets[at]));
  }

  /** The `isWanted(row)` that is nearest to a view's height above (-1) or below (1) that row; undefined where there is none. */
  pageFrom(key, direction, isWanted) {
    const from = this.#indexOf(key);
    const to = this.#rowAt(Math.max(0, this.offsets[from] + direction * this.#height));
    for (let at = to; at !== from; at -= direction) if (isWanted(this.rows[at])) return this.rows[at];
    return undefined;
  }

  /** The last row that is wholly in view, undefined where there is none. */
  get lastInView() {
    const end = this.#top + this.#height + 1;
    let at = this.#rowAt(end) - (this.offsets[this.#rowAt(end) + 1] <= end ? 0 : 1);
    if (this.isAtEnd) at = this.rows.length - 1;
    return this.rows[at];
  }

  /** [first, last): the rows that have to be in the page. */
  get window() {
    const top = this.#top;
    const first = this.#rowAt(top - BEYOND);
    return [first, Math.min(this.rows.length, this.#rowAt(top + this.#height + BEYOND) + 1)];
  }

  /** The reader has scrolled. */
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.anchor = null;
    else this.#hold(scrollTop);
  }

  /** Go by the heights that the rows have in the page; whether that changes which of them have to be there. */
  settle(first) {
    const [before, after] = [this.window, this.element.clientWidth];
    if (after !== this.width) this.heights.clear();
    this.width = after;
    const shown = this.element.querySelectorAll(":scope > ol > li");
    shown.forEach((row, index) => this.heights.set(this.rows[first + index].key, row.getBoundingClientRect().height));
    this.#measureOut();
    const wanted = this.isAtEnd ? this.element.scrollHeight : Math.round(this.#top);
    if (Math.abs(this.element.scrollTop - wanted) >= 1) this.element.scrollTop = wanted;
    if (this.isAtEnd !== this.#wasAtEnd) this.dispatchEvent(new Event("end"));
    this.#wasAtEnd = this.isAtEnd;
    return this.window.some((edge, index) => edge !== before[index]);
  }

  isNearStart() {
    return this.#top < NEAR_EDGE;
  }

  isNearEnd() {
    return this.isAtEnd || this.#total - this.#top - this.#height < NEAR_EDGE;
  }

  /** Where the view begins. */
  get #top() {
    if (this.anchor) {
      const at = this.#indexOf(this.anchor.key);
      if (at >= 0) return Math.max(0, this.offsets[at] - this.anchor.offset);
      return this.element?.scrollTop ?? 0;
    }
    return Math.max(0, this.#total - this.#height);
  }

  #hold(top) {
    const at = this.#rowAt(top);
    this.anchor = this.rows[at] ? { key: this.rows[at].key, offset: this.offsets[at] - top } : null;
  }

  #measureOut() {
    const offsets = new Array(this.rows.length + 1);
    offsets[0] = 0;
    for (let at = 0; at < this.rows.length; at += 1) offsets[at + 1] = offsets[at] + (this.heights.get(this.rows[at].key) ?? GUESS);
    this.offsets = offsets;
  }

  #indexOf(key) {
    return this.rows.findIndex((row) => row.key === key);
  }

  /** The row that is at `top` pixels from the beginning of all. */
  #rowAt(top) {
    let [low, high] = [0, Math.max(0, this.rows.length - 1)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.offsets[middle] <= top) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/**
 * Show `rows` ({key, …}) as `draw(row)` has them. `onLook` is called after each change of what is in view, `onStart` and
 * `onEnd` where the reader comes near the first and the last row.
 */
export function Scroller({ scrolling, rows, draw, label, isBusy, onLook, onStart, onEnd, onKeyDown }) {
  const [, count] = useState(0);
  const element = useRef(null);
  const redraw = () => count((times) => times + 1);
  scrolling.redraw = redraw;
  scrolling.take(rows);
  const [first, last] = scrolling.window;
  useLayoutEffect(() => {
    scrolling.element = element.current;
    if (scrolling.settle(first)) redraw();
    onLook();
    if (rows.length && scrolling.isNearStart()) onStart();
    if (rows.length && scrolling.isNearEnd()) onEnd();
  });
  useLayoutEffect(() => {
    const observer = new ResizeObserver(redraw); // a keyboard that comes up, a window that is made narrower
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  const scrolled = () => {
    scrolling.scrolled();
    redraw();
  };
  return html`<div class="scroller" id="scroller" ref=${element} onScroll=${scrolled} onKeyDown=${onKeyDown}>
    <ol class="messages" aria-label=${label} aria-busy=${isBusy} data-testid="messages"
      style=${{ paddingTop: `${scrolling.offsets[first]}px`, paddingBottom: `${scrolling.offsets[rows.length] - scrolling.offsets[last]}px` }}>
      ${rows.slice(first, last).map((row) => html`<li key=${row.key}>${draw(row)}</li>`)}
    </ol>
  </div>`;
}
