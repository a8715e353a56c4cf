// The chat page: sends what is written, shows what is answered, keeps the talks.

import { hasKey, LockedError, request, setKey, streamReply } from "./api.js";
import { switchLanguage, translate, word } from "./i18n.js";
import { assistantTurn, messages, Talks, version } from "./talks.js";
import { $, drawTalk, drawTalkList, editTurn, element, notify, showReply } from "./view.js";

const SAMPLING = ["temperature", "top_p", "repetition_penalty", "max_tokens", "seed"];

let character; // what /v1/character says
let talks;
let growing = null; // the AbortController of the replies that are growing

/* ---- replies ---- */

async function grow(turns, index, who, signal) {
  const reply = version(turns[index])[who];
  const sampled = sampling();
  if (sampled.seed !== undefined) sampled.seed += turns[index].shown; // another version is another reply
  const body = {
    model: character[who === "tuned" ? "model" : "base"],
    messages: messages(turns, who, index).map(({ role, content }) => ({ role, content })),
    ...sampled,
  };
  try {
    reply.dropped = 0;
    for await (const event of streamReply(body, signal)) {
      const choice = event.choices[0];
      reply.text += choice.delta.content ?? "";
      reply.dropped = event.offbook?.dropped_messages ?? 0;
      if (choice.finish_reason) reply.end = choice.finish_reason;
      showReply(index, who, reply);
      talks.saveSoon();
    }
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
  reply.end ??= "interrupted";
  showReply(index, who, reply);
}

// Let the last turn of the talk, which is the character's, grow.
async function growLast() {
  const turns = talks.turns;
  const index = turns.length - 1;
  growing = new AbortController();
  talks.current.updated = Date.now();
  talks.save();
  setBusy(true);
  draw();
  const both = version(turns[index]).base ? ["tuned", "base"] : ["tuned"];
  await Promise.all(both.map((who) => grow(turns, index, who, growing.signal)));
  growing = null;
  talks.save();
  setBusy(false);
  draw();
}

const fresh = () => ({ text: "", end: null });
const freshVersion = () => ({ tuned: fresh(), base: $("compare").checked ? fresh() : null });

async function send(text) {
  talks.turns.push({ role: "user", text }, assistantTurn(freshVersion()));
  await growLast();
}

async function again() {
  const turn = talks.turns.at(-1);
  const isEmpty = !version(turn).tuned.text;
  if (isEmpty) turn.versions.splice(turn.shown, 1); // nothing was said: nothing to go back to
  turn.shown = turn.versions.push(freshVersion()) - 1;
  await growLast();
}

function step(index, by) {
  talks.turns[index].shown += by;
  talks.save();
  draw();
}

// A changed line of the user's is answered anew; a changed reply is what the character has said from now on.
function edit(index) {
  const turn = talks.turns[index];
  const old = turn.role === "user" ? turn.text : version(turn).tuned.text;
  editTurn(index, old, (text) => {
    if (text === null || text === old) return draw();
    if (turn.role === "user") {
      const undo = talks.rewrite([...talks.turns.slice(0, index), { role: "user", text }, assistantTurn(freshVersion())]);
      notify(word("answeredAnew"), () => {
        growing?.abort();
        undo();
        draw();
      });
      return growLast();
    }
    const version_ = version(turn);
    const undo = talks.rewrite(talks.turns.with(index, { ...turn, versions: turn.versions.with(turn.shown, { ...version_, tuned: { text, end: "stop" } }) }));
    notify(word("changed"), () => (undo(), draw()));
    draw();
  });
}

/* ---- talks ---- */

function openTalk(change) {
  growing?.abort();
  change();
  draw();
  $("line").focus();
}

function drawList() {
  drawTalkList(talks, {
    open: (id) => {
      $("talks").close();
      openTalk(() => talks.open(id));
    },
    rename: (talk, name) => {
      talk.name = name;
      talks.save();
      drawList();
    },
    remove: (id) => {
      growing?.abort();
      const undo = talks.remove(id);
      drawList();
      draw();
      $("talks").close();
      notify(word("deleted"), () => {
        undo();
        draw();
      });
    },
  });
}

/* ---- the page ---- */

const draw = () => drawTalk(talks, character, growing !== null, { again, edit, step });

function setBusy(is) {
  $("script").setAttribute("aria-busy", is);
  $("send").hidden = is;
  $("stop").hidden = !is;
}

function fail(error) {
  if (error instanceof LockedError) {
    if (hasKey()) notify(word("wrongKey"));
    $("door").showModal();
    return;
  }
  notify(error instanceof TypeError ? word("unreachable") : error.message);
}

function sayWhereWordsGo() {
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  $("hint").textContent = isHere ? word("hintHere") : word("hintThere").replace("{host}", location.host);
}

/* ---- sampling ---- */

const place = (what) => `offbook:${what}:${character.model}`;
const field = (name) => $("settings").querySelector(`[name=${name}]`);

function sampling() {
  const set = SAMPLING.map((name) => [name, field(name).value]).filter(([, value]) => value !== "");
  return Object.fromEntries(set.map(([name, value]) => [name, Number(value)]));
}

function setSampling(values) {
  for (const name of SAMPLING) {
    field(name).value = values[name] ?? "";
    const output = field(name).parentElement.querySelector("output");
    if (output) output.textContent = field(name).value;
  }
}

const trained = () => ({ ...character.generation, max_tokens: character.generation.max_new_tokens });

/* ---- carrying a talk away ---- */

function transcript() {
  const line = (name, text) => `${name}: ${text.trim()}`;
  return talks.turns
    .flatMap((turn) => {
      if (turn.role === "user") return [line(word("you"), turn.text)];
      const { tuned, base } = version(turn);
      const label = base ? ` (${word("tuned")})` : "";
      return [line(character.name + label, tuned.text), ...(base ? [line(`${character.name} (${word("base")})`, base.text)] : [])];
    })
    .join("\n\n");
}

async function copyAll() {
  try {
    await navigator.clipboard.writeText(transcript());
    notify(word("copied"));
  } catch {
    notify(word("notCopied"));
  }
}

function download() {
  const kept = messages(talks.turns, "tuned").map(({ role, content }) => ({ role, content }));
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ messages: kept }, null, 2)], { type: "application/json" }));
  link.download = `${character.model}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/* ---- beginning ---- */

async function begin() {
  translate();
  sayWhereWordsGo();
  try {
    character = await (await request("/v1/character")).json();
  } catch (error) {
    return fail(error);
  }
  $("name").textContent = document.title = character.name;
  field("max_tokens").max = Math.min(character.context, 4096);
  setSampling({ ...trained(), ...JSON.parse(localStorage.getItem(place("sampling")) ?? "{}") });
  $("compare").checked = localStorage.getItem(place("compare")) === "yes";
  talks = new Talks(character.model, character.greeting, () => notify(word("full")));
  draw();
}

function submit(event) {
  event?.preventDefault();
  const text = $("line").value.trim();
  if (!text || growing || !character) return;
  $("line").value = "";
  fitLine();
  send(text);
}

function fitLine() {
  $("line").style.height = "auto";
  $("line").style.height = `${$("line").scrollHeight}px`;
}

$("composer").onsubmit = submit;
$("line").oninput = fitLine;
$("line").onkeydown = (event) => {
  // While a Chinese word is being composed, Enter chooses it.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
};
document.onkeydown = (event) => {
  if (event.key === "Escape") growing?.abort();
};
$("stop").onclick = () => growing?.abort();
$("reset").onclick = () => talks && openTalk(() => talks.create());
$("talks-button").onclick = () => {
  if (!talks) return;
  drawList();
  $("talks").showModal();
};
$("copy").onclick = copyAll;
$("download").onclick = download;
$("compare").onchange = () => localStorage.setItem(place("compare"), $("compare").checked ? "yes" : "no");
$("language").onclick = () => {
  switchLanguage();
  sayWhereWordsGo();
  if (talks) draw();
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
  setKey($("key").value);
  $("key").value = "";
  begin();
};

begin();
