/** Forms that call the server once at a time and show its refusals where they belong. */

/** On submit, call `send` with the form's fields; a refusal is shown at the fields that it names. */
export function onSubmit(form, send) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    if (button.disabled) return;
    clearErrors(form);
    button.disabled = true;
    try {
      await send(Object.fromEntries(new FormData(form)));
    } catch (error) {
      showErrors(form, error);
    } finally {
      button.disabled = false;
    }
  });
}

export function clearErrors(form) {
  for (const shown of form.querySelectorAll(".field-error")) shown.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  form.querySelector(".form-error").hidden = true;
}

function showErrors(form, error) {
  const errors = error.errors?.length ? error.errors : [{ attr: null, detail: error.message }];
  const rest = errors.filter(({ attr, detail }) => !showAtField(form, attr, detail));
  const summary = form.querySelector(".form-error");
  summary.textContent = rest.map(({ detail }) => detail).join(" ");
  summary.hidden = rest.length === 0;
  form.querySelector("[aria-invalid]")?.focus();
}

/** Whether the form has such a field. */
function showAtField(form, attr, detail) {
  const input = attr && form.elements.namedItem(attr);
  if (!input) return false;
  const shown = document.createElement("p");
  shown.className = "field-error";
  shown.id = `${input.id}-error-${form.querySelectorAll(".field-error").length}`;
  shown.textContent = detail;
  input.closest(".field").append(shown);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", [input.getAttribute("aria-describedby"), shown.id].filter(Boolean).join(" "));
  return true;
}
