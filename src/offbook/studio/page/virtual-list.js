// A list of any length: rows of one height come from the server in windows, and only those in sight are on the page.
//
// It is a listbox: arrows, Page Up and Down, Home and End choose a row; the row that is chosen is told to `choose`.

import { fail, h } from "./parts.js";

const WINDOW = 100; // rows asked for at once
const BEYOND = 8; // rows drawn above and below those in sight
const KEPT = 40; // windows

export class VirtualList {
  // `load(offset, limit)` → {total, rows}; `draw(row)` → elements; `choose(row, isAsked)`, where `isAsked` is true if the
  // user has opened it; `keys`: letter → what it does with the chosen row.
  constructor({ load, draw, choose, label, keys, onTotal, signal }) {
    Object.assign(this, { load, draw, choose, keys, onTotal, signal });
    this.inner = h("div", { class: "inner", role: "presentation" });
    this.element = h("div", { class: "virtual", role: "listbox", tabindex: "0", "aria-label": label }, this.inner);
    this.items = new Map(); // index → element
    this.element.addEventListener("scroll", () => this.#plan(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("click", (event) => this.#click(event));
    const resized = new ResizeObserver(() => this.#plan());
    resized.observe(this.element);
    signal.addEventListener("abort", () => resized.disconnect());
    this.#forget();
  }

  #forget() {
    this.windows = new Map(); // number → rows, or null while they are asked for
    this.generation = (this.generation ?? 0) + 1;
    for (const item of this.items.values()) item.remove();
    this.items.clear();
  }

  get chosen() {
    return this.row(this.index);
  }

  row(index) {
    return this.windows.get(Math.floor(index / WINDOW))?.[index % WINDOW];
  }

  focus() {
    this.element.focus();
  }

  // Another order or selection: from the top.
  async restart() {
    this.index = 0;
    this.element.scrollTop = 0;
    await this.reload();
    this.choose(this.chosen, false);
  }

  // The same rows again, after a change; nothing moves. What is on the page stays there until the new rows are here.
  async reload() {
    const middle = Math.floor(this.index / WINDOW);
    const { total, rows } = await this.load(middle * WINDOW, WINDOW);
    this.#forget();
    this.windows.set(middle, rows);
    this.#setTotal(total);
    this.index = Math.max(0, Math.min(this.index, total - 1));
    if (!this.chosen && total) await this.#fetch(Math.floor(this.index / WINDOW));
    this.#draw();
  }

  #setTotal(total) {
    this.total = total;
    this.inner.style.height = `calc(${total} * var(--row))`;
    this.onTotal(total);
  }

  #plan() {
    this.planned ??= requestAnimationFrame(() => {
      this.planned = undefined;
      if (!this.signal.aborted && this.total !== undefined) this.#draw();
    });
  }

  #draw() {
    const height = this.#rowHeight();
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - BEYOND);
    const last = Math.min(this.total - 1, Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + BEYOND);
    for (const [index, item] of this.items) {
      if (index >= first && index <= last) continue;
      item.remove();
      this.items.delete(index);
    }
    for (let index = first; index <= last; index++) {
      const row = this.row(index);
      if (!row) this.#want(Math.floor(index / WINDOW));
      const item = this.items.get(index) ?? this.#place(index);
      if (row && item.dataset.state !== "full") {
        item.replaceChildren(...this.draw(row));
        item.classList.toggle("excluded", row.excluded === true);
        item.dataset.state = "full";
        item.dataset.row = row.id;
      }
      item.setAttribute("aria-selected", String(index === this.index));
    }
    this.items.has(this.index) ? this.element.setAttribute("aria-activedescendant", this.items.get(this.index).id) : this.element.removeAttribute("aria-activedescendant");
  }

  #rowHeight() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  #place(index) {
    const item = h("div", { class: "entry", role: "option", id: `row-${index}`, "aria-setsize": String(this.total), "aria-posinset": String(index + 1), "aria-selected": "false" }, "…");
    item.style.transform = `translateY(calc(${index} * var(--row)))`;
    item.dataset.index = index;
    this.items.set(index, item);
    this.inner.append(item);
    return item;
  }

  // Ask for a window, unless it is scrolled past within a moment.
  #want(number) {
    if (this.windows.has(number)) return;
    this.windows.set(number, null);
    const generation = this.generation;
    setTimeout(() => {
      if (generation !== this.generation || this.signal.aborted) return;
      const height = this.#rowHeight() * WINDOW;
      const { scrollTop, clientHeight } = this.element;
      if ((number + 1) * height < scrollTop - clientHeight || number * height > scrollTop + 2 * clientHeight) {
        this.windows.delete(number);
        return;
      }
      this.#fetch(number).then(() => this.#draw()).catch((error) => {
        this.windows.delete(number);
        fail(error);
      });
    }, 40);
  }

  async #fetch(number) {
    const generation = this.generation;
    const { total, rows } = await this.load(number * WINDOW, WINDOW);
    if (generation !== this.generation) return;
    this.windows.set(number, rows);
    for (const old of this.windows.keys()) {
      if (this.windows.size <= KEPT) break;
      if (old !== number && old !== Math.floor(this.index / WINDOW)) this.windows.delete(old);
    }
    if (total !== this.total) this.#setTotal(total);
  }

  async #choose(index, isAsked) {
    if (!this.total) return;
    this.index = Math.max(0, Math.min(this.total - 1, index));
    const height = this.#rowHeight();
    const top = this.index * height;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    if (top + height > this.element.scrollTop + this.element.clientHeight) this.element.scrollTop = top + height - this.element.clientHeight;
    if (!this.chosen) await this.#fetch(Math.floor(this.index / WINDOW));
    this.#draw();
    this.choose(this.chosen, isAsked);
  }

  #click(event) {
    const item = event.target.closest(".entry");
    if (item) this.#choose(Number(item.dataset.index), true).catch(fail);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.#rowHeight()) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.total, End: this.total };
    if (event.key in moves) {
      event.preventDefault();
      this.#choose(this.index + moves[event.key], false).catch(fail);
    } else if (event.key === "Enter" && this.chosen) {
      event.preventDefault();
      this.choose(this.chosen, true);
    } else if (event.key in this.keys && this.chosen) {
      event.preventDefault();
      Promise.resolve(this.keys[event.key](this.chosen)).catch(fail);
    }
  }
}
