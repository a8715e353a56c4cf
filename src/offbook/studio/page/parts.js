// The parts that several pages are made of. Whatever anybody wrote is put into them as text, never as HTML.

import { $, notify } from "./shared/dom.js";

import { ApiError } from "./api.js";
import { word } from "./words.js";

// An element: attributes as in HTML, `onclick` and the like as functions; children are elements and texts.
export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

export const link = (href, text, className) => h("a", { href, class: className }, text);

// A button that cannot be pressed again before what it does is done; what goes wrong is said.
export function action(label, run, className = "quiet", attributes = {}) {
  const made = h("button", { type: "button", class: className, ...attributes }, label);
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      await run();
    } catch (error) {
      fail(error);
    } finally {
      made.disabled = false;
    }
  });
  return made;
}

export function fail(error) {
  if (error.name === "AbortError") return;
  if (!(error instanceof ApiError)) console.error(error);
  notify(error.message);
}

// The head of a page: its title, and a sentence on what it is for.
export function heading(title, lead, ...beside) {
  document.title = `${title} · ${word("title")}`;
  return h("div", { class: "heading" }, h("div", {}, h("h1", { tabindex: "-1" }, title), lead && h("p", { class: "lead" }, lead)), beside);
}

// A label above its field, and what the field means below.
export function field(label, input, help) {
  const id = (input.id ||= `field-${(field.count = (field.count ?? 0) + 1)}`);
  if (help) input.setAttribute("aria-describedby", `${id}-help`);
  return h("div", { class: "field" }, h("label", { for: id }, label), input, help && h("p", { class: "help", id: `${id}-help` }, help));
}

// The command that does the same in a terminal, to copy.
export function command(line) {
  if (!line) return null;
  const lines = [line].flat().join("\n");
  const copy = action(word("copy"), async () => {
    try {
      await navigator.clipboard.writeText(lines);
      notify(word("copied"));
    } catch {
      notify(word("notCopied"));
    }
  });
  return h("details", { class: "command" }, h("summary", {}, word("inTerminal")), h("div", {}, h("pre", { tabindex: "0" }, h("code", {}, lines)), copy));
}

export const problem = (text) => h("p", { class: "problem", role: "alert" }, text);
export const note = (text) => h("p", { class: "remark" }, text);
export const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);

// A bar from 0 to 1, or of unknown length.
export function bar(label, share) {
  const made = h("progress", { max: "1", "aria-label": label });
  if (share !== null && share !== undefined) made.value = share;
  return made;
}

// Ask a question in a dialog: fields by name, then what is done with them. The result is the fields' values, or null.
export function ask({ title, lines = [], fields = {}, confirm, danger = false }) {
  const dialog = $("ask");
  const form = dialog.querySelector("form");
  const cancel = h("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, word("cancel"));
  const submit = h("button", { value: "yes", class: danger ? "danger" : "" }, confirm);
  const rows = Object.entries(fields).map(([name, { label, value = "", type = "text", help, required = true }]) => {
    const input = h("input", { name, type, required, autocomplete: "off", maxlength: "400", checked: type === "checkbox" });
    input.value = value;
    return type === "checkbox" ? h("label", { class: "check" }, input, label) : field(label, input, help);
  });
  form.replaceChildren(
    h("h2", { id: "ask-title" }, title),
    ...lines.map((line) => h("p", {}, line)),
    ...rows,
    h("p", { class: "buttons" }, cancel, submit),
  );
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const values = Object.fromEntries(new FormData(form));
      form.replaceChildren();
      resolve(dialog.returnValue === "yes" ? values : null);
    };
  });
}
