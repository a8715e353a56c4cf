// What the check has found in the lines, each with the setting that mends it as a button.

import { notify } from "./shared/dom.js";

import { get, patch, post } from "./api.js";
import { ago } from "./format.js";
import { failure, isOpen, jobProgress } from "./job.js";
import { action, command, h } from "./parts.js";
import { settingName, word } from "./words.js";

const SIGNS = { bad: "✕", note: "!", good: "✓" };
// How far rows are from being good to train on → how a finding is marked.
const TONES = { "not yet": "bad", usable: "note" };

// `isUpdate`: it may have changed elsewhere; a check that is already followed here stays.
export async function showFindings(box, address, signal, isUpdate = false) {
  const { job, findings, level, stale } = await get(`${address}/check`, signal);
  if (isUpdate && box.querySelector("[data-job]")) return;
  const wasOpen = box.querySelector("details.found")?.open;
  const again = () => showFindings(box, address, signal);
  const check = async () => {
    box.replaceChildren(jobProgress(await post(`${address}/check`, { data_only: true }), signal, again, check));
  };
  if (job && isOpen(job)) return box.replaceChildren(jobProgress(job, signal, again, check));
  if (level === null) {
    const begin = action(word("checkNow"), check, "secondary", { id: "check" });
    box.replaceChildren(h("div", { class: "row" }, h("p", { class: "help" }, word("checkLead")), begin), job?.state === "failed" ? failure(job) : "");
    return;
  }
  const items = findings.map((finding) => drawFinding(finding, address));
  box.replaceChildren(
    h(
      "details",
      { class: "found", open: wasOpen ?? (findings.length > 0 && findings.length < 6) },
      h("summary", {}, findings.length ? word("found", { n: findings.length }) : word("foundNothing"), h("span", { class: "help" }, ` · ${stale ? word("stale") : ago(job.ended)}`)),
      h("ul", { class: "verdict" }, items),
      h("p", {}, action(word("checkAgain"), check, "secondary", { id: "check" })),
      command(job.command) ?? "",
    ),
  );
}

// A finding: {text, effect, fix, level, option}, with what its option does as a button.
function drawFinding({ text, effect, fix, level, option }, address) {
  const tone = TONES[level] ?? level;
  const about = [effect, fix].filter(Boolean).map((each) => h("p", { class: "help" }, each));
  return h("li", { class: tone }, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[tone] ?? "!"), h("div", {}, h("p", {}, text), about, option && optionButton(option, address)));
}

function optionButton({ key, value }, address) {
  const label = word("setOption", { key: settingName(key), value });
  const made = action(label, async () => {
    await patch(`${address}/config`, { [key]: value });
    made.replaceWith(h("span", { class: "help" }, word("optionSet")));
    notify(word("optionSet"));
  }, "secondary option", { title: key });
  return made;
}
