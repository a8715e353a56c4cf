// Home: the characters, each with its state and what it said last; or, on a first visit, how to begin.

import { notify } from "./shared/dom.js";

import { get, patch, path, post, remove } from "./api.js";
import { ago, bytes, number } from "./format.js";
import { action, ask, badge, command, h, heading, link } from "./parts.js";
import { go, redraw } from "./router.js";
import { word } from "./words.js";

export async function show(main, _, signal) {
  const home = await get("/api/home", signal);
  const others = home.runs.filter((run) => !home.characters.some((each) => each.runs.includes(run.name)));
  if (!home.characters.length && !others.length) return main.append(...welcome(home));
  const begin = h("a", { class: "primary", href: "/text" }, word("newCharacter"));
  main.append(heading(word("characters"), null, begin));
  main.append(h("ul", { class: "wall" }, home.characters.map(card)));
  if (others.length) {
    main.append(h("h2", {}, word("otherRuns")), h("p", { class: "help" }, word("otherRunsHelp")));
    main.append(h("ul", { class: "wall" }, others.map(runCard)));
  }
  main.append(h("div", { class: "row end" }, disk(home.disk), tryIt(word("tryAgain"), "quiet")), command(home.command) ?? "");
}

/* ---- a first visit ---- */

function welcome(home) {
  const own = h("section", { class: "way" }, h("h2", {}, word("ownTitle")), h("p", {}, word("ownText")), link("/text", word("ownBegin"), "secondary"));
  const demo = h("section", { class: "way" }, h("h2", {}, word("demoTitle")), h("p", {}, word("demoText")), h("p", { class: "help" }, word("demoHonest")), tryIt(word("demoBegin"), "primary"));
  return [heading(word("welcome"), word("welcomeLead")), h("div", { class: "ways" }, demo, own), machine(home.machine)];
}

function tryIt(label, className) {
  return action(label, async () => {
    const { name } = await post("/api/demo");
    await go(`/rehearse/${encodeURIComponent(name)}`);
  }, className, { id: "demo" });
}

function machine({ cores, memory }) {
  return h("p", { class: "help machine" }, word("thisMachine", { cores: number(cores), memory: bytes(memory) }));
}

/* ---- the wall ---- */

// The page where a character's story goes on, by its state.
export function nextPage({ name, state, run }) {
  const page = { running: "rehearse", stopped: "rehearse", finished: "verdict" }[state] ?? "lines";
  return `/${page}/${encodeURIComponent(page === "verdict" ? run : name)}`;
}

function card(character) {
  const { name, title, state, run, last_line: line, bytes: size, updated } = character;
  const about = [word(`state_${state}`) ?? state, size && bytes(size), updated && ago(updated)].filter(Boolean);
  const talk = state === "finished" && link(`/talk/${encodeURIComponent(run)}`, word("step_talk"), "secondary");
  return h(
    "li",
    { class: `card ${state}`, "data-name": name },
    h("h2", {}, link(nextPage(character), title)),
    h("blockquote", {}, line || word("saidNothing")),
    h("p", { class: "about" }, badge(about[0], state), about.slice(1).join(" · ")),
    h("div", { class: "tools" }, talk, menu(character)),
  );
}

function runCard(run) {
  const about = [run.base, run.updated && ago(run.updated)].filter(Boolean).join(" · ");
  const address = `/${run.state === "finished" ? "verdict" : "run"}/${encodeURIComponent(run.name)}`;
  return h(
    "li",
    { class: `card ${run.state}`, "data-run": run.name },
    h("h2", {}, link(address, run.name)),
    h("blockquote", {}, run.headline || word("noVerdict")),
    h("p", { class: "about" }, badge(word(`state_${run.state}`), run.state), about),
  );
}

function menu({ name }) {
  const address = path("characters", name);
  const rename = async () => {
    const fields = { name: { label: word("name"), value: name } };
    const values = await ask({ title: word("renameTitle", { name }), fields, confirm: word("rename") });
    if (!values || values.name === name) return;
    await patch(address, { name: values.name });
    await redraw();
  };
  const duplicate = async () => {
    await post(`${address}/duplicate`);
    await redraw();
  };
  const destroy = async () => {
    const { files, runs } = await get(`${address}/size`);
    const size = files.reduce((sum, file) => sum + file.bytes, 0);
    const lines = [word("deleteWhat"), word("deleteLines", { size: bytes(size) })];
    const also = word("deleteRuns", { n: number(runs.length), size: bytes(runs.reduce((sum, run) => sum + run.bytes, 0)) });
    const fields = runs.length ? { runs: { label: also, type: "checkbox", value: "yes", required: false } } : {};
    const values = await ask({ title: word("deleteTitle", { name }), lines, fields, confirm: word("delete"), danger: true });
    if (!values) return;
    await remove(values.runs ? `${address}?runs=true` : address);
    await redraw();
    notify(word("deleted", { name }));
  };
  return h(
    "details",
    { class: "menu" },
    h("summary", { "aria-label": word("more", { name }) }, "⋯"),
    h("div", {}, action(word("rename"), rename), action(word("duplicate"), duplicate), action(word("delete"), destroy)),
  );
}

function disk({ workspace, free }) {
  return h("p", { class: "help" }, word("disk", { used: bytes(workspace), free: bytes(free) }));
}
