// What is seen of a scene: its lines, and who is on stage.

import { $, button, element } from "./dom.js";
import { word } from "./i18n.js";
import { drawReply } from "./view.js";

// `state`: {isBusy, canSpeak}. `actions`: again(), edit(index), remove(index).
export function drawScene(scene, state, actions) {
  const lines = scene?.turns ?? [];
  $("script").className = "lines";
  $("script").replaceChildren(...lines.map((line, index) => drawLine(scene, index, state, actions)));
  $("hint").hidden = lines.length > 0;
  $("scene").scrollTop = $("scene").scrollHeight;
}

function drawLine(scene, index, { isBusy, canSpeak }, actions) {
  const line = scene.turns[index];
  const isCharacter = !line.move && scene.cast.some(({ name }) => name === line.name);
  const isHappening = line.move || (!line.name && line.end === undefined);
  const item = element("li", isHappening ? "direction" : isCharacter || line.end !== undefined ? "assistant" : "user");
  if (item.matches(".assistant")) item.append(drawReply(line.name, line));
  else item.append(...(isHappening || line.isNew ? [] : [element("h2", "", line.name)]), element("p", "said", line.text));
  const tools = element("p", "tools");
  if (!isBusy) {
    const isLast = index === scene.turns.length - 1;
    if (isLast && isCharacter && canSpeak) tools.append(button(word("again"), actions.again, "quiet again"));
    tools.append(
      button(word("edit"), () => actions.edit(index), "quiet edit"),
      button(word("delete"), () => actions.remove(index), "quiet delete"),
    );
  }
  item.append(tools);
  return item;
}

// Who is there, as buttons. `actions`: goOn(), speak(name), move(member).
export function drawStage(stage, actions) {
  const place = document.activeElement?.dataset.place; // a button that was pressed keeps the keyboard's attention
  $("go-on").onclick = actions.goOn;
  $("stage").replaceChildren(...stage.map((member, index) => drawMember(member, index, actions)));
  if (place) $("stage").querySelector(`[data-place="${place}"]`)?.focus();
}

function drawMember(member, index, actions) {
  const { name, isServed, isPresent } = member;
  const item = element("li", isServed && isPresent ? "" : "away");
  const speak = button(name, () => actions.speak(name), "plain speak");
  speak.dataset.place = `speak-${index}`;
  speak.title = word(isServed ? "speaks" : "hasLeft").replace("{name}", name);
  speak.setAttribute("aria-label", speak.title);
  speak.disabled = !isServed || !isPresent;
  item.append(speak);
  if (isServed) {
    const move = button(isPresent ? "×" : "+", () => actions.move(member), "plain move");
    move.dataset.place = `move-${index}`;
    move.title = word(isPresent ? "leave" : "enter").replace("{name}", name);
    move.setAttribute("aria-label", move.title);
    item.append(move);
  }
  return item;
}
