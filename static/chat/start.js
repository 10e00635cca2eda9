/** The screen for those who are not logged in: log in, register, forgot password, set a new one. */
import { chat } from "./chat.js";
import { Form } from "./form.js";
import { chooseLanguage, language, LANGUAGES, t } from "./texts.js";
import { html, useEffect, useRef, useState } from "./ui.js";

const RESET_PATH = "/reset-password";
const TABS = ["login", "register"];

/** The token of the mail's link leaves the address bar at once, so that it stays in no history and no screenshot. */
function takeResetToken() {
  if (location.pathname.replace(/\/$/u, "") !== RESET_PATH) return "";
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  history.replaceState(null, "", token ? RESET_PATH : "/");
  return token;
}

let resetToken = takeResetToken();

/** Whether the page was opened through the link of a reset mail. */
export const hasResetToken = () => resetToken !== "";

function leaveReset() {
  resetToken = "";
  history.replaceState(null, "", "/");
}

const email = () => ({ name: "email", label: t("email"), type: "email", maxlength: 254, required: true });
const password = (name, label, autocomplete) => ({ name, label, type: "password", autocomplete, maxlength: 128, required: true });

export function Start({ notice }) {
  const [shown, show] = useState(hasResetToken() ? "reset" : "login");
  const [told, tell] = useState(notice);
  const card = useRef(null);
  useEffect(() => {
    if (document.activeElement?.role !== "tab") card.current.querySelector("form input")?.focus();
  }, [shown]);
  const go = (form, words = "") => {
    tell(words);
    show(form);
  };
  const Shown = { login: LogIn, register: Register, forgot: Forgot, reset: Reset }[shown];
  return html`<main class="start" data-testid="start">
    <header class="brand">
      <img src=${document.querySelector("link[rel=icon]").href} alt="" width="44" height="44" />
      <h1>${t("title")}</h1>
    </header>
    <div class="card" ref=${card}>
      <p class="notice" role="status" data-testid="notice" hidden=${!told}>${told}</p>
      ${TABS.includes(shown) && html`<${Tabs} shown=${shown} go=${go} />`}
      <${Shown} go=${go} />
    </div>
    <${Languages} />
  </main>`;
}

function Tabs({ shown, go }) {
  const move = (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.currentTarget.querySelector("[aria-selected=false]").focus();
    go(TABS.find((name) => name !== shown));
  };
  return html`<div class="tabs" role="tablist" aria-label=${t("start_tabs")} onKeyDown=${move}>
    ${TABS.map((name) => html`<button type="button" role="tab" id="tab-${name}" key=${name} aria-controls="form-${name}"
      aria-selected=${name === shown} tabindex=${name === shown ? 0 : -1} onClick=${() => go(name)}
    >${t(name === "login" ? "log_in" : "register")}</button>`)}
  </div>`;
}

const Panel = ({ name, children }) => html`<div id="form-${name}" role="tabpanel" aria-labelledby="tab-${name}">${children}</div>`;

function LogIn({ go }) {
  const fields = [{ ...email(), autocomplete: "username" }, password("password", t("password"), "current-password")];
  return html`<${Panel} name="login" key="login">
      <${Form} testId="login-form" fields=${fields} submit=${t("log_in")} onSubmit=${(given) => chat.logIn(given)} />
    <//>
    <button class="link" type="button" onClick=${() => go("forgot")}>${t("forgot_link")}</button>`;
}

function Register() {
  const username = { name: "username", label: t("username"), autocomplete: "username", autocapitalize: "none", spellcheck: false };
  const fields = [
    { ...email(), autocomplete: "email" },
    { ...username, maxlength: 30, required: true },
    password("password", t("password"), "new-password"),
  ];
  return html`<${Panel} name="register" key="register">
    <${Form} testId="register-form" fields=${fields} submit=${t("create_account")} onSubmit=${(given) => chat.register(given)} />
  <//>`;
}

function Forgot({ go }) {
  const send = async ({ email: address }) => {
    await chat.requestPasswordReset(address);
    leaveReset();
    go("login", t("forgot_sent"));
  };
  return html`<h2>${t("forgot_title")}</h2>
    <p class="hint">${t("forgot_hint")}</p>
    <${Form} key="forgot" testId="forgot-form" fields=${[{ ...email(), autocomplete: "email" }]} submit=${t("forgot_send")} onSubmit=${send} />
    <button class="link" type="button" onClick=${() => (leaveReset(), go("login"))}>${t("back_to_log_in")}</button>`;
}

function Reset({ go }) {
  const set = async ({ new_password: chosen }) => {
    await chat.resetPassword(resetToken, chosen);
    leaveReset();
    go("login", t("reset_done"));
  };
  return html`<h2>${t("reset_title")}</h2>
    <${Form} key="reset" testId="reset-form" fields=${[password("new_password", t("reset_password"), "new-password")]}
      submit=${t("reset_set")} onSubmit=${set} />
    <button class="link" type="button" onClick=${() => (leaveReset(), go("forgot"))}>${t("reset_again")}</button>`;
}

export function Languages() {
  return html`<div class="languages">
    <select aria-label=${t("language")} onChange=${(event) => chooseLanguage(event.target.value)} value=${language}>
      ${Object.entries(LANGUAGES).map(([code, name]) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}
    </select>
  </div>`;
}
