// The loss as it falls: what is learned from (thin), and the lines that were put aside (bold, with dots).

import { number } from "./format.js";
import { h } from "./parts.js";
import { word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 260;
const EDGE = { left: 44, right: 12, top: 10, bottom: 30 };

function s(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Numbers at which an axis of about `count` marks is marked.
export function ticks(low, high, count) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

// The least and the greatest of any number of values (`Math.min(...values)` takes some ten thousand).
const extent = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);

export class Curve {
  constructor(signal) {
    this.steps = new Map(); // step → its line of metrics.jsonl
    this.total = 0;
    this.svg = s("svg", { class: "chart", role: "img", height: HEIGHT });
    const legend = h("ul", { class: "legend" }, h("li", { class: "loss" }, h("span", {}, word("loss"))), h("li", { class: "heldout" }, h("span", {}, word("heldoutLoss"))));
    this.element = h("figure", { class: "curve" }, legend, this.svg, h("figcaption", { class: "help" }, word("curveHelp")));
    const resized = new ResizeObserver(() => this.#plan());
    resized.observe(this.element);
    signal.addEventListener("abort", () => resized.disconnect());
  }

  // A line of metrics.jsonl; one of the same step replaces the old one (a run that went on from a checkpoint).
  add(line) {
    this.steps.set(line.step, { ...this.steps.get(line.step), ...line });
    this.#plan();
  }

  // The file of lines has begun anew.
  clear() {
    this.steps.clear();
  }

  setTotal(steps) {
    this.total = steps;
    this.#plan();
  }

  get last() {
    return extent([...this.steps.keys(), 0])[1];
  }

  #plan() {
    this.planned ??= requestAnimationFrame(() => {
      this.planned = undefined;
      this.#draw();
    });
  }

  #points(name) {
    return [...this.steps.values()].filter((line) => Number.isFinite(line[name])).map((line) => [line.step, line[name]]).sort((a, b) => a[0] - b[0]);
  }

  #draw() {
    const width = this.element.clientWidth;
    const loss = this.#points("loss");
    const heldout = this.#points("heldout_loss");
    const values = [...loss, ...heldout].map(([, value]) => value);
    if (!width || !values.length) return;
    const [low, high] = extent(values);
    const margin = (high - low || 1) * 0.08;
    const steps = Math.max(this.total, this.last, 1);
    const x = (step) => EDGE.left + (step / steps) * (width - EDGE.left - EDGE.right);
    const y = (value) => EDGE.top + ((high + margin - value) / (high - low + 2 * margin)) * (HEIGHT - EDGE.top - EDGE.bottom);
    const path = (points) => points.map(([step, value], index) => `${index ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    const parts = [];
    const marks = ticks(low - margin, high + margin, 5);
    const digits = Math.max(1, Math.ceil(-Math.log10(marks[1] - marks[0]) - 1e-9) || 1); // as many as tell them apart
    for (const value of marks) {
      parts.push(s("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }));
      parts.push(s("text", { x: EDGE.left - 6, y: y(value) + 4, "text-anchor": "end" }, number(value, digits)));
    }
    for (const step of ticks(0, steps, width < 500 ? 4 : 8).filter(Number.isInteger))
      parts.push(s("text", { x: x(step), y: HEIGHT - 10, "text-anchor": "middle" }, number(step)));
    parts.push(s("path", { class: "line loss", d: path(loss) }), s("path", { class: "line heldout", d: path(heldout) }));
    if (loss.length === 1) parts.push(s("circle", { class: "loss", cx: x(loss[0][0]), cy: y(loss[0][1]), r: 2.5 })); // one point makes no line
    for (const [step, value] of heldout) parts.push(s("circle", { class: "heldout", cx: x(step), cy: y(value), r: 3.5 }));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute("aria-label", this.#description(loss, heldout));
    this.svg.dataset.points = loss.length + heldout.length;
    this.svg.replaceChildren(...parts);
  }

  #description(loss, heldout) {
    const span = (points) => (points.length ? [number(points[0][1], 2), number(points.at(-1)[1], 2)] : ["–", "–"]);
    const [first, last] = span(loss);
    const [heldoutFirst, heldoutLast] = span(heldout);
    return word("curveText", { step: number(this.last), first, last, heldoutFirst, heldoutLast });
  }
}
