// Home: the characters, each with its state and what it said last; or, on a first visit, how to begin.

import { get, post } from "./api.js";
import { ago, bytes, number } from "./format.js";
import { follow, LiveList } from "./live.js";
import { characterMenu, runMenu } from "./menu.js";
import { action, badge, command, h, heading, link } from "./parts.js";
import { go, redraw } from "./router.js";
import { word } from "./words.js";

const EVERY = 4000; // milliseconds: sizes are added up

export async function show(main, _, signal) {
  const home = await get("/api/home", signal);
  const isEmpty = ({ characters, runs }) => !characters.length && !runs.length;
  const seen = ({ characters, runs }) => ({ characters, runs });
  const load = async () => seen(await get("/api/home", signal));
  if (isEmpty(home)) {
    main.append(...welcome(home));
    return follow(load, redraw, signal, seen(home), EVERY);
  }
  const begin = h("a", { class: "primary", href: "/text" }, word("newCharacter"));
  const characters = new LiveList((each) => each.name, card, { class: "wall" });
  const others = new LiveList((each) => each.name, runCard, { class: "wall" });
  const beside = h("section", { "aria-labelledby": "other-runs" }, h("h2", { id: "other-runs" }, word("otherRuns")), h("p", { class: "help" }, word("otherRunsHelp")), others.element);
  const draw = (now) => {
    if (isEmpty(now)) return redraw();
    const left = now.runs.filter((run) => !now.characters.some((each) => each.runs.includes(run.name)));
    characters.show(now.characters);
    others.show(left);
    beside.hidden = !left.length;
  };
  draw(home);
  main.append(heading(word("characters"), null, begin), characters.element, beside);
  main.append(h("div", { class: "row end" }, disk(home.disk), tryIt(word("tryAgain"), "quiet")), command(home.command) ?? "");
  follow(load, draw, signal, seen(home), EVERY);
}

/* ---- a first visit ---- */

function welcome(home) {
  const own = h("section", { class: "way" }, h("h2", {}, word("ownTitle")), h("p", {}, word("ownText")), link("/text", word("ownBegin"), "secondary"));
  const demo = h("section", { class: "way" }, h("h2", {}, word("demoTitle")), h("p", {}, word("demoText")), h("p", { class: "help" }, word("demoHonest")), tryIt(word("demoBegin"), "primary"));
  return [heading(word("welcome"), word("welcomeLead")), h("div", { class: "ways" }, demo, own), machine(home.machine), command(home.command)];
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
    h("h2", {}, link(nextPage(character), title), title === name ? "" : h("small", {}, name)),
    h("blockquote", {}, line || word("saidNothing")),
    h("p", { class: "about" }, badge(about[0], state), about.slice(1).join(" · ")),
    h("div", { class: "tools" }, talk, characterMenu(name, redraw)),
  );
}

export function runCard(run) {
  const about = [run.base, run.updated && ago(run.updated)].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: `card ${run.state}`, "data-run": run.name },
    h("h2", {}, link(`/verdict/${encodeURIComponent(run.name)}`, run.name)),
    h("blockquote", {}, run.headline || word("noVerdict")),
    h("p", { class: "about" }, badge(word(`state_${run.state}`), run.state), about),
    h("div", { class: "tools" }, runMenu(run.name, redraw)),
  );
}

function disk({ workspace, free }) {
  return h("p", { class: "help" }, word("disk", { used: bytes(workspace), free: bytes(free) }));
}
