// A job as it goes on: what it does, how far it is, how long it will take, and a way to end it.

import { get, path, pause, post } from "./api.js";
import { bytes, duration, number } from "./format.js";
import { action, bar, command, fail, h, problem } from "./parts.js";
import { WORDS, word } from "./words.js";

const EVERY = 700; // milliseconds

export const isOpen = (job) => job.state === "queued" || job.state === "running";

// How far a job is, as [share from 0 to 1 or null, text].
export function advance({ state, paused, stage, progress, silent }) {
  if (state === "queued") return [null, word("waiting")];
  if (paused) return [progress?.total ? progress.done / progress.total : null, word("paused")];
  const parts = [stage ?? word("working")];
  const quiet = silent ? [word("silent", { n: number(silent) })] : [];
  if (!progress?.total) return [null, [...parts, ...quiet].join(" · ")];
  const { unit } = progress;
  const amount = unit === "byte" ? bytes : number;
  const counted = { done: amount(progress.done), total: amount(progress.total) };
  parts.push(`of_${unit}` in WORDS.en ? word(`of_${unit}`, counted) : word("of", counted));
  // While it speaks, that is not the time that the stage takes.
  if (progress.seconds_left && unit !== "token" && !silent) parts.push(word("timeLeft", { time: duration(progress.seconds_left) }));
  return [progress.done / progress.total, [...parts, ...quiet].join(" · ")];
}

// What a screen reader is told of a job: what it does, not each of its steps, which would be told without end.
export function spoken({ state, paused, stage }) {
  if (state === "queued") return word("waiting");
  return paused ? word("paused") : (stage ?? word("working"));
}

// Change a text only where it is another: it may be read aloud.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Whether a job's process was ended from outside, without a word.
export const wasKilled = (job) => job.state === "interrupted" && job.exit_code === null;

// What has gone wrong with a job, with what to do, and how to begin again.
export function failure(job, again) {
  const { text, fix } = job.error ?? {};
  const other = { failed: "jobFailed", interrupted: wasKilled(job) ? "jobKilled" : "job_interrupted" }[job.state] ?? `job_${job.state}`;
  const lines = [text ?? word(other), fix].filter(Boolean);
  return h("div", {}, problem(lines.join("\n")), again && action(word("again"), again, "secondary"));
}

// What a job has warned of.
export const warned = (job) => (job?.warnings ?? []).map((text) => h("p", { class: "remark warned" }, text));

// Look at a job until it has ended or the page is left; `change` is told it each time.
export async function watch(job, signal, change) {
  for (;;) {
    change(job);
    if (!isOpen(job)) return job;
    await pause(EVERY, signal);
    job = await get(path("jobs", job.id), signal);
  }
}

// A bar for a job; `done(job)` follows if all went well. Else it is replaced by what went wrong, with a button for
// `again`; a page that shows that in its own way has `failed(job)` do so.
export function jobProgress(job, signal, done, again, failed) {
  const share = bar(word("progress"));
  const text = h("p", { class: "help" });
  const aloud = h("p", { class: "sr", role: "status" });
  const cancel = action(word("cancel"), () => post(path("jobs", job.id, "cancel")));
  const box = h("div", { class: "job", "data-job": job.id }, share, h("div", { class: "row" }, text, cancel), aloud, command(job.command) ?? "");
  watch(job, signal, (now) => {
    const [value, said] = advance(now);
    if (value === null) share.removeAttribute("value");
    else share.value = value;
    setText(text, said);
    setText(aloud, spoken(now));
  })
    .then((ended) => {
      if (ended.state === "done") return done(ended);
      if (ended.state === "failed" && failed) return failed(ended);
      box.replaceChildren(failure(ended, again ?? (() => restart(ended, box, signal, done))));
    })
    .catch(fail);
  return box;
}

// Begin a job that was ended or has failed anew, where it stands.
async function restart(job, box, signal, done) {
  const next = await post(path("jobs", job.id, "resume"));
  box.replaceWith(jobProgress(next.job ?? next, signal, done));
}
