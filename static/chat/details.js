/** What a conversation is, who takes part, and what can be done about both. */
import { chat } from "./chat.js";
import { Form } from "./form.js";
import { PeoplePicker } from "./group.js";
import { Avatar, Confirm, Dialog, Failure, Name } from "./parts.js";
import { t, T } from "./texts.js";
import { html, useChanges, useEffect, useState, useWork } from "./ui.js";
import { presenceOf } from "./words.js";

export function Details({ conversation, onClose }) {
  useChanges(conversation, "change");
  useChanges(chat, "people");
  const [question, ask] = useState(null);
  const [, error, run] = useWork();
  const { name, other, isGroup, isAdmin, description, ending } = conversation;
  const end = (options) => run(async () => {
    await conversation.delete(options);
    onClose();
    location.hash = "#/";
  });
  const confirm = (key, options) => ask(html`<${Confirm} title=${html`<${T} k="${key}_question" name=${html`<${Name} text=${name} />`} />`} hint=${t(`${key}_hint`)} action=${t(key)}
    onConfirm=${() => end(options)} onClose=${() => ask(null)} />`);
  return html`<${Dialog} title=${html`<${Name} text=${name} />`} testId="details" onClose=${onClose}>
    <${Failure} error=${error} />
    ${!isGroup && other && html`<p class="hint"><${Name} text=${other.username ?? ""} /> · ${presenceOf(other)}</p>`}
    ${isGroup && isAdmin && !ending && html`<${Rename} conversation=${conversation} />`}
    ${isGroup && !isAdmin && description && html`<p class="content" dir="auto" data-testid="description">${description}</p>`}
    ${isGroup && html`<${Participants} conversation=${conversation} />`}
    ${isGroup && isAdmin && !ending && html`<${AddPeople} conversation=${conversation} />`}
    <div class="actions">
      ${!ending && isGroup && html`<button type="button" class="danger-quiet" onClick=${() => confirm("leave")}>${t("leave")}</button>`}
      ${!ending && isGroup && isAdmin && html`<button type="button" class="danger-quiet"
        onClick=${() => confirm("delete_for_all", { forEveryone: true })}>${t("delete_for_all")}</button>`}
      ${!ending && !isGroup && html`<button type="button" class="danger-quiet" onClick=${() => confirm("delete_conversation")}>${t("delete_conversation")}</button>`}
      <button type="button" class="quiet" onClick=${onClose}>${t("close")}</button>
    </div>
    ${question}
  <//>`;
}

function Rename({ conversation }) {
  const [saved, setSaved] = useState(false);
  const fields = [
    { name: "name", label: t("name"), autocomplete: "off", maxlength: 100, dir: "auto", required: true },
    { name: "description", label: t("description"), autocomplete: "off", maxlength: 1000, dir: "auto", rows: 2 },
  ];
  const save = async (changes) => {
    setSaved(false);
    await conversation.update(changes);
    setSaved(true);
  };
  return html`<${Form} fields=${fields} values=${{ name: conversation.name, description: conversation.description }} submit=${t("save")} onSubmit=${save}>
    <p class="hint" role="status">${saved && t("saved")}</p>
  <//>`;
}

function Participants({ conversation }) {
  const [, error, run] = useWork();
  const load = () => run(async () => void (await conversation.loadParticipants()));
  useEffect(() => void load(), []);
  const { participants, participantCount, isAdmin, ending } = conversation;
  return html`<section aria-label=${t("participants")}>
    <h3>${t("participants")} (${participantCount})</h3>
    <${Failure} error=${error} onRetry=${error && load} />
    <ul class="rows" data-testid="participants">
      ${participants.map((each) => html`<${Participant} key=${each.user.id} participant=${each} conversation=${conversation}
        mayChange=${isAdmin && !ending} run=${run} />`)}
    </ul>
  </section>`;
}

function Participant({ participant: { user, is_admin: isAdmin }, conversation, mayChange, run }) {
  const isMe = user.id === chat.user.id;
  return html`<li class="row participant">
    <${Avatar} name=${user.display_name} id=${user.id} isOnline=${isMe || user.is_online} />
    <span class="row-text">
      <span class="row-name"><${Name} text=${user.display_name} /></span>
      <span class="row-line">${isMe ? t("you") : presenceOf(user)}${isAdmin && html` · ${t("admin")}`}</span>
    </span>
    ${mayChange && html`<span class="row-actions">
      <button type="button" class="quiet" onClick=${() => run(() => conversation.setAdmin(user.id, !isAdmin))}>${t(isAdmin ? "take_admin" : "make_admin")}</button>
      ${!isMe && html`<button type="button" class="quiet" onClick=${() => run(() => conversation.removeParticipant(user.id))}>${t("remove")}</button>`}
    </span>`}
  </li>`;
}

function AddPeople({ conversation }) {
  const [picked, setPicked] = useState([]);
  const [isUnderWay, error, run] = useWork();
  const present = new Set(conversation.participants.map(({ user }) => user.id));
  const add = () => run(async () => {
    await conversation.addParticipants(picked.map((user) => user.id));
    setPicked([]);
  });
  return html`<section class="adding">
    <${Failure} error=${error} />
    <${PeoplePicker} label=${t("add_people")} picked=${picked} setPicked=${setPicked} isLeftOut=${(user) => present.has(user.id)} />
    ${picked.length > 0 && html`<div class="actions"><button type="button" class="primary" disabled=${isUnderWay} onClick=${add}>${t("add")}</button></div>`}
  </section>`;
}
