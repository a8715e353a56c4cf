// Who is there: the server's characters, asked for again while the page is open, and those that were there before.
//
// A character is its card of /v1/models. One that has left is {model, name, greeting, hasLeft: true}: its
// conversations in this browser can still be read.

import { request } from "./api.js";
import { isBegun } from "./talks.js";

const EVERY = 4000; // milliseconds
const CARDS = "offbook:cards";

export class Cast {
  // `onChange(came, left)` is told the characters that came and left since the page was opened.
  constructor(onChange) {
    this.onChange = onChange;
    this.characters = [];
    this.isLoaded = false;
    this.missed = new Set(); // models that left while the page was open
  }

  async load() {
    const { data } = await (await request("v1/models")).json();
    const cards = data.filter((entry) => entry.id === entry.offbook.model).map((entry) => entry.offbook);
    const before = this.characters;
    this.characters = cards;
    if (this.isLoaded && JSON.stringify(before) === JSON.stringify(cards)) return;
    localStorage.setItem(CARDS, JSON.stringify({ ...this.remembered(), ...Object.fromEntries(cards.map(brief)) }));
    if (!this.isLoaded) return void (this.isLoaded = true);
    const came = cards.filter((card) => !before.some((other) => other.model === card.model));
    const left = before.filter((card) => !cards.some((other) => other.model === card.model));
    for (const card of left) this.missed.add(card.model);
    for (const card of came) this.missed.delete(card.model);
    this.onChange(came, left);
  }

  watch() {
    const look = () => document.hidden || this.load().catch(() => {}); // a server that is gone is told when it is needed
    setInterval(look, EVERY);
    document.addEventListener("visibilitychange", look);
  }

  find(model) {
    return this.characters.find((card) => card.model === model);
  }

  // A character that is not there, if this browser has conversations with it.
  departed(model) {
    const card = this.remembered()[model];
    const talks = JSON.parse(localStorage.getItem(`offbook:talks:${model}`) ?? "null")?.talks ?? [];
    return card && talks.some(isBegun) ? { ...card, model, hasLeft: true } : null;
  }

  allDeparted() {
    const models = Object.keys(this.remembered()).filter((model) => !this.find(model));
    return models.map((model) => this.departed(model)).filter(Boolean);
  }

  remembered() {
    return JSON.parse(localStorage.getItem(CARDS) ?? "{}");
  }
}

const brief = ({ model, name, greeting }) => [model, { name, greeting }];
