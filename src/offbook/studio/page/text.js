// The text: dropped, chosen or pasted; then who speaks in it, and whose lines are wanted.

import { $ } from "./shared/dom.js";

import { get, path, post, remove } from "./api.js";
import { columnsForm } from "./columns.js";
import { bytes, number } from "./format.js";
import { jobProgress } from "./job.js";
import { action, ask, command, field, h, heading, link, note, problem } from "./parts.js";
import { go, redraw } from "./router.js";
import { dropped, holdsFiles, take } from "./upload.js";
import { count, word, WORDS } from "./words.js";

const SHOWN = 12; // speakers, before the others are asked for

let draft = ""; // what is being pasted, when the page is drawn anew: in the other language, say

export async function show(main, names, signal) {
  if (names[0]) await showSpeakers(main, names, signal);
  else await showBegin(main, signal);
}

/* ---- a text comes in ---- */

async function showBegin(main, signal) {
  const sources = await get("/api/sources", signal);
  const chosen = () => {
    const files = [...input.files];
    input.value = ""; // else the same file could not be chosen again, after it has failed
    return take(files, arriving, signal);
  };
  const input = h("input", { type: "file", id: "file", class: "sr", multiple: true, onchange: chosen });
  const arriving = h("div", { role: "status" });
  const drop = h(
    "label",
    { class: "drop", for: "file" },
    h("b", {}, word("drop")),
    h("span", {}, word("dropKinds")),
  );
  const over = (isOver) => drop.classList.toggle("over", isOver);
  document.addEventListener("dragover", (event) => over(holdsFiles(event)), { signal });
  document.addEventListener("dragleave", (event) => event.relatedTarget || over(false), { signal });
  document.addEventListener("drop", async (event) => {
    over(false);
    if (!holdsFiles(event)) return;
    try {
      await take(await dropped(event), arriving, signal);
    } catch (error) {
      arriving.replaceChildren(problem(error.message)); // nothing in it, or not to be read
    }
  }, { signal });
  const pasted = h("textarea", { rows: "6", placeholder: word("pasteExample"), oninput: () => (draft = pasted.value) });
  pasted.value = draft;
  const usePasted = async () => {
    if (!pasted.value.trim()) return pasted.focus();
    if (await take([new File([pasted.value], word("pastedName"))], arriving, signal)) draft = "";
  };
  main.append(heading(word("textTitle"), word("textLead")), input, drop, arriving);
  main.append(h("details", { class: "paste", open: draft !== "" }, h("summary", {}, word("paste")), field(word("pasteLabel"), pasted), action(word("usePasted"), usePasted, "secondary")));
  if (sources.length) main.append(h("h2", {}, word("texts")), h("ul", { class: "plain-list" }, sources.map(sourceItem)));
  main.append(note(word("textStays")), command("offbook extract FILE --list"));
}

function sourceItem({ name, bytes: size }) {
  const destroy = async () => {
    const title = word("deleteTitle", { name });
    if (!(await ask({ title, lines: [word("deleteText")], confirm: word("delete"), danger: true }))) return;
    await remove(path("sources", name));
    await redraw();
  };
  const label = word("deleteTitle", { name });
  return h("li", {}, link(`/text/${encodeURIComponent(name)}`, name), h("span", { class: "help" }, bytes(size)), action(word("delete"), destroy, "quiet", { "aria-label": label }));
}

/* ---- who speaks ---- */

async function showSpeakers(main, names, signal) {
  const [first, ...also] = names;
  const name = names.join(word("comma"));
  const asked = new URLSearchParams(location.search);
  const [format, columns] = [asked.get("format") ?? "auto", asked.get("columns") ?? ""];
  const query = new URLSearchParams([["format", format], ["columns", columns], ...also.map((each) => ["also", each])]);
  const source = await get(`${path("sources", first)}?${query}`, signal);
  if (source.job && !source.speakers) {
    main.append(heading(name, word("reading")));
    const redo = () => signal.aborted || redraw();
    main.append(jobProgress(source.job, signal, redo, redo, redo));
    return;
  }
  if (!source.speakers.length) {
    const { message, fix } = source.error ?? {};
    main.append(heading(word("notRead", { name })), problem(message ? [message, fix].filter(Boolean).join("\n") : word("nobodySpeaks")));
    main.append(columnsForm(source, { format, columns }), readAs(source, format), h("p", {}, link("/text", word("otherText"))), command(source.command) ?? "");
    return;
  }
  const about = [source.format && word("format", { format: formatName(source.format, source.formats) }), bytes(source.bytes)].filter(Boolean).join(" · ");
  main.append(heading(word("whoTitle"), word("whoLead", { name })));
  main.append(h("p", { class: "about" }, about), ...(source.notes ?? []).map(note));
  main.append(choice(source, names, { format, columns }, signal), columnsForm(source, { format, columns }), readAs(source, format), command(source.command) ?? "");
}

// What the text is to be read as, where that was not seen or is seen wrongly: scripts and books first, then chats.
function readAs({ formats }, format) {
  if (!formats) return "";
  const names = formats.map(({ name }) => name);
  const isChat = (each) => !(`read_${each}` in WORDS.en);
  const all = ["auto", ...names.toSorted((a, b) => isChat(a) - isChat(b))];
  const change = () => go(select.value === "auto" ? location.pathname : `${location.pathname}?${new URLSearchParams({ format: select.value })}`, { replace: true });
  const select = h("select", { id: "read-as", onchange: change }, all.map((each) => h("option", { value: each, selected: each === format }, formatName(each, formats))));
  return h("p", { class: "row read-as" }, h("label", {}, word("readAs"), " ", select));
}

// What a text is read as, in words: a format of scripts and books has a short one here, a chat what the server calls it.
function formatName(format, formats = []) {
  if (`read_${format}` in WORDS.en) return word(`read_${format}`);
  const title = formats.find(({ name }) => name === format)?.title ?? format;
  return title[0].toUpperCase() + title.slice(1);
}

function choice(source, [file, ...others], reading, signal) {
  const most = source.speakers.reduce((top, { lines }) => Math.max(top, lines), 1);
  let role = null;
  const also = new Set();
  const list = h("ul", { class: "speakers" });
  const foot = h("form", { class: "foot" });
  const more = action(word("allSpeakers", { n: number(source.speakers.length) }), async () => {
    more.remove();
    draw(source.speakers.length);
  });

  function draw(shown) {
    list.replaceChildren(...source.speakers.slice(0, shown).map((speaker) => item(speaker)));
  }

  function item(speaker) {
    const isRole = role === speaker;
    const total = isRole ? speaker.lines + [...also].reduce((sum, each) => sum + each.lines, 0) : speaker.lines;
    const choose = h("button", { type: "button", class: "speaker", "aria-pressed": String(isRole), onclick: () => pick(speaker) }, h("b", {}, speaker.name), h("span", { class: "help" }, count("lines", total)));
    const merge = role && !isRole && h("button", { type: "button", class: "secondary same", "aria-pressed": String(also.has(speaker)), onclick: () => toggle(speaker) }, also.has(speaker) ? word("isSame", { name: role.name }) : word("sameAs", { name: role.name }));
    const names = speaker.aliases?.length ? h("p", { class: "help" }, word("alsoCalled", { names: speaker.aliases.join(word("comma")) })) : "";
    const share = h("span", { class: "share", "aria-hidden": "true" }, h("i", {}));
    share.firstChild.style.width = `${(100 * speaker.lines) / most}%`;
    return h("li", { class: isRole ? "chosen" : also.has(speaker) ? "merged" : "" }, choose, share, names, h("ul", { class: "samples" }, speaker.samples.slice(0, 2).map((sample) => h("li", {}, sample))), merge);
  }

  function pick(speaker) {
    role = speaker;
    also.delete(speaker);
    draw(list.children.length);
    drawFoot();
    list.querySelector(".chosen .speaker").focus({ preventScroll: true });
  }

  function toggle(speaker) {
    if (!also.delete(speaker)) also.add(speaker);
    draw(list.children.length);
    list.children[source.speakers.indexOf(speaker)].querySelector(".same").focus({ preventScroll: true });
  }

  function drawFoot() {
    const input = h("input", { name: "name", required: true, maxlength: "60", autocomplete: "off" });
    input.value = role.name;
    const fault = h("div", {});
    foot.replaceChildren(field(word("characterName"), input, word("characterNameHelp")), fault, h("button", { class: "primary" }, word("takeLines", { name: role.name })));
    foot.onsubmit = async (event) => {
      event.preventDefault();
      foot.querySelector("button").disabled = true;
      try {
        const aliases = [...also].flatMap((each) => [each.name, ...(each.aliases ?? [])]);
        const body = { source: file, also: others, ...reading, role: role.name, aliases: [...(role.aliases ?? []), ...aliases], name: input.value.trim() };
        const made = await post("/api/characters", body);
        const target = `/lines/${encodeURIComponent(made.name)}`;
        if (!made.job) return void (await go(target));
        document.querySelector(".page-text > .command")?.remove(); // the job shows its own
        foot.replaceChildren(jobProgress({ ...made.job, command: made.command }, signal, () => go(target)));
      } catch (error) {
        foot.querySelector("button").disabled = false;
        fault.replaceChildren(problem(error.message));
      }
    };
  }

  draw(SHOWN);
  return h("div", {}, list, source.speakers.length > SHOWN ? more : "", foot);
}
