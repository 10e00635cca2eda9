/** The words of the page in the reader's language: one file for each in `texts/`, named here and nowhere else. */
import english from "./texts/en.js";
import { html } from "./ui.js";

const KEY = "chat.language";
const OTHERS = { de: () => import("./texts/de.js") };

/** Languages by their code, each by its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch" };

export let language = "en";
let texts = english;
let plurals = new Intl.PluralRules("en");

/** Load the words: of the language that was chosen here, else of the first of the browser's that there is. */
export async function loadTexts() {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages].map((tag) => tag?.split("-", 1)[0]);
  const found = wanted.find((code) => code in LANGUAGES) ?? "en";
  if (found in OTHERS) texts = { ...english, ...(await OTHERS[found]()).default };
  language = found;
  plurals = new Intl.PluralRules(found);
  document.documentElement.lang = found;
}

/** Choose a language; the page begins anew with it. */
export function chooseLanguage(code) {
  localStorage.setItem(KEY, code);
  location.reload();
}

/** The words for `key`, as text; `values` stand where `{name}` is, and `count` decides between singular and plural. */
export function t(key, values = {}) {
  return parts(key, values).join("");
}

/** What went wrong, of a refusal {code, detail}: in the reader's language where the code is known, else as it was said. */
export const refusal = ({ code, detail, message }) => texts[`error_${code}`] ?? detail ?? message;

/** The same as `t`, with elements among the values. */
export function T({ k, ...values }) {
  return html`${parts(k, values)}`;
}

function parts(key, values) {
  const found = texts[key];
  if (found === undefined) throw new Error(`There is no text "${key}".`);
  const text = typeof found === "string" ? found : found[plurals.select(values.count)] ?? found.other;
  return text.split(/\{(\w+)\}/u).map((part, index) => (index % 2 ? values[part] : part));
}
