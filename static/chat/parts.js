/** The small parts that others are made of. */
import { refusal, t } from "./texts.js";
import { html, useId, useLayoutEffect, useRef } from "./ui.js";

/** Explicit directions, and what ends a paragraph: both reach past the element that they are in. */
const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/gu;
const PARAGRAPH_ENDS = /[\n\r\u001c-\u001e\u0085\u2029]/gu;

/** What somebody chose or said, as one line that does not reach past its end. */
export const oneLine = (text) => text.replace(DIRECTIONS, "").replace(PARAGRAPH_ENDS, " ");

/** The same as an element: its writing direction stays its own. */
export const Name = ({ text }) => html`<bdi>${oneLine(text)}</bdi>`;

/** A circle with initials, in one of eight colours; nothing that has to be read out. */
export function Avatar({ name, id, isOnline = false }) {
  const words = name.split(/\s+/u, 2);
  const initials = words.map((word) => /[^\p{C}\p{M}\p{Z}]/u.exec(word)?.[0] ?? "").join("").toUpperCase();
  return html`<span class="avatar hue-${id % 8}" aria-hidden="true">
    <span class="initials">${initials}</span>${isOnline && html`<span class="dot"></span>`}
  </span>`;
}

const ICONS = {
  reply: "M9 6 3.5 11 9 16M4 11h9c4 0 7 2.5 7.5 7",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  who_read: "m3 13 4 4L16 7M11 16l1.5 1L21 7",
  delete: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
};

/** A line drawing; the button that it is in has the words. */
export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;

/** Something for screen readers alone. */
export const Hidden = ({ children }) => html`<span class="hidden-text">${children}</span>`;

/** A user as a row that does something. */
export function PersonRow({ user, onPick }) {
  return html`<li><button type="button" class="row" onClick=${() => onPick(user)}>
    <${Avatar} name=${user.display_name} id=${user.id} isOnline=${user.is_online} />
    <span class="row-text">
      <span class="row-name"><${Name} text=${user.display_name} />${user.is_online && html`<${Hidden}> ${t("online_suffix")}<//>`}</span>
      <span class="row-line"><${Name} text=${user.username} /></span>
    </span>
  </button></li>`;
}

/** A dialog over everything else, with its heading; closed by Esc, by a click beside it, or by what is in it. */
export function Dialog({ title, testId, onClose, children }) {
  const dialog = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  const click = (event) => event.target === dialog.current && onClose();
  return html`<dialog ref=${dialog} aria-labelledby=${id} data-testid=${testId} onClose=${onClose} onMouseDown=${click}>
    <div class="dialog">
      <h2 id=${id}>${title}</h2>
      ${children}
    </div>
  </dialog>`;
}

/** A question before something that cannot be taken back. */
export function Confirm({ title, hint, action, onConfirm, onClose }) {
  return html`<${Dialog} title=${title} testId="confirm" onClose=${onClose}>
    <p class="hint">${hint}</p>
    <div class="actions">
      <button type="button" class="quiet" onClick=${onClose}>${t("cancel")}</button>
      <button type="button" class="danger" onClick=${() => (onClose(), onConfirm())}>${action}</button>
    </div>
  <//>`;
}

/** What went wrong, and a way to try again. */
export const Failure = ({ error, onRetry }) => error && html`<p class="form-error" role="alert">
  ${refusal(error.errors?.[0] ?? error)}
  ${onRetry && html` <button type="button" class="link" onClick=${onRetry}>${t("try_again")}</button>`}
</p>`;
