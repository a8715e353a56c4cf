// The page: whose conversation is open, by its address, and what the buttons do.

import { setKey } from "./api.js";
import { Cast } from "./cast.js";
import { Chat } from "./chat.js";
import { $, element, notify } from "./dom.js";
import { switchLanguage, translate, word } from "./i18n.js";
import { fail, setBusy } from "./page.js";
import { setUp } from "./sampling.js";
import { Scene } from "./scene.js";
import { askForScene, changeScene } from "./scene-form.js";
import { castOf } from "./talks.js";
import { drawCast, drawTalkList } from "./view.js";

const cast = new Cast(onCastChange);
const chats = new Map(); // model → its Chat
let scene; // the Scene, once it was opened
let open; // what is shown: a Chat or the Scene

/* ---- which conversation ---- */

// The page's address is …/#model=NAME or …/#scene; ?model=NAME does for a first visit.
function wanted() {
  const hash = new URLSearchParams(location.hash.slice(1));
  return { isScene: hash.has("scene"), model: hash.get("model") ?? new URLSearchParams(location.search).get("model") };
}

export const address = (model) => `#${new URLSearchParams({ model })}`;

function route() {
  const { isScene, model } = wanted();
  for (const dialog of document.querySelectorAll("dialog[open]:not(#door)")) dialog.close();
  if (isScene) {
    scene ??= new Scene(cast);
    show(scene);
    if (!scene.scene) newScene();
    return;
  }
  const character = cast.find(model) ?? (model && cast.departed(model)) ?? cast.characters[0];
  if (!character) return;
  if (model && character.model !== model) notify(word("unknown").replace("{name}", model));
  show(chatWith(character));
}

function chatWith(character) {
  if (!chats.has(character.model)) chats.set(character.model, new Chat(character));
  const chat = chats.get(character.model);
  chat.character = character;
  return chat;
}

function show(next) {
  if (open && open !== next) {
    open.stop();
    open.isOpen = false;
  }
  open = next;
  open.isOpen = true;
  if (open !== scene && open.canSpeak) {
    setUp(open.character);
    $("compare").checked = localStorage.getItem(place("compare")) === "yes";
  }
  setBusy(open.growing !== null);
  draw();
}

const place = (what) => `offbook:${what}:${open.character.model}`;

function onCastChange(came, left) {
  const names = (cards) => castOf({ cast: cards });
  if (came.length) notify(word("came").replace("{name}", names(came)));
  if (left.length) notify(word("left").replace("{name}", names(left)));
  if (!open) return route();
  if (open !== scene) {
    const { model, name, greeting } = open.character;
    open.character = cast.find(model) ?? { model, name, greeting, hasLeft: true };
  }
  drawFrame();
  if (!open.growing && !document.querySelector(".editor")) open.draw();
  if ($("cast").open) drawCharacters();
}

/* ---- what is drawn ---- */

function draw() {
  drawFrame();
  open.draw();
}

// All but the conversation itself.
function drawFrame() {
  const isScene = open === scene;
  const hasChoice = cast.characters.length + cast.missed.size > 1 || isScene || !open.canSpeak;
  document.title = open.title;
  $("name").replaceChildren(hasChoice ? castButton(open.title) : open.title);
  $("compare-label").hidden = isScene || !open.canSpeak;
  $("settings-button").hidden = !isScene && !open.canSpeak;
  $("stage-bar").hidden = !isScene || !open.canSpeak;
  $("composer").hidden = !open.canSpeak;
  $("away").hidden = open.canSpeak || (isScene && !scene.scene);
  $("away").textContent = isScene ? word("allAway") : word("awayNote").replace("{name}", open.title);
  $("line").placeholder = word(isScene ? "scenePlaceholder" : "placeholder");
  $("line").setAttribute("aria-label", $("line").placeholder);
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const hint = isHere ? word("hintHere") : word("hintThere").replace("{host}", location.host);
  $("hint").textContent = isScene ? word("sceneHint") : hint;
}

function castButton(title) {
  const button = element("button", "quiet");
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS(mark.namespaceURI, "path");
  path.setAttribute("d", "M6 9.500l6 6 6-6");
  mark.setAttribute("viewBox", "0 0 24 24");
  mark.setAttribute("aria-hidden", "true");
  mark.append(path);
  button.append(element("span", "", title), mark);
  button.id = "cast-button";
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-label", word("whoIsThere").replace("{name}", title));
  button.onclick = () => {
    drawCharacters();
    $("cast").showModal();
  };
  return button;
}

function drawCharacters() {
  const departed = cast.allDeparted();
  const here = open === scene ? "#scene" : address(open.character.model);
  const links = [...cast.characters, ...departed].map((card) => ({
    name: card.name,
    note: card.hasLeft ? word("hasLeft").replace("{name}", card.name) : card.greeting,
    href: address(card.model),
    className: card.hasLeft ? "away" : "",
  }));
  if (cast.characters.length > 1 || open === scene)
    links.push({ name: word("scene"), note: word("sceneNote"), href: "#scene", className: "scene" });
  drawCast(links, here, () => $("cast").close());
}

function drawList() {
  const talks = open.talks;
  drawTalkList(talks, {
    open: (id) => {
      $("talks").close();
      openTalk(() => talks.open(id));
    },
    rename: (talk, name) => {
      talk.name = name;
      talks.save();
      drawList();
      drawFrame();
    },
    remove: (id) => {
      open.stop();
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

/* ---- what is done ---- */

function openTalk(change) {
  open.stop();
  change();
  draw();
  $("line").focus();
}

async function newScene() {
  const fields = await askForScene(cast, scene.scene);
  if (fields) openTalk(() => scene.talks.create(fields));
  else if (!scene.scene) location.hash = "";
}

async function settings() {
  if (open !== scene) return $("settings").showModal();
  if (scene.scene && (await changeScene(cast, scene.scene))) {
    scene.talks.save();
    draw();
  }
}

async function copyAll() {
  try {
    await navigator.clipboard.writeText(await open.transcript());
    notify(word("copied"));
  } catch {
    notify(word("notCopied"));
  }
}

async function download() {
  try {
    const { name, type, text } = await open.file();
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    fail(error);
  }
}

function submit(event) {
  event?.preventDefault();
  const text = $("line").value.trim();
  if (!open || open.growing || (!text && open !== scene)) return;
  $("line").value = "";
  fitLine();
  open.submit(text);
}

function fitLine() {
  $("line").style.height = "auto";
  $("line").style.height = `${$("line").scrollHeight}px`;
}

async function begin() {
  translate();
  try {
    await cast.load();
  } catch (error) {
    return fail(error);
  }
  route();
}

$("composer").onsubmit = submit;
$("line").oninput = fitLine;
$("line").onkeydown = (event) => {
  // While a Chinese word is being composed, Enter chooses it.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
};
document.onkeydown = (event) => {
  if (event.key === "Escape") open?.stop();
};
$("stop").onclick = () => open?.stop();
$("reset").onclick = () => {
  if (open && open === scene) newScene();
  else if (open) openTalk(() => open.talks.create());
};
$("talks-button").onclick = () => {
  if (!open) return;
  drawList();
  $("talks").showModal();
};
$("copy").onclick = () => open && copyAll();
$("download").onclick = () => open && download();
$("compare").onchange = () => localStorage.setItem(place("compare"), $("compare").checked ? "yes" : "no");
$("language").onclick = () => {
  switchLanguage();
  if (open) draw();
};
$("settings-button").onclick = () => open && settings();
$("door").onclose = () => {
  setKey($("key").value);
  $("key").value = "";
  begin();
};
addEventListener("hashchange", route);

begin();
cast.watch();
