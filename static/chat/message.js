/** One message, as it stands in a conversation, and what can be done with it. */
import { chat } from "./chat.js";
import { Avatar, Confirm, Dialog, Failure, Hidden, Icon, Name } from "./parts.js";
import { refusal, t, T } from "./texts.js";
import { html, useEffect, useState, useWork } from "./ui.js";
import { authorName, eventWords, fullTime, timeOfDay } from "./words.js";

const isOwn = ({ sender }) => sender?.id === chat.user.id;

/** Whether the user may change it, and delete it. */
export const mayEdit = (message) => message.type === "text" && !message.is_deleted && isOwn(message);
export const mayDelete = (message, conversation) => message.type === "text" && !message.is_deleted && (isOwn(message) || conversation.isAdmin);

export const SystemMessage = ({ message, ...rest }) => html`<p class="system" data-testid="system-message" data-seq=${message.seq} ...${rest}>
  ${eventWords(message)}
</p>`;

export function TextMessage({ message, conversation, isFirst, actions, ...rest }) {
  const own = isOwn(message);
  const { isGroup } = conversation;
  const author = authorName(message.sender);
  return html`<article class="message ${own ? "own" : "theirs"} ${isFirst ? "first" : ""}" data-testid="message" data-seq=${message.seq} ...${rest}>
    ${isGroup && !own && (isFirst ? html`<${Avatar} name=${author} id=${message.sender?.id ?? 0} />` : html`<span class="avatar-gap"></span>`)}
    <div class="bubble">
      ${isGroup && !own && isFirst ? html`<span class="author"><${Name} text=${author} /></span>`
        : html`<${Hidden}>${own ? t("you") : html`<${Name} text=${author} />`}: <//>`}
      ${message.reply_to && html`<${Quote} of=${message.reply_to} tabindex=${rest.tabindex} onGo=${() => actions.goTo(message.reply_to.seq)} />`}
      ${message.is_deleted ? html`<p class="content deleted">${t("message_deleted")}</p>`
        : html`<p class="content" dir="auto" data-testid="content">${message.content}</p>`}
      <span class="meta">${message.is_edited && !message.is_deleted && `${t("edited")} · `}<time datetime=${message.created_at}
        title=${fullTime(message.created_at)}>${timeOfDay(message.created_at)}</time></span>
    </div>
    ${!message.is_deleted && !conversation.ending && html`<${Actions} message=${message} conversation=${conversation} actions=${actions} tabindex=${rest.tabindex} />`}
  </article>`;
}

function Quote({ of: { sender, content }, tabindex, onGo }) {
  return html`<blockquote class="quote" onClick=${onGo}>
    <button type="button" class="quote-author author" tabindex=${tabindex} onClick=${onGo}><${Name} text=${authorName(sender)} /></button>
    <span dir="auto">${content || t("message_deleted")}</span>
  </blockquote>`;
}

/** Tab stops at those of one message only: the one that the keyboard is at. */
function Actions({ message, conversation, actions, tabindex }) {
  const buttons = [
    ["reply", true],
    ["edit", mayEdit(message)],
    ["who_read", isOwn(message) && conversation.isGroup],
    ["delete", mayDelete(message, conversation)],
  ];
  return html`<div class="actions-of" role="group" aria-label=${t("actions")}>
    ${buttons.filter(([, may]) => may).map(([name]) => html`<button type="button" key=${name} tabindex=${tabindex} aria-label=${t(name)} title=${t(name)}
      onClick=${() => actions[name](message)}><${Icon} name=${name} /></button>`)}
  </div>`;
}

/** An own message that is not stored yet, as far as one knows. */
export function PendingMessage({ entry, isOver }) {
  const state = { waiting: "sending", stored: "sent", failed: "not_sent" }[entry.state];
  return html`<article class="message own pending ${entry.state}" data-testid="pending">
    <div class="bubble">
      <p class="content" dir="auto" data-testid="content">${entry.content}</p>
      <span class="meta">${t(state)}</span>
    </div>
    ${entry.state === "failed" && html`<p class="failure" role="alert">
      ${refusal(entry.error)}
      ${!isOver && html` <button type="button" class="link" onClick=${() => chat.retry(entry.clientId)}>${t("try_again")}</button>`}
      ${" "}<button type="button" class="link" onClick=${() => chat.discard(entry.clientId)}>${t("discard")}</button>
    </p>`}
  </article>`;
}

export function DeleteMessage({ message, onClose, onFailure }) {
  const remove = () => chat.deleteMessage(message.id).catch(onFailure);
  return html`<${Confirm} title=${t("delete_message")} hint=${t("delete_message_hint")} action=${t("delete")} onConfirm=${remove} onClose=${onClose} />`;
}

/** Who has read a message, and when. */
export function Readers({ message, onClose }) {
  const [receipts, setReceipts] = useState(null);
  const [, error, run] = useWork();
  const load = () => run(async () => setReceipts([...(await (await chat.listReceipts(message.id)).loadAll())]));
  useEffect(() => void load(), []);
  return html`<${Dialog} title=${t("who_read")} testId="readers" onClose=${onClose}>
    <${Failure} error=${error} onRetry=${load} />
    ${receipts === null && !error && html`<p class="hint">${t("loading")}</p>`}
    ${receipts?.length === 0 && html`<p class="hint">${t("nobody_read")}</p>`}
    <ul class="rows">
      ${receipts?.map(({ user, read_at: time }) => html`<li key=${user.id} class="row">
        <${Avatar} name=${user.display_name} id=${user.id} />
        <span class="row-text"><span class="row-name"><${Name} text=${user.display_name} /></span></span>
        <time class="row-aside" datetime=${time}>${time && fullTime(time)}</time>
      </li>`)}
    </ul>
    <div class="actions"><button type="button" class="quiet" onClick=${onClose}>${t("close")}</button></div>
  <//>`;
}

/** What a message is about that is being written: an answer, or a change. */
export function About({ message, words, onStop }) {
  return html`<div class="about">
    <div class="quote">
      <span class="author">${words ?? html`<${T} k="reply_to" name=${html`<${Name} text=${authorName(message.sender)} />`} />`}</span>
      <span><${Name} text=${message.content} /></span>
    </div>
    <button type="button" class="quiet" aria-label=${t("cancel")} onClick=${onStop}><span aria-hidden="true">×</span></button>
  </div>`;
}
