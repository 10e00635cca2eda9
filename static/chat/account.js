/** The user's own account: a menu, and a dialog for each thing in it. */
import { chat } from "./chat.js";
import { Form } from "./form.js";
import { notificationState, turnOnNotifications } from "./notify.js";
import { Dialog, Failure, Hidden, Name } from "./parts.js";
import { Languages } from "./start.js";
import { t, T } from "./texts.js";
import { html, useChanges, useEffect, useState, useWork } from "./ui.js";
import { fullTime } from "./words.js";

const DIALOGS = { profile: Profile, password_change: PasswordChange, sessions: Sessions };

export function AccountMenu() {
  const [shown, show] = useState(null);
  const close = () => show(null);
  const Shown = DIALOGS[shown];
  return html`<div class="account">
    <button type="button" class="quiet" aria-haspopup="dialog" onClick=${() => show("menu")}>${t("menu")}<${Hidden}>: ${t("account_menu")}<//></button>
    ${shown === "menu" && html`<${Menu} show=${show} onClose=${close} />`}
    ${Shown && html`<${Shown} onClose=${close} />`}
  </div>`;
}

function Menu({ show, onClose }) {
  return html`<${Dialog} title=${t("account_menu")} testId="account-menu" onClose=${onClose}>
    <div class="menu">
      ${Object.keys(DIALOGS).map((name) => html`<button type="button" key=${name} onClick=${() => show(name)}>${t(name)}</button>`)}
      <${Notifications} />
      <button type="button" onClick=${() => chat.logOut().catch(() => {}) /* over here, whatever the server says */}>${t("log_out")}</button>
      <${Languages} />
    </div>
  <//>`;
}

function Notifications() {
  const [state, setState] = useState(notificationState());
  if (state === "impossible") return null;
  if (state !== "off") return html`<p class="hint">${t(state === "on" ? "notifications_are_on" : "notifications_denied")}</p>`;
  const turnOn = () => turnOnNotifications().then(() => setState(notificationState()));
  return html`<button type="button" onClick=${turnOn}>${t("notifications_on")}</button>`;
}

function Profile({ onClose }) {
  useChanges(chat, "user");
  const me = chat.user;
  const fields = [
    { name: "username", label: t("username"), autocomplete: "username", autocapitalize: "none", spellcheck: false, maxlength: 30, required: true },
    { name: "first_name", label: t("first_name"), autocomplete: "given-name", maxlength: 150 },
    { name: "last_name", label: t("last_name"), autocomplete: "family-name", maxlength: 150 },
    { name: "bio", label: t("bio"), rows: 3, maxlength: 500, dir: "auto" },
  ];
  const save = async (changes) => {
    await chat.updateProfile(changes);
    onClose();
  };
  return html`<${Dialog} title=${t("profile")} testId="profile" onClose=${onClose}>
    <p class="hint"><${Name} text=${me.email} /></p>
    <${Form} fields=${fields} values=${me} submit=${t("save")} onSubmit=${save} onCancel=${onClose} />
  <//>`;
}

function PasswordChange({ onClose }) {
  const [isDone, setDone] = useState(false);
  const fields = [
    { name: "old_password", label: t("old_password"), type: "password", autocomplete: "current-password", maxlength: 128, required: true },
    { name: "new_password", label: t("reset_password"), type: "password", autocomplete: "new-password", maxlength: 128, required: true },
  ];
  const change = async ({ old_password: old, new_password: chosen }) => {
    await chat.changePassword(old, chosen);
    setDone(true);
  };
  return html`<${Dialog} title=${t("password_change")} testId="password-change" onClose=${onClose}>
    ${isDone ? html`<p role="status">${t("password_changed")}</p>
        <div class="actions"><button type="button" class="primary" onClick=${onClose}>${t("close")}</button></div>`
      : html`<${Form} fields=${fields} submit=${t("password_change")} onSubmit=${change} onCancel=${onClose} />`}
  <//>`;
}

function Sessions({ onClose }) {
  const [sessions, setSessions] = useState(null);
  const [, error, run] = useWork();
  const load = async () => setSessions([...(await (await chat.listSessions()).loadAll())]);
  useEffect(() => void run(load), []);
  const end = (id) => run(async () => {
    await chat.endSession(id);
    await load();
  });
  return html`<${Dialog} title=${t("sessions")} testId="sessions" onClose=${onClose}>
    <p class="hint">${t("sessions_hint")}</p>
    <${Failure} error=${error} onRetry=${() => run(load)} />
    <ul class="rows">
      ${sessions?.map((each) => html`<li key=${each.id} class="row session">
        <span class="row-text">
          <span class="row-name"><${Name} text=${deviceOf(each.user_agent)} /></span>
          <span class="row-line">${each.ip} · <${T} k="last_used" time=${html`<time datetime=${each.last_used_at}>${fullTime(each.last_used_at)}</time>`} /></span>
        </span>
        ${each.is_current ? html`<strong class="row-aside">${t("this_device")}</strong>`
          : html`<button type="button" class="quiet" onClick=${() => end(each.id)}>${t("end_session")}</button>`}
      </li>`)}
    </ul>
    <div class="actions">
      <button type="button" class="danger-quiet" onClick=${() => chat.logOut({ all: true }).catch(() => {})}>${t("log_out_everywhere")}</button>
      <button type="button" class="quiet" onClick=${onClose}>${t("close")}</button>
    </div>
  <//>`;
}

/** "Firefox, Linux" of a browser, the first word of anything else. */
function deviceOf(agent) {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//u.exec(agent)?.[1];
  const system = /(Android|iPhone|iPad|Windows|Mac OS X|Linux)/u.exec(agent)?.[1];
  const name = { Edg: "Edge", OPR: "Opera" }[browser] ?? browser;
  return [name ?? agent.split(/[\s/]/u, 1)[0], system].filter(Boolean).join(", ") || "?";
}
