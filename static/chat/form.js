/** Forms that call the server once at a time and show its refusals at the fields that they are about. */
import { refusal, t } from "./texts.js";
import { html, useEffect, useId, useRef, useWork } from "./ui.js";

/**
 * A form. `onSubmit(values)` gets its fields by name, may take its time, and what it throws is shown. `fields` are
 * {name, label, …attributes of the input}, or elements; `values` what is in them at first.
 */
export function Form({ fields, values = {}, submit, onSubmit, onCancel, testId, children }) {
  const form = useRef(null);
  const [isUnderWay, error, run] = useWork();
  const errors = error ? (error.errors?.length ? error.errors : [{ attr: null, code: error.code, detail: error.message }]) : [];
  const names = new Set(fields.map(({ name }) => name));
  const others = errors.filter(({ attr }) => !names.has(attr));
  useEffect(() => error && form.current?.querySelector("[aria-invalid=true]")?.focus(), [error]);
  const send = (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(form.current));
    run(() => onSubmit(given));
  };
  return html`<form ref=${form} onSubmit=${send} data-testid=${testId} novalidate>
    ${others.length > 0 && html`<p class="form-error" role="alert">${others.map(refusal).join(" ")}</p>`}
    ${fields.map((field) => html`<${Field} key=${field.name} value=${values[field.name]} ...${field}
      errors=${errors.filter(({ attr }) => attr === field.name)} />`)}
    ${children}
    <div class="actions">
      ${onCancel && html`<button type="button" class="quiet" onClick=${onCancel}>${t("cancel")}</button>`}
      <button type="submit" class="primary" disabled=${isUnderWay}>${submit}</button>
    </div>
  </form>`;
}

/** One labelled field; `rows` makes it one of several lines. */
export function Field({ name, label, errors = [], value, rows, ...rest }) {
  const id = useId();
  const described = errors.length ? errors.map((_, index) => `${id}-${index}`).join(" ") : undefined;
  const shared = { id, name, defaultValue: value, "aria-invalid": errors.length > 0, "aria-describedby": described, ...rest };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${rows ? html`<textarea rows=${rows} ...${shared}></textarea>` : html`<input ...${shared} />`}
    ${errors.map((each, index) => html`<p class="field-error" id="${id}-${index}">${refusal(each)}</p>`)}
  </div>`;
}
