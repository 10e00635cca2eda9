/** The dialog that makes a group: a name, and people picked from a search. */
import { chat } from "./chat.js";
import { Form } from "./form.js";
import { Dialog, Name, PersonRow } from "./parts.js";
import { useSearch } from "./search.js";
import { t } from "./texts.js";
import { html, useId, useRef, useState } from "./ui.js";

export function NewGroup({ go, onClose }) {
  const [picked, setPicked] = useState([]);
  const create = async ({ name, description }) => {
    const { id } = await chat.createGroup(name, picked.map((user) => user.id), { description: description || undefined });
    onClose();
    go(id);
  };
  const fields = [
    { name: "name", label: t("name"), autocomplete: "off", maxlength: 100, dir: "auto", required: true },
    { name: "description", label: t("description"), autocomplete: "off", maxlength: 1000, dir: "auto" },
  ];
  return html`<${Dialog} title=${t("new_group")} testId="group-dialog" onClose=${onClose}>
    <${Form} fields=${fields} submit=${t("create_group")} onSubmit=${create} onCancel=${onClose}>
      <${PeoplePicker} label=${t("add_people")} picked=${picked} setPicked=${setPicked} />
    <//>
  <//>`;
}

/** A search whose results are picked; `isLeftOut(user)` says who is none. */
export function PeoplePicker({ label, picked, setPicked, isLeftOut = () => false }) {
  const id = useId();
  const field = useRef(null);
  const [search, setSearch] = useState("");
  const { people } = useSearch(search, { withConversations: false });
  const ids = new Set(picked.map((user) => user.id));
  const others = people?.items.filter((user) => !ids.has(user.id) && !isLeftOut(user)) ?? [];
  const pick = (users) => {
    setPicked(users);
    setSearch("");
    field.current.focus();
  };
  const key = (event) => {
    if (event.key !== "Enter") return; // it would send the form
    event.preventDefault();
    if (others.length === 1) pick([...picked, others[0]]);
  };
  return html`<div class="field">
      <label for=${id}>${label}</label>
      <input id=${id} ref=${field} type="search" placeholder=${t("search_participants")} autocomplete="off" maxlength="100"
        value=${search} onInput=${(event) => setSearch(event.target.value)} onKeyDown=${key} />
    </div>
    <ul class="picked" aria-label=${t("picked")} data-testid="group-picked">
      ${picked.map((user) => html`<li key=${user.id}>
        <button type="button" class="chip" aria-label=${t("remove_picked", { name: user.display_name })}
          onClick=${() => pick(picked.filter((each) => each !== user))}><${Name} text=${user.display_name} /><span aria-hidden="true"> ×</span></button>
      </li>`)}
    </ul>
    <ul class="rows" aria-label=${t("found")} data-testid="group-people">
      ${others.map((user) => html`<${PersonRow} key=${user.id} user=${user} onPick=${() => pick([...picked, user])} />`)}
    </ul>`;
}
