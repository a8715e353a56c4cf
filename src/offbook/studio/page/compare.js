// Two runs side by side: what was set differently, their figures, and what both answer.

import { get, path } from "./api.js";
import { number, percent } from "./format.js";
import { badge, command, h, heading, link } from "./parts.js";
import { settingName, word } from "./words.js";

export async function show(main, names, signal) {
  const query = new URLSearchParams({ a: names[0], b: names[1] });
  const [result, ...runs] = await Promise.all([get(`/api/compare?${query}`, signal), ...names.map((name) => get(path("runs", name), signal))]);
  const table = (caption, rows) => drawTable(caption, names, rows);
  main.append(heading(word("compareTitle"), word("compareLead")));
  main.append(table(word("runs"), [[word("verdictTitle"), ...runs.map((run) => run.headline ?? "–")]]));
  const settings = differences(...runs.map((run) => flat(run.config)));
  if (settings.length) main.append(drawTable(word("differentSettings"), names, settings, "settings"));
  main.append(table(word("figures"), result.metrics.map((metric) => [metric.title, ...metric.runs.map((each) => figure(each, metric))])));
  main.append(...answers(names, runs.map((run) => run.samples ?? [])), command(result.command) ?? "");
}

// A number, and whether it differs from the first run's by more than chance.
function figure({ value, difference, significant }, { unit, better }) {
  if (value === null) return "–";
  const text = unit === "percent" ? percent(value) : number(value, 2);
  if (!significant) return text;
  return [`${text} `, badge(word(difference > 0 === (better === "higher") ? "isBetter" : "isWorse"), "good")];
}

// Settings as a map: dotted name → value as text.
function flat(tree, prefix = "") {
  return Object.entries(tree ?? {}).reduce((all, [key, value]) => {
    const isTree = value && typeof value === "object" && !Array.isArray(value);
    return { ...all, ...(isTree ? flat(value, `${prefix}${key}.`) : { [prefix + key]: typeof value === "string" ? value : JSON.stringify(value) }) };
  }, {});
}

function differences(a, b) {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => key !== "name" && a[key] !== b[key]);
  return keys.map((key) => [settingName(key), a[key] ?? "–", b[key] ?? "–"]);
}

function answers(names, [first, second]) {
  const both = first.map((each) => [each, second.find((other) => other.prompt === each.prompt)]).filter(([, other]) => other);
  if (!both.length) return [];
  const side = (name, text) => h("div", { class: "spoken" }, h("h3", {}, name), h("p", { class: "reply" }, text || "…"));
  return [h("h2", {}, word("answers")), ...both.map((pair) => h("article", { class: "pair" }, h("p", { class: "prompt" }, pair[0].prompt), h("div", { class: "two" }, pair.map((each, index) => side(names[index], each.tuned)))))];
}

function drawTable(caption, names, rows, className) {
  const head = names.map((name) => h("th", { scope: "col" }, link(`/verdict/${encodeURIComponent(name)}`, name)));
  const body = rows.map(([title, ...cells]) => h("tr", {}, h("th", { scope: "row" }, title), cells.map((cell) => h("td", {}, cell))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, h("table", { class: className }, h("caption", {}, caption), h("thead", {}, h("tr", {}, h("td", {}), head)), h("tbody", {}, body)));
}
