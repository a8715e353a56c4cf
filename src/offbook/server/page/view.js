// What is seen of a talk.

import { $, button, element } from "./dom.js";
import { word } from "./i18n.js";
import { rememberedFrom, title, version } from "./talks.js";

// `actions`: again(), edit(index), step(index, by). `busy`: replies are growing.
export function drawTalk(talks, character, busy, actions) {
  const turns = talks.turns;
  const remembered = rememberedFrom(turns, character.greeting);
  const items = turns.map((turn, index) => {
    const item = turn.role === "user" ? drawLine(turn) : drawReplies(turn, character);
    item.append(drawTools(turn, index, index === turns.length - 1, busy, actions));
    item.classList.toggle("forgotten", index < remembered && !(index === 0 && turn.role === "assistant"));
    return item;
  });
  if (remembered) items.splice(remembered, 0, element("li", "forgets", word("forgets")));
  $("script").className = "";
  $("script").replaceChildren(...items);
  $("hint").hidden = turns.some((turn) => turn.role === "user");
  $("scene").scrollTop = $("scene").scrollHeight;
}

function drawLine(turn) {
  const item = element("li", "user");
  item.append(element("h2", "", word("you")), element("p", "said", turn.text));
  return item;
}

function drawReplies(turn, character) {
  const item = element("li", "assistant");
  const shown = version(turn);
  const columns = element("div", shown.base ? "columns two" : "columns");
  for (const who of ["tuned", "base"]) {
    if (shown[who]) columns.append(drawReply(character.name, shown[who], who, shown.base ? word(who) : ""));
  }
  item.append(columns);
  return item;
}

const parts = new WeakMap(); // reply → where it is shown

// A reply under the name of who speaks, which may be unknown yet; `note` stands beside it.
export function drawReply(name, reply, className = "tuned", note = "") {
  const part = element("section", className);
  const heading = element("h2", "", name || "…");
  if (note) heading.append(element("small", "", note));
  part.append(heading, element("p", "said"), element("p", "end"));
  fill(part, reply);
  parts.set(reply, part);
  return part;
}

function drawTools(turn, index, isLast, busy, actions) {
  const tools = element("p", "tools");
  if (busy) return tools;
  if (turn.versions?.length > 1) {
    const back = button("‹", () => actions.step(index, -1), "quiet step");
    const on = button("›", () => actions.step(index, 1), "quiet step");
    back.setAttribute("aria-label", word("earlier"));
    on.setAttribute("aria-label", word("later"));
    back.disabled = turn.shown === 0;
    on.disabled = turn.shown === turn.versions.length - 1;
    tools.append(back, element("span", "count", `${turn.shown + 1}/${turn.versions.length}`), on);
  }
  if (isLast && turn.role === "assistant" && index > 0) tools.append(button(word("again"), actions.again, "quiet again"));
  if (turn.role === "user" || index > 0) tools.append(button(word("edit"), () => actions.edit(index), "quiet edit"));
  return tools;
}

function fill(part, reply) {
  part.querySelector(".said").textContent = reply.text.trim();
  part.querySelector(".end").textContent = { length: word("cut"), interrupted: word("interrupted") }[reply.end] ?? "";
  part.classList.toggle("growing", reply.end === null);
}

// Show a reply that has grown; the page stays at its end if it was there.
export function showReply(reply) {
  const part = parts.get(reply);
  if (!part?.isConnected) return; // another talk was opened meanwhile
  const scene = $("scene");
  const atEnd = scene.scrollHeight - scene.scrollTop - scene.clientHeight < 80;
  fill(part, reply);
  if (atEnd) scene.scrollTop = scene.scrollHeight;
}

// Put an editor in the place of a turn's text; `done(text)` gets what was written, unless it was given up.
export function editTurn(index, text, done) {
  const item = [...$("script").children].filter((child) => !child.matches(".forgets"))[index];
  const form = element("form", "editor");
  const field = element("textarea");
  field.value = text;
  field.rows = Math.min(12, text.split("\n").length + 1);
  field.setAttribute("aria-label", word("edit"));
  const save = element("button", "", word("save"));
  const cancel = button(word("cancel"), () => done(null));
  const buttons = element("p", "buttons");
  buttons.append(cancel, save);
  form.append(field, buttons);
  form.onsubmit = (event) => {
    event.preventDefault();
    done(field.value.trim() || null);
  };
  form.onkeydown = (event) => {
    if (event.key === "Escape") done(null);
  };
  item.replaceChildren(form);
  field.focus();
}

// The list of talks. `actions`: open(id), rename(talk, name), remove(id).
export function drawTalkList(talks, actions) {
  const items = talks.all.map((talk) => {
    const item = element("li", talk === talks.current ? "current" : "");
    const open = button(title(talk) || word("newTalk"), () => actions.open(talk.id), "quiet open");
    if (talk === talks.current) open.setAttribute("aria-current", "true");
    const rename = button(word("rename"), () => drawRename(item, talk, actions), "quiet rename");
    const remove = button(word("delete"), () => actions.remove(talk.id), "quiet delete");
    item.append(open, rename, remove);
    return item;
  });
  $("talk-list").replaceChildren(...items);
}

function drawRename(item, talk, actions) {
  const form = element("form", "rename");
  const field = element("input");
  field.value = title(talk);
  field.maxLength = 80;
  field.setAttribute("aria-label", word("rename"));
  form.append(field, element("button", "", word("save")));
  form.onsubmit = (event) => {
    event.preventDefault();
    actions.rename(talk, field.value.trim());
  };
  item.replaceChildren(form);
  field.select();
}

// The characters to choose from, as links that can be bookmarked: {name, note, href, className}.
export function drawCast(links, here, chosen) {
  const items = links.map(({ name, note, href, className }) => {
    const item = element("li", className);
    const link = element("a");
    link.href = href;
    link.onclick = chosen;
    if (href === here) link.setAttribute("aria-current", "page");
    link.append(element("b", "", name), element("span", "", note ?? ""));
    item.append(link);
    return item;
  });
  $("cast-list").replaceChildren(...items);
}
