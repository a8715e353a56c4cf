// What a scene is: who plays, who the user is, and who answers.

import { $, element } from "./dom.js";
import { word } from "./i18n.js";

const NAME = "offbook:name";

// Ask for a new scene, beginning with what the last one was; null where the user thinks better of it.
export function askForScene(cast, last) {
  const chosen = (last?.cast ?? []).map(({ model }) => model);
  return ask(cast, { user: localStorage.getItem(NAME) ?? "", rule: last?.rule ?? "addressed", chosen, kept: [] }, "begin");
}

// Change a scene that has begun: others may come, the user's name and the rule may change. False: nothing did.
export async function changeScene(cast, scene) {
  const chosen = scene.cast.map(({ model }) => model);
  const fields = await ask(cast, { user: scene.user, rule: scene.rule, chosen, kept: scene.cast }, "done");
  if (!fields) return false;
  Object.assign(scene, { user: fields.user, rule: fields.rule, cast: fields.cast });
  return true;
}

function ask(cast, { user, rule, chosen, kept }, verb) {
  const form = $("scene-form");
  form.user.value = user || word("you");
  form.rule.value = rule;
  const names = nameAll(cast.characters);
  const others = cast.characters.filter(({ model }) => !kept.some((member) => member.model === model));
  $("players").replaceChildren(
    ...kept.map(({ name }) => checkbox("", name, true, true)),
    ...others.map(({ model }) => checkbox(model, names.get(model), chosen.includes(model), false)),
  );
  $("scene-begin").textContent = word(verb);
  $("scene-fault").textContent = "";
  $("scene-settings").showModal();
  return new Promise((resolve) => {
    let fields = null;
    form.onsubmit = (event) => {
      const added = [...form.querySelectorAll("input:checked:not(:disabled)")].map(({ value }) => value);
      const players = [...kept, ...added.map((model) => ({ model, name: names.get(model) }))];
      const mine = form.user.value.trim() || word("you");
      const isTaken = players.some(({ name }) => name.toLowerCase() === mine.toLowerCase());
      $("scene-fault").textContent = players.length < 2 ? word("chooseTwo") : isTaken ? word("sameName") : "";
      if ($("scene-fault").textContent) return event.preventDefault();
      localStorage.setItem(NAME, mine);
      fields = { user: mine, rule: form.rule.value, cast: players, name: "", turns: [] };
    };
    $("scene-cancel").onclick = () => $("scene-settings").close();
    $("scene-settings").onclose = () => resolve(fields);
  });
}

// Names by which characters hear each other: a model's where two share one.
function nameAll(characters) {
  const names = characters.map(({ name }) => name.toLowerCase());
  const isShared = ({ name }) => names.filter((other) => other === name.toLowerCase()).length > 1;
  return new Map(characters.map((card) => [card.model, isShared(card) ? card.model : card.name]));
}

function checkbox(value, name, isChecked, isKept) {
  const label = element("label", "player");
  const input = element("input");
  Object.assign(input, { type: "checkbox", value, checked: isChecked, disabled: isKept });
  label.append(input, element("span", "", name));
  return label;
}
