// The character: its name, how it is addressed, what it is asked while it learns, and which model it starts from.

import { notify } from "./shared/dom.js";

import { get, patch, path } from "./api.js";
import { showBases } from "./bases.js";
import { command, fail, field, h, heading } from "./parts.js";
import { go } from "./router.js";
import { word } from "./words.js";

export async function show(main, [name], signal) {
  const address = path("characters", name);
  const { values, command: line } = await get(`${address}/config`, signal);
  const fields = [
    text("persona.name", word("spokenName"), word("spokenNameHelp"), values["persona.name"]),
    text("persona.system", word("system"), word("systemHelp"), values["persona.system"] ?? "", 4),
    text("persona.greeting", word("greeting"), word("greetingHelp"), values["persona.greeting"] ?? "", 2),
    text("persona.sample_prompts", word("questions"), word("questionsHelp"), values["persona.sample_prompts"].join("\n"), 4),
  ];
  const saved = Object.fromEntries(fields.map(({ key, read }) => [key, JSON.stringify(read())]));

  // Keep what was changed; true if all of it could be.
  async function save() {
    const changes = Object.fromEntries(fields.filter(({ key, read }) => JSON.stringify(read()) !== saved[key]).map(({ key, read }) => [key, read()]));
    if (!Object.keys(changes).length) return;
    await patch(`${address}/config`, changes);
    for (const [key, value] of Object.entries(changes)) saved[key] = JSON.stringify(value);
    notify(word("kept"));
  }

  for (const { input } of fields) input.addEventListener("change", () => save().catch(fail));
  const bases = h("section", { class: "bases", "aria-labelledby": "bases-title" });
  const next = h("button", { class: "primary", form: "persona" }, word("toRehearse"));
  const form = h("form", { id: "persona" }, fields.map(({ row }) => row));
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      await save();
      await go(`/rehearse/${encodeURIComponent(name)}`);
    } catch (error) {
      fail(error);
    }
  };
  const last = h("p", { class: "row end" }, h("span", {}), h("button", { class: "primary wide", form: "persona" }, word("toRehearse")));
  main.append(heading(word("characterTitle"), word("characterLead"), next), form, bases, last, command(line) ?? "");
  showBases(bases, values["model.source"], name, signal).catch(fail);
}

function text(key, label, help, value, rows = 1) {
  const input = rows === 1 ? h("input", { required: true, maxlength: "200", autocomplete: "off" }) : h("textarea", { rows: String(rows) });
  input.value = value;
  const read = () => {
    if (key === "persona.sample_prompts") return input.value.split("\n").map((line) => line.trim()).filter(Boolean);
    return key === "persona.name" ? input.value.trim() : input.value.trim() || null;
  };
  return { key, input, read, row: field(label, input, help) };
}
