// What a page shows may be changed by another page, another person or a terminal: it is looked at again and again.

import { h } from "./parts.js";

const EVERY = 2500; // milliseconds

// Load something again while the page is in sight; `change(now)` is told it when it is different from before. What goes
// wrong meanwhile is not told: it is when the page is used.
// `shown`: what it is known to be; else what is loaded first.
export function follow(load, change, signal, shown, every = EVERY) {
  let before = shown && JSON.stringify(shown);
  let isLooking = false; // a studio that is slow to answer is not asked again meanwhile
  const look = async () => {
    if (document.hidden || isLooking) return;
    isLooking = true;
    try {
      const now = await load();
      const text = JSON.stringify(now);
      const isNew = before !== undefined && text !== before;
      before = text;
      if (isNew && !signal.aborted) await change(now);
    } catch {
      // The studio is gone, or what was shown is.
    } finally {
      isLooking = false;
    }
  };
  if (!shown) look();
  const timer = setInterval(look, every);
  document.addEventListener("visibilitychange", look, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
}

// A list whose items are replaced one by one when they change: `key(value)` tells them apart, `draw(value)` makes one. An
// item with an open menu stays as it is, and the focus stays where it was.
export class LiveList {
  constructor(key, draw, attributes) {
    Object.assign(this, { key, draw });
    this.element = h("ul", attributes);
    this.items = new Map(); // key → [value as text, item]
  }

  show(values) {
    const old = this.items;
    this.items = new Map(values.map((value) => [this.key(value), this.#item(value, old.get(this.key(value)))]));
    const items = [...this.items.values()].map(([, item]) => item);
    for (const child of [...this.element.children]) if (!items.includes(child)) child.remove();
    items.forEach((item, index) => {
      if (this.element.children[index] !== item) this.element.insertBefore(item, this.element.children[index] ?? null);
    });
  }

  #item(value, before) {
    const text = JSON.stringify(value);
    if (before && (before[0] === text || before[1].querySelector("details[open]"))) return before;
    const item = this.draw(value);
    if (before?.[1].contains(document.activeElement)) {
      const at = focusable(before[1]).indexOf(document.activeElement);
      before[1].replaceWith(item);
      focusable(item)[at]?.focus();
    }
    return [text, item];
  }
}

const focusable = (item) => [...item.querySelectorAll("a, button, summary")];
