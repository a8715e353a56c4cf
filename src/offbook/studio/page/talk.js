// Talk: the chat page of `offbook serve`, which the studio starts for the run and passes on.

import { get, path, pause, post } from "./api.js";
import { failure } from "./job.js";
import { action, bar, command, fail, h, heading } from "./parts.js";
import { redraw } from "./router.js";
import { word } from "./words.js";

const EVERY = 20000; // milliseconds

export async function show(main, [name], signal) {
  const { job, address, command: line } = await post(`${path("runs", name)}/talk`, {}, signal);
  const status = h("p", { class: "help", role: "status" }, word("comingOn"));
  const stage = h("div", { class: "stage" }, status, bar(word("comingOn")));
  main.append(heading(word("talkTitle"), null, h("a", { class: "secondary", href: `/take/${encodeURIComponent(name)}` }, word("toTake"))), stage, command(line) ?? "");
  bringOn(job, address, name, stage, signal).catch(fail);
}

// Show the chat page once it answers: the page around it is there meanwhile.
async function bringOn(job, address, name, stage, signal) {
  if (!(await isUp(job, address, signal))) return void stage.replaceChildren(failure(await get(path("jobs", job.id), signal), redraw));
  stage.replaceChildren(...frame(address, name));
  await accompany(job, stage, signal);
}

// Ask for the character again and again, out of sight, too: it leaves the stage when no page does, and when nobody has
// said anything for long. What was said is kept by the browser.
async function accompany(job, stage, signal) {
  for (;;) {
    await pause(EVERY, signal);
    const { state } = await get(path("jobs", job.id), signal).catch((error) => {
      if (error.status === 0) return { state: "running" }; // the studio is away; the character is not
      throw error;
    });
    if (state === "running") continue;
    return void stage.prepend(h("div", { class: "row", role: "status" }, h("p", {}, word("hasLeft")), action(word("bringBack"), redraw, "primary", { id: "bring-back" })));
  }
}

// Wait until the chat page answers; false if its process has ended instead.
async function isUp(job, address, signal) {
  for (;;) {
    const response = await fetch(`${address}health`, { signal }).catch((error) => {
      if (error.name === "AbortError") throw error;
    });
    if (response?.ok) return true;
    const { state } = await get(path("jobs", job.id), signal);
    if (!["queued", "running"].includes(state)) return false;
    await pause(300, signal);
  }
}

function frame(address, name) {
  const source = `${address}#${new URLSearchParams({ model: name })}`;
  return [h("iframe", { src: source, title: word("chat"), class: "chat" }), h("p", {}, h("a", { href: source, target: "_blank", rel: "noopener" }, word("ownWindow")))];
}
