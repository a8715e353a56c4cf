// The way through: from the text to the character that is taken along. It is shown above each of its pages.

import { $ } from "./shared/dom.js";

import { get, path } from "./api.js";
import { h } from "./parts.js";
import { word } from "./words.js";

// Page → whether its address names a character or a run.
const STEPS = { text: "source", lines: "character", character: "character", rehearse: "character", verdict: "run", talk: "run", take: "run" };

// Which {source, character, run} the pages are about, as far as it is known.
async function subject(page, names, signal) {
  const [name] = names;
  if (!name || STEPS[page] === "source") return { source: names };
  if (STEPS[page] === "run") {
    const run = await get(path("runs", name), signal).catch(() => null);
    const character = run?.character ? await get(path("characters", run.character), signal).catch(() => null) : null;
    return { run: name, character: character?.name, source: sourceOf(character) };
  }
  const character = await get(path("characters", name), signal).catch(() => null);
  const run = character?.runs.find((each) => each.state === "finished");
  return { source: sourceOf(character), character: name, run: run?.name };
}

// The texts that a character's lines were taken from, if they are known.
function sourceOf(character) {
  const { source, also = [] } = character?.extract?.details ?? {};
  return source && [source, ...also];
}

export async function drawStory(page, names, signal) {
  const nav = $("story");
  if (!(page in STEPS)) {
    nav.hidden = true;
    return;
  }
  const about = await subject(page, names, signal);
  if (signal.aborted) return;
  const items = Object.entries(STEPS).map(([step, kind], index) => {
    const label = [h("i", { "aria-hidden": "true" }, String(index + 1)), h("span", {}, word(`step_${step}`))];
    const target = about[kind] ?? (step === "text" ? [] : undefined);
    if (target === undefined && step !== page) return h("li", {}, h("span", { class: "later" }, label));
    const href = `/${[step, target ?? []].flat().map(encodeURIComponent).join("/")}`;
    return h("li", {}, h("a", { href, "aria-current": step === page ? "step" : undefined }, label));
  });
  nav.querySelector("ol").replaceChildren(...items);
  nav.hidden = false;
  const current = nav.querySelector("[aria-current]");
  if (current) nav.scrollLeft = current.offsetLeft - nav.clientWidth / 2 + current.offsetWidth / 2;
}
