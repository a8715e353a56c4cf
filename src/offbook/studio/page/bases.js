// The models that a character can start from: those that are here, and those that this computer can carry, with what each
// takes; any other one by its name or folder.

import { notify } from "./shared/dom.js";

import { get, patch, path, post } from "./api.js";
import { bytes, duration } from "./format.js";
import { jobProgress } from "./job.js";
import { action, badge, fail, field, h } from "./parts.js";
import { word } from "./words.js";

export async function showBases(box, chosen, name, signal) {
  const address = path("characters", name);
  box.replaceChildren(h("h2", { id: "bases-title" }, word("baseTitle")), h("p", { class: "help" }, word("baseLead")), h("p", { class: "help" }, word("estimating")));
  const bases = await get(`/api/bases?character=${encodeURIComponent(name)}`, signal);
  const known = bases.some((each) => each.source === chosen);
  const all = known ? bases : [{ source: chosen, title: chosen, here: true }, ...bases];
  const list = h("ul", { class: "choices" }, all.map((base) => item(base)));
  box.replaceChildren(h("h2", { id: "bases-title" }, word("baseTitle")), h("p", { class: "help" }, word("baseLead")), list, other());

  async function choose(source) {
    await patch(`${address}/config`, { "model.source": source });
    notify(word("kept"));
    chosen = source;
    const base = bases.find((each) => each.source === source);
    if (base?.here && base.estimate.rough && base.estimate.seconds && !base.estimate.job) list.querySelector(`[data-measure="${CSS.escape(source)}"]`)?.click();
  }

  function item(base) {
    const input = h("input", { type: "radio", name: "base", value: base.source, checked: base.source === chosen });
    input.addEventListener("change", () => choose(base.source).catch(fail));
    const { estimate } = base;
    const figures = [
      !base.here && word("comesLater"),
      base.bytes && word("onDisk", { size: bytes(base.bytes) }),
      estimate?.seconds && word(estimate.rough ? "takesTime" : "tookTime", { time: duration(estimate.seconds) }),
      estimate?.bytes && word("takesMemory", { size: bytes(estimate.bytes) }),
    ].filter(Boolean);
    const progress = h("div", {});
    const measured = () => showBases(box, chosen, name, signal).catch(fail);
    const measure = async () => {
      const { job } = await post(`${address}/estimate`, { source: base.source });
      ask.hidden = true; // it is measured once
      progress.replaceChildren(jobProgress(job, signal, measured));
    };
    const ask = base.here && estimate?.rough && estimate.seconds && !estimate.job && action(word("measure"), measure, "quiet", { "data-measure": base.source, "aria-label": `${word("measure")}: ${base.title ?? base.source}` });
    if (estimate?.job) progress.append(jobProgress(estimate.job, signal, measured));
    const download = !base.here && action(base.bytes ? word("getSized", { size: bytes(base.bytes) }) : word("get"), () => pull(base.source, progress), "secondary", { "aria-label": `${word("get")}: ${base.title ?? base.source}` });
    return h(
      "li",
      { class: base.here ? "" : "away" },
      h("label", {}, input, h("span", {}, h("b", {}, base.title ?? base.source), base.here ? badge(word("isHere"), "good") : "", base.fits === false ? badge(word("tooBig"), "warn") : "", h("span", { class: "help" }, figures.join(" · ")), base.title && base.title !== base.source ? h("span", { class: "help mono" }, base.source) : "")),
      download || ask,
      progress,
    );
  }

  async function pull(source, place) {
    const { job } = await post("/api/bases", { source });
    const done = async () => {
      await choose(source);
      await showBases(box, source, name, signal);
    };
    place.replaceChildren(jobProgress(job, signal, () => done().catch(fail)));
  }

  function other() {
    const input = h("input", { placeholder: "hf:ORG/NAME", autocomplete: "off", spellcheck: "false", required: true });
    const progress = h("div", {});
    const form = h("form", {}, field(word("otherBase"), input, word("otherBaseHelp")), h("button", { class: "secondary" }, word("use")));
    form.onsubmit = async (event) => {
      event.preventDefault();
      try {
        await pull(input.value.trim(), progress);
      } catch (error) {
        fail(error);
      }
    };
    return h("details", { class: "more" }, h("summary", {}, word("otherBaseTitle")), form, progress);
  }
}
