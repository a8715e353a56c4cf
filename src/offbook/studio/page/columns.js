// A table of messages whose columns have names of their own: a person says which of them holds what.

import { field, h } from "./parts.js";
import { go } from "./router.js";
import { word } from "./words.js";

const KINDS = { sender: true, text: true, time: false }; // whether a table has to have it

// `chosen`: what was said before, as `offbook extract --columns` takes it (sender=from,text=body). Nothing is drawn for a
// text that is no table; the form is folded where somebody was heard.
export function columnsForm({ columns, speakers }, chosen) {
  if (!columns?.length) return "";
  const before = new Map(chosen.split(",").map((pair) => pair.split("=")));
  const choices = Object.entries(KINDS).map(([kind, isNeeded]) => {
    const select = h("select", { name: kind, required: isNeeded }, h("option", { value: "" }, isNeeded ? "" : word("noColumn")), columns.map((each) => option(each, before.get(kind))));
    return field(word(`column_${kind}`), select);
  });
  const submit = (event) => {
    event.preventDefault();
    const pairs = [...new FormData(event.target)].filter(([, key]) => key).map((pair) => pair.join("="));
    go(`${location.pathname}?${new URLSearchParams({ format: "table", columns: pairs.join(",") })}`, { replace: true });
  };
  const form = h("form", { class: "columns", onsubmit: submit }, choices, h("button", { class: speakers.length ? "secondary" : "primary" }, word("useColumns")));
  return h("details", { class: "more", open: !speakers.length }, h("summary", {}, word("columnsTitle")), form);
}

// A column by its name, or by its number, with what is in it.
function option({ key, title, samples }, chosen) {
  const name = title || word("columnNumber", { n: key });
  const inside = samples.filter(Boolean).map((text) => (text.length > 24 ? `${text.slice(0, 24)}…` : text));
  return h("option", { value: key, selected: key === chosen }, inside.length ? `${name} (${inside.join(word("comma"))})` : name);
}
