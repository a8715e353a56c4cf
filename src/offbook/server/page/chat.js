// The chat page. Whatever anybody says is put into the page as text, never as HTML.

import { switchLanguage, translate, word } from "./i18n.js";

const $ = (id) => document.getElementById(id);
const SAMPLING = ["temperature", "top_p", "repetition_penalty", "max_tokens", "seed"];

let character; // what /v1/character says
let script = []; // turns: {role: "user", text} or {role: "assistant", tuned: reply, base: reply or null}
let speaking = null; // the AbortController of the replies that are growing

/* ---- what is kept across a reload ---- */

const place = (what) => `offbook:${what}:${character.model}`;
const keep = () => localStorage.setItem(place("script"), JSON.stringify(script));

function recall() {
  script = JSON.parse(localStorage.getItem(place("script")) ?? "null") ?? opening();
  for (const turn of script) {
    for (const reply of replies(turn)) if (!reply.end) reply.end = "interrupted";
  }
}

const opening = () => (character.greeting ? [{ role: "assistant", tuned: { text: character.greeting, end: "stop" }, base: null }] : []);
const replies = (turn) => [turn.tuned, turn.base].filter(Boolean);

/* ---- talking to the server ---- */

async function ask(path, body, signal) {
  const key = sessionStorage.getItem("offbook:key");
  const headers = { ...(body && { "Content-Type": "application/json" }), ...(key && { Authorization: `Bearer ${key}` }) };
  const response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal });
  if (response.status === 401) throw new Error("locked");
  if (response.status === 429) throw new Error(word("busy"));
  if (!response.ok) throw new Error((await response.json()).error.message);
  return response;
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (held + value).split("\n");
    held = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data: ") && line !== "data: [DONE]") yield JSON.parse(line.slice(6));
    }
  }
}

// The conversation as one of the two has lived it, up to the turn that is to be said.
function messages(who, before) {
  return script.slice(0, before).map((turn) => ({
    role: turn.role,
    content: turn.role === "user" ? turn.text : (turn[who] ?? turn.tuned).text,
  }));
}

async function speak(index, who, signal) {
  const reply = script[index][who];
  const body = { model: character[who === "tuned" ? "model" : "base"], messages: messages(who, index), stream: true, ...sampling() };
  try {
    const response = await ask("/v1/chat/completions", body, signal);
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message);
      const choice = event.choices[0];
      reply.text += choice.delta.content ?? "";
      if (choice.finish_reason) reply.end = choice.finish_reason;
      show(index, who);
    }
    reply.end ??= "interrupted";
  } catch (error) {
    reply.end = "interrupted";
    if (error.name !== "AbortError") fail(error);
  }
  show(index, who);
  keep();
}

/* ---- turns ---- */

async function send(text) {
  script.push({ role: "user", text });
  await answer();
}

async function answer() {
  const compares = $("compare").checked;
  const fresh = () => ({ text: "", end: null });
  const index = script.push({ role: "assistant", tuned: fresh(), base: compares ? fresh() : null }) - 1;
  speaking = new AbortController();
  keep();
  draw();
  busy(true);
  await Promise.all(["tuned", ...(compares ? ["base"] : [])].map((who) => speak(index, who, speaking.signal)));
  speaking = null;
  busy(false);
  draw();
}

async function again() {
  script.pop();
  await answer();
}

function reset() {
  speaking?.abort();
  script = opening();
  keep();
  draw();
  $("line").focus();
}

/* ---- what is seen ---- */

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function draw() {
  $("script").replaceChildren(...script.map(drawTurn));
  $("hint").hidden = script.some((turn) => turn.role === "user");
  const last = script.at(-1);
  if (last?.role === "assistant" && script.length > opening().length && !speaking) {
    const button = element("button", "again quiet", word("again"));
    button.onclick = again;
    $("script").lastChild.append(button);
  }
  $("scene").scrollTop = $("scene").scrollHeight;
}

function drawTurn(turn, index) {
  const item = element("li", turn.role);
  if (turn.role === "user") {
    item.append(element("h3", "", word("you")), element("p", "said", turn.text));
    return item;
  }
  const columns = element("div", turn.base ? "columns two" : "columns");
  for (const who of ["tuned", "base"]) if (turn[who]) columns.append(drawReply(turn, index, who));
  item.append(columns);
  return item;
}

function drawReply(turn, index, who) {
  const part = element("section", who);
  part.id = `${who}-${index}`;
  const name = element("h3", "", character.name);
  if (turn.base) name.append(element("small", "", word(who)));
  part.append(name, element("p", "said"), element("p", "end"));
  fill(part, turn[who]);
  return part;
}

function fill(part, reply) {
  part.querySelector(".said").textContent = reply.text.trim();
  part.querySelector(".end").textContent = { length: word("cut"), interrupted: word("interrupted") }[reply.end] ?? "";
  part.classList.toggle("growing", !reply.end);
}

function show(index, who) {
  const part = $(`${who}-${index}`);
  if (!part) return; // the conversation was begun anew meanwhile
  const scene = $("scene");
  const atEnd = scene.scrollHeight - scene.scrollTop - scene.clientHeight < 80;
  fill(part, script[index][who]);
  if (atEnd) scene.scrollTop = scene.scrollHeight;
  keep();
}

function busy(is) {
  $("script").setAttribute("aria-busy", is);
  $("send").hidden = is;
  $("stop").hidden = !is;
}

let notice;
function tell(text) {
  $("notice").textContent = text;
  clearTimeout(notice);
  notice = setTimeout(() => ($("notice").textContent = ""), 6000);
}

function fail(error) {
  if (error.message === "locked") return unlock();
  tell(error instanceof TypeError ? word("unreachable") : error.message);
}

/* ---- sampling ---- */

const field = (name) => $("settings").querySelector(`[name=${name}]`);

function sampling() {
  const told = Object.fromEntries(SAMPLING.map((name) => [name, field(name).value]).filter(([, value]) => value !== ""));
  return Object.fromEntries(Object.entries(told).map(([name, value]) => [name, Number(value)]));
}

function setSampling(values) {
  for (const name of SAMPLING) {
    field(name).value = values[name] ?? "";
    const output = field(name).parentElement.querySelector("output");
    if (output) output.textContent = field(name).value;
  }
}

const trained = () => ({ ...character.generation, max_tokens: character.generation.max_new_tokens });

/* ---- keeping and carrying away ---- */

function transcript() {
  const line = (name, text) => `${name}: ${text.trim()}`;
  return script
    .flatMap((turn) => {
      if (turn.role === "user") return [line(word("you"), turn.text)];
      const label = turn.base ? ` (${word("tuned")})` : "";
      const said = [line(character.name + label, turn.tuned.text)];
      return turn.base ? [...said, line(`${character.name} (${word("base")})`, turn.base.text)] : said;
    })
    .join("\n\n");
}

async function copyAll() {
  try {
    await navigator.clipboard.writeText(transcript());
    tell(word("copied"));
  } catch {
    tell(word("notCopied"));
  }
}

function download() {
  const content = JSON.stringify({ messages: messages("tuned") }, null, 2);
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
  link.download = `${character.model}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/* ---- the key ---- */

function unlock() {
  if (sessionStorage.getItem("offbook:key")) tell(word("wrongKey"));
  $("door").showModal();
}

/* ---- beginning ---- */

async function begin() {
  translate();
  try {
    character = await (await ask("/v1/character")).json();
  } catch (error) {
    return fail(error);
  }
  $("name").textContent = document.title = character.name;
  $("line").setAttribute("aria-label", word("placeholder"));
  setSampling({ ...trained(), ...JSON.parse(localStorage.getItem(place("sampling")) ?? "{}") });
  $("compare").checked = localStorage.getItem(place("compare")) === "yes";
  recall();
  draw();
}

function submit(event) {
  event?.preventDefault();
  const text = $("line").value.trim();
  if (!text || speaking || !character) return;
  $("line").value = "";
  grow();
  send(text);
}

function grow() {
  $("line").style.height = "auto";
  $("line").style.height = `${$("line").scrollHeight}px`;
}

$("composer").onsubmit = submit;
$("line").oninput = grow;
$("line").onkeydown = (event) => {
  // While a Chinese word is being composed, Enter chooses it.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
};
document.onkeydown = (event) => {
  if (event.key === "Escape") speaking?.abort();
};
$("stop").onclick = () => speaking?.abort();
$("reset").onclick = reset;
$("copy").onclick = copyAll;
$("download").onclick = download;
$("compare").onchange = () => localStorage.setItem(place("compare"), $("compare").checked ? "yes" : "no");
$("language").onclick = () => {
  switchLanguage();
  if (character) draw();
};
$("settings-button").onclick = () => $("settings").showModal();
$("settings").oninput = () => {
  const values = sampling();
  setSampling(values);
  localStorage.setItem(place("sampling"), JSON.stringify(values));
};
$("defaults").onclick = () => {
  setSampling(trained());
  localStorage.removeItem(place("sampling"));
};
$("door").onclose = () => {
  sessionStorage.setItem("offbook:key", $("key").value);
  $("key").value = "";
  begin();
};

begin();
