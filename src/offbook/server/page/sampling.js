// How a character's replies are sampled: as it was trained to speak, or as the user has set it in this browser.

import { $ } from "./dom.js";

const FIELDS = ["temperature", "top_p", "repetition_penalty", "max_tokens", "seed"];

const field = (name) => $("settings").querySelector(`[name=${name}]`);
const trained = ({ generation }) => ({ ...generation, max_tokens: generation.max_new_tokens });

export function sampling() {
  const set = FIELDS.map((name) => [name, field(name).value]).filter(([, value]) => value !== "");
  return Object.fromEntries(set.map(([name, value]) => [name, Number(value)]));
}

function show(values) {
  for (const name of FIELDS) {
    field(name).value = values[name] ?? "";
    const output = field(name).parentElement.querySelector("output");
    if (output) output.textContent = field(name).value;
  }
}

// Show the settings of a character, and keep what the user changes.
export function setUp(character) {
  const place = `offbook:sampling:${character.model}`;
  field("max_tokens").max = Math.min(character.context, 4096);
  show({ ...trained(character), ...JSON.parse(localStorage.getItem(place) ?? "{}") });
  $("settings").oninput = () => {
    const values = sampling();
    show(values);
    localStorage.setItem(place, JSON.stringify(values));
  };
  $("defaults").onclick = () => {
    show(trained(character));
    localStorage.removeItem(place);
  };
}
