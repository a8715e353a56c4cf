// The lines: each beside the place in the text that it comes from, the least certain first; what is not wanted is left out.

import { notify } from "./shared/dom.js";

import { get, path, post } from "./api.js";
import { showFindings } from "./findings.js";
import { number } from "./format.js";
import { warned } from "./job.js";
import { follow } from "./live.js";
import { action, command, fail, h, heading, note } from "./parts.js";
import { RowPanel } from "./row-panel.js";
import { VirtualList } from "./virtual-list.js";
import { count, word } from "./words.js";

const ORDERS = ["confidence", "file"];
const FILTERS = ["all", "trained", "excluded", "edited", "unsure", "personal", "findings"];

const UNSURE = 0.95; // confidence below which it is only likely that the character speaks

export async function show(main, [name], signal) {
  const address = path("characters", name);
  const query = new URLSearchParams(location.search);
  const state = {
    order: ORDERS.includes(query.get("order")) ? query.get("order") : ORDERS[0],
    filter: FILTERS.includes(query.get("filter")) ? query.get("filter") : FILTERS[0],
    q: query.get("q") ?? "",
  };
  const load = (offset, limit) =>
    get(`${address}/rows?${new URLSearchParams({ offset, limit, ...state })}`, signal);
  const [first, character] = await Promise.all([load(0, 1), get(address, signal)]);

  const total = h("p", { class: "help", role: "status" });
  const panel = new RowPanel(address, { edit, merge, close: () => list.focus() }, signal);
  const list = new VirtualList({
    load,
    draw: drawRow,
    choose: (row, isAsked) => panel.show(row, isAsked),
    label: word("lines_list"),
    keys: { x: toggle, Delete: toggle, e: () => panel.beginEdit(), m: merge, u: undo },
    onTotal: (n) => {
      total.textContent = count("lines", n);
    },
    signal,
  });

  async function edit(op, row, fields = {}) {
    const change = await post(`${address}/edits`, { op, row: row.id, ...fields });
    await list.reload();
    panel.show(list.chosen, false);
    notify(word(`done_${op}`), () => undo().catch(fail));
    return change;
  }
  function toggle(row) {
    return edit(row.excluded ? "include" : "exclude", row);
  }
  async function merge(row) {
    const { rows } = await get(`${address}/rows?${new URLSearchParams({ offset: row.number, limit: 1, order: "file" })}`, signal);
    if (rows.length) return edit("merge", row, { with: rows[0].id });
    notify(word("noNext"));
  }
  async function undo() {
    await post(`${address}/undo`);
    await list.reload();
    panel.show(list.chosen, false);
    notify(word("undone"));
  }

  function choice(label, id, values, word_) {
    const select = h("select", { id, onchange: () => change(id, select.value) }, values.map((value) => h("option", { value, selected: state[id] === value }, word(`${word_}_${value}`))));
    return h("label", {}, label, select);
  }
  function change(id, value) {
    state[id] = value;
    history.replaceState(null, "", `?${new URLSearchParams(state)}`);
    list.restart().catch(fail);
  }

  const next = h("a", { class: "primary", href: `/character/${encodeURIComponent(name)}` }, word("toCharacter"));
  const search = h("input", { type: "search", maxlength: "200", "aria-label": word("search"), placeholder: word("search"), onchange: () => change("q", search.value) });
  search.value = state.q;
  const findings = h("section", { id: "findings", "aria-label": word("check") });
  const tools = h("div", { class: "row tools-row" }, choice(word("order"), "order", ORDERS, "order"), choice(word("show"), "filter", FILTERS, "filter"), search, total, action(word("undo"), undo, "secondary", { id: "undo-edit" }));
  main.append(
    heading(word("linesTitle"), word("linesLead"), next),
    first.total ? "" : note(word("noLines")),
    ...warned(character.extract),
    leftOut(character.left_out),
    findings,
    tools,
    h("div", { class: "split" }, list.element, panel.element),
    h("p", { class: "help keys" }, word("linesKeys")),
    command(first.command) ?? "",
  );
  await showFindings(findings, address, signal);
  requestAnimationFrame(() => list.restart().catch(fail));
  follow(() => get(`${address}/state`, signal), async () => {
    await list.reload();
    panel.refresh(list.chosen);
    await showFindings(findings, address, signal, true);
  }, signal);
}

// What of the text is in no line, and why.
function leftOut(pieces) {
  if (!pieces.length) return "";
  const total = pieces.reduce((sum, { count: n }) => sum + n, 0);
  const items = pieces.map(({ reason, count: n, examples }) => h("li", {}, h("p", {}, word("leftOutReason", { n: number(n), reason })), examples.map((text) => h("p", { class: "help" }, text))));
  return h("details", { class: "more left-out" }, h("summary", {}, count("leftOut", total)), h("p", { class: "help" }, word("leftOutHelp")), h("ul", {}, items));
}

// What is seen of a row in the list; all of it is in the panel beside.
function drawRow(row) {
  const marks = [
    row.excluded && ["", row.merged_into ? "mark_merged" : "mark_excluded"],
    row.edited && ["", "mark_edited"],
    row.heldout && ["", "mark_heldout"],
    row.personal?.length && ["warn", "mark_personal"],
    row.findings?.length && ["warn", "mark_finding"],
    row.confidence < UNSURE && ["warn", "mark_uncertain"],
  ].filter(Boolean);
  return [
    h("p", { class: "prompt" }, row.prompt || "–"),
    h("p", { class: "reply" }, row.reply),
    h("p", { class: "marks" }, marks.map(([kind, name]) => h("span", { class: `badge ${kind}` }, word(name)))),
  ];
}
