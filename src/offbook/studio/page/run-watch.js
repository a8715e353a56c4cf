// A run as it goes on: the curve, how far it is, and what the character answers to the same questions.

import { listen, path, post } from "./api.js";
import { Curve } from "./curve.js";
import { number } from "./format.js";
import { advance, failure, isOpen, setText, spoken, warned, wasKilled } from "./job.js";
import { action, bar, command, h, note } from "./parts.js";
import { redraw } from "./router.js";
import { word } from "./words.js";

export class RunWatch {
  // `over(isGood)` is told when the run has ended while it was watched, or has ended well; `line` is the command where no
  // job of the studio makes the run.
  constructor(name, signal, over, line) {
    Object.assign(this, { name, signal, over, line });
    this.curve = new Curve(signal);
    this.samples = new Map(); // prompt → {step: reply}
    this.share = bar(word("progress"));
    this.text = h("p", { class: "help" });
    this.aloud = h("p", { class: "sr", role: "status" });
    this.buttons = h("p", { class: "buttons" });
    this.warnings = h("div", { role: "status" });
    this.trouble = h("div", {});
    this.command = h("div", {});
    this.heard = h("section", { class: "heard", "aria-label": word("heard"), hidden: true });
    this.element = h("div", { class: "watch", "data-run": name }, this.share, h("div", { class: "row" }, this.text, this.buttons), this.aloud, this.warnings, this.trouble, this.curve.element, this.heard, this.command);
    this.#listen();
  }

  #listen() {
    const close = listen(`${path("runs", this.name)}/stream`, {
      metrics: (lines) => lines.forEach((line) => this.curve.add(line)),
      samples: (lines) => this.#hear(lines),
      reset: ({ file }) => file === "metrics" && this.curve.clear(),
      state: (state) => {
        if (state.over) close();
        this.#follow(state);
      },
    }, this.signal);
  }

  // `run`: how its folder stands; `job`: the job that trains it, null where that is a terminal's.
  #follow({ run, job }) {
    // Steps without a loss are another training's: one on fewer rows, which tells how many more would help.
    if (job?.progress?.unit === "step" && job.progress.loss !== undefined) this.curve.setTotal(job.progress.total);
    const isUnderWay = job ? isOpen(job) : run === "running";
    const [value, text] = job ? advance(job) : [null, word("working")];
    if (value === null) this.share.removeAttribute("value");
    else this.share.value = value;
    this.share.hidden = !isUnderWay;
    const ended = word(run === "finished" ? "job_done" : run === "empty" && job ? `job_${job.state}` : `runState_${run}`);
    setText(this.text, isUnderWay ? text : ended);
    setText(this.aloud, isUnderWay && job ? spoken(job) : isUnderWay ? text : ended);
    if (this.warnings.childElementCount !== (job?.warnings ?? []).length) this.warnings.replaceChildren(...warned(job));
    const hasEnded = this.wasUnderWay && !isUnderWay;
    this.wasUnderWay = isUnderWay;
    const isSilent = job?.state === "running" && !job.paused && job.silent > 0; // it may not hear that it is to stop
    const state = `${run} ${job?.id} ${job?.state} ${job?.paused} ${isSilent}`;
    if (this.state === state) return;
    this.state = state;
    const address = job && path("jobs", job.id);
    const parts = {
      pause: () => action(word("pause"), () => post(`${address}/pause`, { paused: true }), "secondary", { id: "pause" }),
      unpause: () => action(word("resume"), () => post(`${address}/pause`, { paused: false }), "primary", { id: "unpause" }),
      stop: () => action(word("stop"), () => post(`${address}/stop`), "secondary", { id: "stop" }),
      cancel: () => action(word("cancel"), () => post(`${address}/cancel`), "secondary"),
      resume: () => action(word("resume"), () => this.#resume(), "primary", { id: "resume" }),
    };
    const canResume = !isUnderWay && run === "stopped";
    const shown = { running: [job?.paused ? "unpause" : "pause", "stop", ...(isSilent ? ["cancel"] : [])], queued: ["cancel"] }[job?.state] ?? (canResume ? ["resume"] : []);
    this.buttons.replaceChildren(...shown.map((name) => parts[name]()));
    this.trouble.replaceChildren();
    const isFailed = job?.state === "failed" && run !== "finished";
    if (isFailed || (job && wasKilled(job) && run !== "finished"))
      this.trouble.append(failure(job, run === "stopped" ? null : () => this.#again(address)));
    if (isFailed && canResume && job.error?.inexact)
      this.trouble.append(note(word("inexactHelp")), action(word("inexact"), () => this.#resume(true), "secondary", { id: "inexact" }));
    else if (canResume && !isFailed) this.trouble.append(note(word("stoppedHelp")));
    this.command.replaceChildren(command(job?.command ?? this.line) ?? "");
    if (hasEnded || (run === "finished" && !isUnderWay)) this.over(run === "finished");
  }

  // `inexact`: also where rows or settings have changed since.
  async #resume(inexact = false) {
    await post(`${path("runs", this.name)}/resume`, { inexact });
    await redraw();
  }

  async #again(address) {
    await post(`${address}/resume`);
    await redraw();
  }

  #hear(lines) {
    for (const { step, samples } of lines)
      for (const [prompt, reply] of Object.entries(samples)) this.samples.set(prompt, { ...this.samples.get(prompt), [step]: reply });
    const blocks = [...this.samples].map(([prompt, replies]) => {
      const steps = Object.keys(replies).map(Number).sort((a, b) => b - a);
      const said = steps.map((step) => h("li", {}, h("span", { class: "help" }, step ? word("afterStep", { step: number(step) }) : word("before")), h("p", { class: "reply" }, replies[step] || "…")));
      const earlier = said.length > 1 && h("li", {}, h("details", {}, h("summary", {}, word("earlier")), h("ol", { class: "replies" }, said.slice(1))));
      return h("article", {}, h("h3", {}, prompt), h("ol", { class: "replies" }, said[0], earlier));
    });
    const wasOpen = [...this.heard.querySelectorAll("details")].map((each) => each.open);
    this.heard.replaceChildren(h("h2", {}, word("heard")), ...blocks);
    this.heard.querySelectorAll("details").forEach((each, index) => (each.open = wasOpen[index] ?? false));
    this.heard.hidden = false;
  }
}
