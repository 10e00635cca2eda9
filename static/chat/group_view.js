/** The dialog that makes a group: a name, and people picked from a search. */
import * as api from "./api.js";
import { byId, element, name, reconcile } from "./dom.js";
import { clearErrors, onSubmit } from "./form.js";
import { PeopleSearch, personRow } from "./people_search.js";

export class GroupView {
  #dialog = byId("group-dialog");
  #form = byId("group-form");
  #picked = new Map();
  #search;

  /** `created(conversation)` is called with the new group. */
  constructor(created) {
    this.#search = new PeopleSearch(byId("group-search"), (found) => this.#showPeople(found ?? []));
    byId("new-group").addEventListener("click", () => this.#open());
    byId("group-cancel").addEventListener("click", () => this.close());
    onSubmit(this.#form, async ({ name: groupName }) => {
      const conversation = await api.createGroup(groupName, [...this.#picked.keys()]);
      this.close();
      created(conversation);
    });
  }

  close() {
    this.#dialog.close();
  }

  #open() {
    this.#form.reset();
    clearErrors(this.#form);
    this.#picked.clear();
    this.#search.clear();
    this.#showPicked();
    this.#dialog.showModal();
  }

  #showPeople(found) {
    const others = found.filter(({ id }) => !this.#picked.has(id));
    reconcile(byId("group-people"), others.map((user) => personRow(user, () => this.#pick(user))));
  }

  #pick(user) {
    this.#picked.set(user.id, user);
    this.#search.clear();
    this.#showPicked();
    byId("group-search").focus();
  }

  #drop(user) {
    this.#picked.delete(user.id);
    this.#showPicked();
    byId("group-search").focus();
  }

  #showPicked() {
    reconcile(byId("group-picked"), [...this.#picked.values()].map((user) => this.#chip(user)));
  }

  #chip(user) {
    const build = () => {
      const button = element("button", { type: "button", class: "chip", "aria-label": `Remove ${user.display_name}` },
        name(user.display_name), element("span", { "aria-hidden": "true" }, " ×"));
      button.addEventListener("click", () => this.#drop(user));
      return element("li", {}, button);
    };
    return { key: String(user.id), signature: user.display_name, build };
  }
}
