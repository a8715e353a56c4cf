// The jobs: what runs, what waits and in which order, what came of the others.

import { get, path, post } from "./api.js";
import { ago } from "./format.js";
import { advance, failure, isOpen, wasKilled } from "./job.js";
import { action, badge, bar, command, fail, h, heading, link, problem } from "./parts.js";
import { word } from "./words.js";

const EVERY = 1500; // milliseconds
const SHOWN = 30; // of those that have ended

// Kind of job → the page where its subject is seen.
const PLACES = { speakers: "text", extract: "lines", check: "lines", train: "rehearse", eval: "verdict", export: "take", push: "take", talk: "talk" };

export async function show(main, _, signal) {
  const lists = h("div", {});
  main.append(heading(word("jobs"), word("jobsLead")), lists);
  let drawn = "";

  async function look() {
    const jobs = await get("/api/jobs", signal);
    const text = JSON.stringify(jobs);
    if (text === drawn) return;
    drawn = text;
    draw(jobs);
  }

  function draw(jobs) {
    const focus = document.activeElement?.dataset?.key;
    const open = jobs.filter(isOpen);
    const ended = jobs.filter((job) => !isOpen(job)).sort((a, b) => (b.ended ?? b.created) - (a.ended ?? a.created));
    const waiting = open.filter((job) => job.state === "queued");
    const opened = new Set([...lists.querySelectorAll("details[open]")].map((each) => each.closest("[data-job]")?.dataset.job));
    lists.replaceChildren(
      h("h2", {}, word("openJobs")),
      open.length ? h("ol", { class: "jobs" }, open.map((job) => item(job, waiting, look))) : h("p", { class: "help" }, word("noJobs")),
      ended.length ? h("h2", {}, word("endedJobs")) : "",
      h("ol", { class: "jobs" }, ended.slice(0, SHOWN).map((job) => item(job, waiting, look))),
    );
    for (const each of lists.querySelectorAll("details")) each.open = opened.has(each.closest("[data-job]").dataset.job);
    if (focus) lists.querySelector(`[data-key=${CSS.escape(focus)}]`)?.focus();
  }

  await look();
  const timer = setInterval(() => document.hidden || look().catch(fail), EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
}

function item(job, waiting, look) {
  const address = path("jobs", job.id);
  const [share, text] = advance(job);
  const place = waiting.indexOf(job);
  const act = (name, run, key, shown = name) => action(shown, async () => {
    await run();
    await look();
  }, "quiet", { "data-key": `${key}-${job.id}`, "aria-label": name });
  const before = (other) => () => post(`${address}/move`, { before: other?.id ?? null });
  const title = word(`kind_${job.kind}`, { subject: job.subject });
  const target = addressOf(job);
  const tools = [
    place > 0 && act(word("earlierJob"), before(waiting[place - 1]), "up", "↑"),
    place >= 0 && place < waiting.length - 1 && act(word("laterJob"), before(waiting[place + 2]), "down", "↓"),
    isOpen(job) && act(word("cancelJob", { title }), () => post(`${address}/cancel`), "cancel", word("cancel")),
    ["interrupted", "cancelled"].includes(job.state) && act(word("resumeJob", { title }), () => post(`${address}/resume`), "resume", word("resume")),
  ];
  const isFailed = job.state === "failed";
  return h(
    "li",
    { class: `job ${job.state}`, "data-job": job.id },
    h("div", { class: "row" }, h("b", {}, target ? link(target, title) : title), badge(word(`job_${job.state}`), job.state), h("span", { class: "help" }, ago(job.ended ?? job.started ?? job.created)), h("span", { class: "tools" }, tools)),
    job.state === "running" && job.kind !== "talk" ? [bar(title, share), h("p", { class: "help" }, text)] : "",
    isFailed ? trouble(job, target, async () => {
      await post(`${address}/resume`);
      await look();
    }) : wasKilled(job) ? failure(job) : "",
    command(job.command) ?? "",
  );
}

// Where what a job is about is seen; a text with the others that are read with it, and as what it was read.
function addressOf({ kind, subject, details }) {
  if (!PLACES[kind]) return null;
  const address = `/${[PLACES[kind], details?.character ?? subject, ...((kind === "speakers" && details?.also) || [])].map(encodeURIComponent).join("/")}`;
  if (kind !== "speakers" || details.format === "auto") return address;
  return `${address}?${new URLSearchParams({ format: details.format, columns: details.columns ?? "" })}`;
}

// What has gone wrong. A text that cannot be read is not read better by trying again: its page has what helps.
function trouble(job, target, again) {
  if (job.kind !== "speakers" || !job.error) return failure(job, again);
  return h("div", {}, problem(job.error.text), h("p", {}, link(target, word("whatHelps"), "secondary option")));
}
