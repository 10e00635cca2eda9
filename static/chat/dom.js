/** Making and finding elements. Text is only ever set as text. */

export const byId = (id) => document.getElementById(id);

/** A new element; strings among the children become text nodes. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Explicit directions, and what ends a paragraph: both reach past the element that they are in. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/gu;
const PARAGRAPH_ENDS = /[\n\r\u001c-\u001e\u0085\u2029]/gu;

/** A name that somebody chose, or what they said, within a line: its writing direction stays its own. */
export const name = (text) => element("bdi", {}, text.replace(DIRECTIONS, "").replace(PARAGRAPH_ENDS, " "));

/** A circle with initials, in one of eight colours. */
export function avatar(text, id, isOnline = false) {
  const initials = text.split(/\s+/u, 2).map((word) => /[^\p{C}\p{M}\p{Z}]/u.exec(word)?.[0] ?? "").join("").toUpperCase();
  const circle = element("span", { class: `avatar hue-${id % 8}`, "aria-hidden": "true" }, element("span", { class: "initials" }, initials));
  if (isOnline) circle.append(element("span", { class: "dot" }));
  return circle;
}

const signatures = new WeakMap();

/**
 * Show `items` ({key, signature, build}) as the children of `parent`: elements whose key and signature
 * stayed the same are kept, so that focus, selection and screen readers are not disturbed.
 */
export function reconcile(parent, items) {
  const shown = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = new Set(items.map(({ key }) => key));
  for (const [key, child] of shown) if (!wanted.has(key)) child.remove();
  let place = parent.firstElementChild;
  for (const { key, signature, build } of items) {
    const old = shown.get(key);
    const child = signatures.get(old) === signature ? old : replacement(old, build());
    child.dataset.key = key;
    signatures.set(child, signature);
    if (place === old) place = child;
    if (child === place) place = child.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

/** `made`, in the place of `old` where there is one, with the focus that was there. */
function replacement(old, made) {
  const hadFocus = old?.contains(document.activeElement);
  old?.replaceWith(made);
  if (hadFocus) made.querySelector("a, button")?.focus();
  return made;
}
