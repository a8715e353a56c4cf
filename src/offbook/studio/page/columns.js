// A table whose columns have names of their own: a person says which of them holds what.

import { field, h } from "./parts.js";
import { go } from "./router.js";
import { word } from "./words.js";

// What a row of the table may be → what it holds, and whether it has to have it. `table` is one of messages; `rows` are
// prompts with their replies.
const KINDS = { table: { sender: true, text: true, time: false }, rows: { prompt: true, reply: true } };

// `format` and `columns`: what was said before, as `offbook extract --columns` takes it (sender=from,text=body). Nothing
// is drawn for a text that is no table; the form is folded where somebody was heard.
export function columnsForm({ columns, speakers }, { format, columns: chosen }) {
  if (!columns?.length) return "";
  const before = new Map(chosen.split(",").map((pair) => pair.split("=")));
  // Rows are told by names alone.
  const isNamed = columns.every((each) => each.title === each.key);
  const kinds = isNamed ? Object.keys(KINDS) : ["table"];
  const kind = h("select", { id: "row-kind", onchange: () => draw() }, kinds.map((each) => h("option", { value: each, selected: each === format }, word(`rowKind_${each}`))));
  const choices = h("div", {});
  const draw = () => {
    const wanted = Object.entries(KINDS[kind.value]).map(([name, isNeeded]) => {
      const select = h("select", { name, required: isNeeded }, h("option", { value: "" }, isNeeded ? "" : word("noColumn")), columns.map((each) => option(each, before.get(name))));
      return field(word(`column_${name}`), select);
    });
    choices.replaceChildren(...wanted);
  };
  const submit = (event) => {
    event.preventDefault();
    const pairs = [...new FormData(event.target)].filter(([, key]) => key).map((pair) => pair.join("="));
    go(`${location.pathname}?${new URLSearchParams({ format: kind.value, columns: pairs.join(",") })}`, { replace: true });
  };
  draw();
  const form = h("form", { class: "columns", onsubmit: submit }, kinds.length > 1 ? field(word("rowKind"), kind) : "", choices, h("button", { class: speakers.length ? "secondary" : "primary" }, word("useColumns")));
  return h("details", { class: "more", open: !speakers.length }, h("summary", {}, word("columnsTitle")), form);
}

// A column by its name, or by its number, with what is in it.
function option({ key, title, samples }, chosen) {
  const name = title || word("columnNumber", { n: key });
  const inside = samples.filter(Boolean).map((text) => (text.length > 24 ? `${text.slice(0, 24)}…` : text));
  return h("option", { value: key, selected: key === chosen }, inside.length ? `${name} (${inside.join(word("comma"))})` : name);
}
