// Which page is shown, by its address, and how one goes to another without loading the shell again.

import { $, notify } from "./shared/dom.js";

import { ApiError } from "./api.js";
import { h, heading, problem } from "./parts.js";
import { drawStory } from "./story.js";
import { word } from "./words.js";

// First part of the address → the module that draws the page: `show(main, names, signal)`, where `names` are the parts
// after it and `signal` aborts when the page is left.
const PAGES = {
  "": () => import("./home.js"),
  text: () => import("./text.js"),
  lines: () => import("./lines.js"),
  character: () => import("./character.js"),
  rehearse: () => import("./rehearse.js"),
  verdict: () => import("./verdict.js"),
  compare: () => import("./compare.js"),
  talk: () => import("./talk.js"),
  take: () => import("./take.js"),
  jobs: () => import("./jobs.js"),
};

const SLOW = 250; // milliseconds until the page that is left fades, so that one sees that something happens

let leaving = new AbortController();

export async function route({ focus = true } = {}) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [page, ...names] = location.pathname.slice(1).split("/").map(decoded);
  const main = h("main", { id: "main", tabindex: "-1", class: `page-${page || "home"}` });
  for (const anchor of document.querySelectorAll("header nav a"))
    anchor.pathname === location.pathname ? anchor.setAttribute("aria-current", "page") : anchor.removeAttribute("aria-current");
  if ($("ask").open) $("ask").close();
  if (!$("undo").hidden) notify(""); // what was done on another page is undone there
  const slow = setTimeout(() => signal.aborted || $("main").classList.add("leaving"), SLOW);
  try {
    const story = drawStory(page, names, signal);
    if (!PAGES[page]) throw new Error(word("noPage"));
    const { show } = await PAGES[page]();
    await show(main, names, signal);
    await story;
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return;
    if (!(error instanceof ApiError)) console.error(error);
    main.replaceChildren(heading(word("notHere")), problem(error.message), h("p", {}, h("a", { href: "/" }, word("toStart"))));
  }
  if (signal.aborted) return;
  clearTimeout(slow);
  const before = document.activeElement;
  const hadFocus = $("main").contains(before);
  $("main").replaceWith(main);
  main.classList.add("shown");
  if (focus) main.querySelector("h1")?.focus();
  else if (hadFocus) ($(before.id) ?? main.querySelector("h1"))?.focus({ preventScroll: true });
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // not written as addresses are: there is nothing of that name
  }
}

// Go to another page without loading the shell again.
export function go(address, { replace = false } = {}) {
  const isHere = new URL(address, location.href).href === location.href;
  if (!replace && !isHere) history.replaceState({ scroll: scrollY }, "");
  history[replace || isHere ? "replaceState" : "pushState"](null, "", address);
  scrollTo(0, 0);
  return route();
}

// Draw the page that the browser went back or forward to, where it was left.
export async function comeBack() {
  const { scroll = 0 } = history.state ?? {};
  await route();
  scrollTo(0, scroll);
}

// Draw the page that is shown anew.
export const redraw = () => route({ focus: false });
