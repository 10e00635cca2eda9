/** The screen for those who are not logged in: log in, register, forgot password, set a new one. */
import * as api from "./api.js";
import { byId } from "./dom.js";
import { clearErrors, onSubmit } from "./form.js";

const FORMS = ["login", "register", "forgot", "reset"];
const TABS = ["login", "register"];
const RESET_PATH = "/reset-password";

export class StartView {
  #screen = byId("start");
  #resetToken = "";

  /** `entered` is called once somebody is logged in. */
  constructor(entered) {
    this.#takeResetToken();
    for (const button of this.#screen.querySelectorAll("[data-form]")) {
      button.addEventListener("click", () => this.#showForm(button.dataset.form));
    }
    byId("start-tabs").addEventListener("keydown", (event) => this.#moveTab(event));
    onSubmit(byId("form-login"), (fields) => api.logIn(fields).then(entered));
    onSubmit(byId("form-register"), (fields) => api.register(fields).then(entered));
    onSubmit(byId("form-forgot"), (fields) => this.#askForReset(fields.email));
    onSubmit(byId("form-reset"), (fields) => this.#reset(fields.new_password));
  }

  /** Whether the page was opened through the link of a reset mail. */
  get hasResetToken() {
    return this.#resetToken !== "";
  }

  show(notice = "") {
    this.#screen.hidden = false;
    this.#showForm(this.hasResetToken ? "reset" : "login");
    this.#notify(notice);
  }

  hide() {
    this.#screen.hidden = true;
    for (const name of FORMS) byId(`form-${name}`).reset();
  }

  /** The token leaves the address bar at once, so that it stays in no history and no screenshot. */
  #takeResetToken() {
    if (location.pathname.replace(/\/$/, "") !== RESET_PATH) return;
    this.#resetToken = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
    history.replaceState(null, "", this.#resetToken ? RESET_PATH : "/");
  }

  async #askForReset(email) {
    const { detail } = await api.askForReset(email);
    this.#leaveReset();
    this.#showForm("login");
    this.#notify(detail);
  }

  async #reset(password) {
    const { detail } = await api.resetPassword(this.#resetToken, password);
    this.#leaveReset();
    this.#showForm("login");
    this.#notify(detail);
  }

  #leaveReset() {
    this.#resetToken = "";
    history.replaceState(null, "", "/");
  }

  #showForm(shown) {
    this.#notify("");
    byId("start-tabs").hidden = !TABS.includes(shown);
    for (const tab of TABS) {
      byId(`tab-${tab}`).setAttribute("aria-selected", String(tab === shown));
      byId(`tab-${tab}`).tabIndex = tab === shown ? 0 : -1;
    }
    for (const name of FORMS) {
      const form = byId(`form-${name}`);
      form.hidden = name !== shown;
      clearErrors(form);
    }
    byId(`form-${shown}`).querySelector("input").focus();
  }

  #moveTab(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = byId(`tab-${TABS.find((tab) => byId(`tab-${tab}`) !== event.target)}`);
    this.#showForm(other.dataset.form);
    other.focus();
  }

  #notify(text) {
    byId("start-notice").textContent = text;
    byId("start-notice").hidden = text === "";
  }
}
