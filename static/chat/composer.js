/** Where one writes: a message, an answer to one, or a change of one's own. */
import { chat } from "./chat.js";
import { draftOf, keepDraft } from "./drafts.js";
import { About, mayEdit } from "./message.js";
import { Failure } from "./parts.js";
import { t } from "./texts.js";
import { html, useEffect, useLayoutEffect, useRef, useState, useWork } from "./ui.js";

const isFine = () => matchMedia("(pointer: fine)").matches; // a keyboard that comes up at once is a nuisance

/** `about` is {replyTo} or {editing}, a message; `onSent` is called when one of one's own stands at the end. */
export function Composer({ conversation, about, setAbout, onSent }) {
  const { id } = conversation;
  const [text, setText] = useState(draftOf(id));
  const [, error, run] = useWork();
  const field = useRef(null);
  const { replyTo, editing } = about;
  useEffect(() => isFine() && field.current.focus(), []);
  useEffect(() => {
    if (editing) setText(editing.content);
    if (editing || replyTo) field.current.focus();
  }, [editing, replyTo]);
  useLayoutEffect(() => fit(field.current), [text]);

  const write = (words) => {
    setText(words);
    if (!editing) keepDraft(id, words);
  };
  const stop = () => {
    if (editing) setText(draftOf(id));
    setAbout({});
  };
  const type = (event) => {
    write(event.target.value);
    if (event.target.value.trim() && !editing) conversation.startTyping();
    else conversation.stopTyping();
  };
  const save = () => run(async () => {
    await chat.editMessage(editing.id, text.trim());
    stop();
  });
  const submit = (event) => {
    event.preventDefault();
    if (!text.trim()) return;
    field.current.focus();
    if (editing) return save();
    conversation.send(text.trim(), { replyTo: replyTo?.id ?? null });
    write("");
    setAbout({});
    onSent();
  };
  const key = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    else if (event.key === "Escape" && (editing || replyTo)) stop();
    else if (event.key === "ArrowUp" && !text && !editing) {
      const last = conversation.messages.findLast(mayEdit);
      if (!last) return;
      event.preventDefault();
      setAbout({ editing: last });
    }
  };
  return html`<div class="writing">
    <${Failure} error=${error} />
    ${(editing || replyTo) && html`<${About} message=${editing ?? replyTo} words=${editing && t("editing")} onStop=${stop} />`}
    <form class="composer" onSubmit=${submit}>
      <textarea ref=${field} rows="1" maxlength="4000" placeholder=${t("write")} aria-label=${t("message")} dir="auto" enterkeyhint="send"
        value=${text} onInput=${type} onKeyDown=${key} onBlur=${() => conversation.stopTyping()}></textarea>
      <button class="primary" type="submit">${t(editing ? "save" : "send")}</button>
    </form>
  </div>`;
}

/** As high as its text, up to the limit of the style sheet. */
function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
