// The rehearsal: one button; then the loss as it falls and what the character says, while it learns.

import { get, path, post } from "./api.js";
import { bytes, duration } from "./format.js";
import { configForm } from "./form.js";
import { runCard } from "./home.js";
import { isOpen } from "./job.js";
import { follow } from "./live.js";
import { action, ask, command, fail, h, heading, note } from "./parts.js";
import { go, redraw } from "./router.js";
import { RunWatch } from "./run-watch.js";
import { count, word } from "./words.js";

const EVERY = 4000; // milliseconds

export async function show(main, [name], signal) {
  const address = path("characters", name);
  const [character, { options }, { values }, jobs] = await Promise.all([
    get(address, signal),
    get("/api/config/schema", signal),
    get(`${address}/config`, signal),
    get("/api/jobs", signal),
  ]);
  const { run, state } = newest(character.runs, training(jobs, name));
  const isRehearsing = state === "running";
  const begin = async () => {
    const isAgain = state === "finished" || state === "stopped";
    if (isAgain && !(await ask({ title: word("againTitle"), lines: [word("againText")], confirm: word("begin") }))) return;
    await post(`${address}/train`);
    await redraw();
  };
  const button = !isRehearsing && action(word(run ? "trainAgain" : "begin"), begin, run ? "secondary" : "primary", { id: "train" });
  const verdict = state === "finished" && h("a", { class: "primary", href: `/verdict/${encodeURIComponent(run)}` }, word("toVerdict"));
  const lead = isRehearsing ? word("rehearseOpen") : word("rehearseLead");
  main.append(heading(word("rehearseTitle", { name: values["persona.name"] }), lead, h("div", { class: "actions" }, button, verdict)));
  if (character.expect) main.append(note(character.expect));
  if (!isRehearsing) main.append(summary(name, character, values, signal));
  if (run) {
    const over = (isGood) => isRehearsing && !signal.aborted && (isGood ? go(`/verdict/${encodeURIComponent(run)}`) : redraw());
    main.append(new RunWatch(run, signal, over, character.command).element);
  }
  const others = character.runs.filter((each) => each.name !== run || !isRehearsing);
  if (others.length) main.append(h("h2", {}, word("runs")), h("ul", { class: "wall" }, others.map(runCard)));
  if (isRehearsing) return;
  const load = async () => {
    const [now, open] = await Promise.all([get(address, signal), get("/api/jobs", signal)]);
    return newest(now.runs, training(open, name));
  };
  follow(load, redraw, signal, { run, state }, EVERY); // another page, or a terminal, may begin it
  if (!run) main.append(command(character.command));
  main.append(h("details", { class: "more", id: "details" }, h("summary", {}, word("details")), note(word("detailsHelp")), configForm(options, values, address)));
}

// The job that trains a character, or did so last.
const training = (jobs, name) => jobs.filter((each) => each.kind === "train" && each.subject === name).sort((a, b) => b.created - a.created)[0];

// The run that is shown and how it stands: the one that a job makes now or could not make, else the last one.
function newest(runs, job) {
  const [last] = runs;
  // A run whose job is done and that is not there was deleted or renamed.
  const isLater = job && (isOpen(job) || (job.state !== "done" && (!last || job.created > last.updated)));
  if (!isLater) return { run: last?.name, state: last?.state };
  const made = runs.find((each) => each.name === job.details.run);
  return { run: job.details.run, state: isOpen(job) ? "running" : (made?.state ?? "failed") };
}

// What will be learned, from which model, and roughly how long that takes.
function summary(name, { trained_rows: rows }, values, signal) {
  const facts = h("dl", { class: "facts" });
  const shown = {};
  const add = (term, text) => facts.append(h("div", {}, h("dt", {}, word(term)), (shown[term] = h("dd", {}, text))));
  add("lines_fact", count("lines", rows));
  add("base_fact", values["model.source"]);
  add("time_fact", "…");
  add("memory_fact", "…");
  get(`/api/bases?character=${encodeURIComponent(name)}`, signal)
    .then((bases) => {
      const { title, estimate } = bases.find((base) => base.source === values["model.source"]) ?? {};
      if (title) shown.base_fact.textContent = title;
      shown.time_fact.textContent = estimate?.seconds ? word("about", { time: duration(estimate.seconds) }) : "–";
      shown.memory_fact.textContent = estimate?.bytes ? bytes(estimate.bytes) : "–";
    })
    .catch(fail);
  return facts;
}
