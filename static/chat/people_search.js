/** Finding people by the beginning of a name. */
import * as api from "./api.js";
import { avatar, element, name } from "./dom.js";
import { people } from "./people.js";

const PAUSE = 200;

export class PeopleSearch {
  #input;
  #found;
  #timer = 0;
  #turn = 0;

  /** `found` gets the users, null while nothing is searched for. */
  constructor(input, found) {
    this.#input = input;
    this.#found = found;
    input.addEventListener("input", () => this.#wait());
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
  }

  clear() {
    this.#input.value = "";
    this.#wait();
  }

  #wait() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    const text = this.#input.value.trim();
    if (!text) return this.#found(null);
    this.#timer = setTimeout(() => this.#ask(text, this.#turn), PAUSE);
  }

  async #ask(text, turn) {
    const { results } = await api.searchPeople(text).catch(() => ({ results: [] }));
    if (turn !== this.#turn) return; // a later search has overtaken this one
    for (const user of results) people.learn(user);
    this.#found(results);
  }
}

/** One person in a list, for `reconcile`. */
export function personRow(user, chosen) {
  const { id, username, display_name: displayName, is_online: isOnline } = user;
  const build = () => {
    const text = element("span", { class: "row-text" },
      element("span", { class: "row-name" }, name(displayName)),
      element("span", { class: "row-line" }, `@${username}`));
    const button = element("button", { type: "button", class: "row" }, avatar(displayName, id, isOnline), text);
    button.addEventListener("click", chosen);
    return element("li", {}, button);
  };
  return { key: String(id), signature: JSON.stringify([displayName, username, isOnline]), build };
}
