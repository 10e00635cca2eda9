/** Ctrl+K: jump to a conversation or a person by a few letters. */
import { chat } from "./chat.js";
import { Avatar, Dialog, Failure, Name } from "./parts.js";
import { useSearch } from "./search.js";
import { t } from "./texts.js";
import { html, useState, useWork } from "./ui.js";

const SHOWN = 8;

export function JumpDialog({ go, onClose }) {
  const [search, setSearch] = useState("");
  const [active, setActive] = useState(0);
  const [, error, run] = useWork();
  const { people, conversations } = useSearch(search);
  const found = search.trim() ? [...(conversations?.items ?? []), ...(people?.items ?? []).filter(isNew(conversations))] : chat.conversations;
  const shown = found.slice(0, SHOWN);
  const at = Math.min(active, shown.length - 1);
  const choose = (each) => run(async () => {
    const { id } = "username" in each ? await chat.createPrivate(each.id) : each;
    onClose();
    go(id);
  });
  const key = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setActive((at + step + shown.length) % Math.max(1, shown.length));
    else if (event.key === "Enter" && shown[at]) choose(shown[at]);
    else return;
    event.preventDefault();
  };
  const type = (event) => {
    setSearch(event.target.value);
    setActive(0);
  };
  return html`<${Dialog} title=${t("jump")} testId="jump-dialog" onClose=${onClose}>
    <input type="text" role="combobox" aria-expanded="true" aria-controls="jump-list" aria-autocomplete="list" autocomplete="off"
      aria-activedescendant=${shown.length ? `jump-${at}` : null} aria-label=${t("jump_hint")} placeholder=${t("jump_hint")}
      maxlength="100" autofocus value=${search} onInput=${type} onKeyDown=${key} />
    <${Failure} error=${error} />
    <ul id="jump-list" class="rows" role="listbox" aria-label=${t("found")}>
      ${shown.map((each, index) => html`<li key=${`${"username" in each}${each.id}`} id="jump-${index}" role="option" class="row"
        aria-selected=${index === at} onClick=${() => choose(each)}>
        <${Avatar} name=${nameOf(each)} id=${(each.other ?? each).id} isOnline=${(each.other ?? each).is_online} />
        <span class="row-text"><span class="row-name"><${Name} text=${nameOf(each)} /></span></span>
      </li>`)}
    </ul>
    ${search.trim() && people && shown.length === 0 && html`<p class="hint">${t("nothing_found")}</p>`}
    <${Keys} />
  <//>`;
}

const nameOf = (each) => each.display_name ?? each.name;

/** People with whom there is a conversation are shown as that one. */
function isNew(conversations) {
  const known = new Set(conversations?.items.map(({ other }) => other?.id));
  return ({ id }) => !known.has(id);
}

const KEYS = [["Ctrl K", "key_jump"], ["↑", "key_edit"], ["Esc", "key_escape"], ["↑ ↓", "key_messages"], ["R E Del", "key_message"], ["Shift Enter", "key_newline"]];

function Keys() {
  return html`<details class="keys">
    <summary>${t("keys")}</summary>
    <dl>${KEYS.map(([keys, words]) => html`<div key=${words}><dt><kbd>${keys}</kbd></dt><dd>${t(words)}</dd></div>`)}</dl>
  </details>`;
}
