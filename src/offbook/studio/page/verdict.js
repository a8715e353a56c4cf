// The verdict: the sentence first, then what was found, each with the setting that it names as a button for the next run.

import { get, path, post } from "./api.js";
import { number, percent } from "./format.js";
import { isOpen, jobProgress, warned } from "./job.js";
import { runMenu } from "./menu.js";
import { action, ask, command, field, h, heading, link, note } from "./parts.js";
import { go, redraw } from "./router.js";
import { RunWatch } from "./run-watch.js";
import { settingName, word } from "./words.js";

const HELD_OUT = 0.1; // the share that is put aside where none was

const SIGNS = { good: "✓", note: "!", bad: "✕" };

export async function show(main, [name], signal) {
  const [run, runs] = await Promise.all([get(path("runs", name), signal), get("/api/runs", signal)]);
  const menu = runMenu(name, (next) => go(next === null ? "/" : `/verdict/${encodeURIComponent(next)}`));
  if (run.state !== "finished" || (run.job && isOpen(run.job))) return unfinished(main, run, menu, signal);
  const talk = h("div", { class: "actions" }, h("a", { class: "primary", href: `/talk/${encodeURIComponent(name)}` }, word("toTalk")));
  const verdict = await get(`${path("runs", name)}/verdict`, signal).catch((error) => {
    if (error.status === 404 || error.status === 409) return null;
    throw error;
  });
  if (!verdict?.headline) {
    main.append(heading(word("verdictTitle"), word(run.heldout_rows ? "noVerdictYet" : "noVerdict"), talk, menu), ...warned(run.job));
    main.append(run.heldout_rows ? judge(name, signal) : nothingHeldOut(run));
    return;
  }
  main.append(heading(verdict.headline, word("verdictLead", { run: name }), talk, menu));
  main.append(h("ul", { class: "verdict" }, verdict.sentences.map((sentence) => item(sentence, run))));
  if (run.samples?.length) main.append(h("h2", {}, word("answers")), h("div", { class: "pairs" }, run.samples.map(pair)));
  main.append(figures(rowsOf(verdict.figures)), report(name), compareWith(run, runs), command(verdict.command ?? run.command) ?? "");
}

function unfinished(main, run, menu, signal) {
  main.append(heading(run.title ?? run.name, word(`runState_${run.state === "finished" ? "running" : run.state}`), menu));
  main.append(new RunWatch(run.name, signal, () => signal.aborted || redraw(), run.command).element);
}

function judge(name, signal) {
  const box = h("div", {});
  const begin = async () => {
    box.replaceChildren(jobProgress(await post(`${path("runs", name)}/eval`), signal, () => redraw()));
  };
  box.append(action(word("judge"), begin, "secondary"));
  return box;
}

// Why a run cannot be judged, and a next one that can be, where nothing was to be put aside; else a warning says why none could.
function nothingHeldOut(run) {
  const next = run.character && run.config?.data?.heldout === 0 && nextStep(run, { key: "data.heldout", value: HELD_OUT });
  return h("div", {}, note(word("nothingHeldOut")), next);
}

function item({ text, option, tone = "note" }, run) {
  const next = option && run.character && nextStep(run, option);
  return h("li", { class: tone }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[tone] ?? "!"), h("div", {}, h("p", {}, text), next));
}

// What a sentence advises, as a button: the next run, or the page where one decides (another text makes another character).
function nextStep(run, { key, value, page }) {
  if (page && value === null) return link(page === "text" ? "/text" : `/${page}/${encodeURIComponent(run.character)}`, word(`next_${page}`), "secondary option");
  const label = value === null ? word("nextOption", { key: settingName(key) }) : word("nextWith", { key: settingName(key), value });
  return action(label, () => again(run, { key, value }), "secondary option", { title: key });
}

// The next run, with the value that is advised or one that is asked for.
async function again(run, { key, value }) {
  if (value === null) {
    const values = await ask({ title: word("nextOption", { key: settingName(key) }), fields: { value: { label: key } }, confirm: word("begin") });
    if (!values) return;
    value = values.value;
  }
  await post(`${path("runs", run.name)}/next`, { option: key, value });
  await go(`/rehearse/${encodeURIComponent(run.character)}`);
}

// The figures of eval.json that need no explanation, as rows of a table.
function rowsOf({ heldout, fidelity, copying, stops }) {
  const row = (title, of, figure, unit) => ({ title: word(`figure_${title}`), unit, ...Object.fromEntries(["base", "tuned", "reference"].map((side) => [side, of?.[side]?.[figure]])) });
  return [
    row("loss", heldout, "loss"),
    row("fidelity", fidelity, "score"),
    row("copying", copying, "verbatim_share", "percent"),
    row("stops", stops, "share", "percent"),
  ].filter((each) => typeof each.tuned === "number");
}

// What was asked, and how both answered.
function pair({ prompt, base, tuned, reference }) {
  const side = (kind, text) => h("div", { class: `spoken ${kind}` }, h("h3", {}, word(`side_${kind}`)), h("p", { class: "reply" }, text || "…"));
  return h("article", { class: "pair" }, h("p", { class: "prompt" }, prompt), reference ? h("p", { class: "help" }, word("trueLine", { text: reference })) : "", h("div", { class: "two" }, side("base", base), side("tuned", tuned)));
}

// A table of numbers by side; `rows`: [{title, unit, base, tuned, reference}].
function figures(rows) {
  if (!rows?.length) return "";
  const sides = ["base", "tuned", "reference"].filter((side) => rows.some((row) => row[side] !== null && row[side] !== undefined));
  const cell = (value, unit) => h("td", { class: "number" }, typeof value !== "number" ? "–" : unit === "percent" ? percent(value) : number(value, 2));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": word("figures") },
    h("table", {}, h("caption", {}, word("figures")), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, word("figure")), sides.map((side) => h("th", { scope: "col", class: "number" }, word(`side_${side}`))))), h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.title), sides.map((side) => cell(row[side], row.unit)))))),
  );
}

function report(name) {
  const address = `${path("runs", name)}/report`;
  const frame = h("iframe", { title: word("report"), sandbox: "allow-scripts", loading: "lazy" });
  const box = h("details", { class: "more report" }, h("summary", {}, word("report")), frame, h("p", {}, h("a", { href: address, target: "_blank", rel: "noopener" }, word("ownWindow"))));
  box.addEventListener("toggle", () => {
    if (box.open && !frame.src) frame.src = address;
  });
  return box;
}

function compareWith(run, runs) {
  const others = runs.filter((each) => each.name !== run.name && each.state === "finished");
  if (!others.length) return "";
  const select = h("select", {}, others.map((each) => h("option", { value: each.name }, each.name)));
  const open = () => go(`/compare/${encodeURIComponent(select.value)}/${encodeURIComponent(run.name)}`);
  return h("div", { class: "row compare-with" }, field(word("compareWith"), select), action(word("compare"), open, "secondary"));
}
