// A form of all settings, made from what the config says of each: its kind, bounds, choices and description. A change is
// kept at once.

import { patch } from "./api.js";
import { fail, field, h, problem } from "./parts.js";
import { word } from "./words.js";

// `options`: dotted name → its JSON schema with a description; `values`: dotted name → value.
export function configForm(options, values, address) {
  const sections = new Map();
  for (const [name, option] of Object.entries(options)) {
    const section = name.includes(".") ? name.split(".")[0] : "";
    if (!section || section === "persona") continue; // the character's page has them
    sections.set(section, [...(sections.get(section) ?? []), setting(name, option, values[name], address)]);
  }
  const parts = [...sections].map(([name, rows]) => h("details", { class: "section" }, h("summary", {}, h("b", {}, word(`section_${name}`)), h("span", { class: "help" }, ` ${name}`)), rows));
  return h("div", { class: "settings-form" }, parts);
}

// What a setting's field looks like, and whether it may be empty.
function kindOf(option) {
  const all = (option.anyOf ?? [option]).filter((each) => each.type !== "null");
  const isOptional = all.length < (option.anyOf ?? [option]).length;
  const [first] = all;
  if (all.length > 1) return { kind: "json", isOptional };
  if (first.type === "boolean" && isOptional) return { kind: "choice", isOptional, first: { enum: [true, false] } };
  if (first.enum) return { kind: "choice", isOptional, first };
  if (["boolean", "integer", "number", "string"].includes(first.type)) return { kind: first.type, isOptional, first };
  return { kind: "json", isOptional };
}

function setting(name, option, value, address) {
  const about = kindOf(option);
  const input = control(about, value);
  const fault = h("div", {});
  input.setAttribute("data-option", name);
  input.addEventListener("change", async () => {
    fault.replaceChildren();
    try {
      await patch(`${address}/config`, { [name]: read(input, about) });
    } catch (error) {
      if (!error.status && error.name !== "SyntaxError") return fail(error);
      fault.replaceChildren(problem(error.name === "SyntaxError" ? word("notJson") : error.message));
    }
  });
  const row = field(name, input, option.description);
  row.append(fault);
  return row;
}

function choiceName(value) {
  if (typeof value === "boolean") return value ? word("yes") : word("no");
  return value === null ? word("automatic") : String(value);
}

function control({ kind, isOptional, first }, value) {
  if (kind === "choice") {
    const choices = [...(isOptional ? [null] : []), ...first.enum];
    return h("select", {}, choices.map((each) => h("option", { value: JSON.stringify(each), selected: each === value }, choiceName(each))));
  }
  const input = h("input", {
    type: { boolean: "checkbox", integer: "number", number: "number" }[kind] ?? "text",
    autocomplete: "off",
    step: { integer: "1", number: "any" }[kind],
    min: first?.minimum,
    max: first?.maximum,
    placeholder: isOptional ? word("automatic") : undefined,
  });
  if (kind === "boolean") input.checked = value === true;
  else if (kind === "json" && value !== null && typeof value !== "string") input.value = JSON.stringify(value);
  else input.value = value ?? "";
  return input;
}

function read(input, { kind, isOptional }) {
  if (kind === "choice") return JSON.parse(input.value);
  if (kind === "boolean") return input.checked;
  if (input.value === "" && isOptional) return null;
  if (kind === "integer" || kind === "number") return Number(input.value);
  if (kind === "json" && /^[[{"\d-]|^(true|false|null)$/.test(input.value)) return JSON.parse(input.value);
  return input.value;
}
