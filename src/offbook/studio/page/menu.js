// What can be done with a character or a run: renamed, duplicated, deleted, after it was said what goes.

import { notify } from "./shared/dom.js";

import { get, patch, path, post, remove } from "./api.js";
import { bytes } from "./format.js";
import { action, ask, h } from "./parts.js";
import { count, word } from "./words.js";

// `done(name)` follows a change: the new name, or null when the character is deleted.
export function characterMenu(name, done) {
  const address = path("characters", name);
  const duplicate = async () => done((await post(`${address}/duplicate`)).name);
  const destroy = async () => {
    const { files, runs } = await get(`${address}/size`);
    const lines = [word("deleteWhat"), word("deleteLines", { size: bytes(sum(files)) })];
    const also = count("deleteRuns", runs.length, { size: bytes(sum(runs)) });
    const fields = runs.length ? { runs: { label: also, type: "checkbox", value: "yes", required: false } } : {};
    const values = await ask({ title: word("deleteTitle", { name }), lines, fields, confirm: word("delete"), danger: true });
    if (values) await deleted(name, values.runs ? `${address}?runs=true` : address, done);
  };
  return menu(name, [word("rename"), () => rename(name, address, done)], [word("duplicate"), duplicate], [word("delete"), destroy]);
}

// The same for a run.
export function runMenu(name, done) {
  const address = path("runs", name);
  const destroy = async () => {
    const { bytes: size, parts } = await get(`${address}/size`);
    const lines = [word("deleteWhat"), word("deleteRun", { size: bytes(size) }), parts.map((part) => `${word(`part_${part.path}`)} (${bytes(part.bytes)})`).join(word("comma"))];
    const values = await ask({ title: word("deleteTitle", { name }), lines: lines.filter(Boolean), confirm: word("delete"), danger: true });
    if (values) await deleted(name, address, done);
  };
  return menu(name, [word("rename"), () => rename(name, address, done)], [word("delete"), destroy]);
}

async function rename(name, address, done) {
  const fields = { name: { label: word("name"), value: name } };
  const values = await ask({ title: word("renameTitle", { name }), fields, confirm: word("rename") });
  if (values && values.name.trim() !== name) await done((await patch(address, { name: values.name })).name);
}

async function deleted(name, address, done) {
  await remove(address);
  await done(null);
  notify(word("deleted", { name }));
}

function menu(name, ...items) {
  const box = h("details", { class: "menu" }, h("summary", { "aria-label": word("more", { name }) }, "⋯"));
  box.append(h("div", {}, items.map(([label, run]) => action(label, async () => {
    box.open = false;
    box.querySelector("summary").focus(); // a dialog gives the focus back to what had it
    await run();
  }))));
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false;
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    box.open = false;
    box.querySelector("summary").focus();
  });
  return box;
}

const sum = (parts) => parts.reduce((total, part) => total + part.bytes, 0);
