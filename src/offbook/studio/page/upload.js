// Files that come in: chosen, or dropped anywhere on a page, folders with what is in them. They are read together.

import { notify } from "./shared/dom.js";

import { post } from "./api.js";
import { bytes } from "./format.js";
import { bar, h, problem } from "./parts.js";
import { go } from "./router.js";
import { count, word } from "./words.js";

const MOST = 200; // texts that are read together
const MEDIA = /\.(png|jpe?g|gif|webp|heic|bmp|tiff?|svg|mp[34]|m4[av]|mov|avi|mkv|webm|opus|ogg|wav|aac|amr|vcf)$/i;
const SYSTEM = /^(\.|~\$|thumbs\.db$|desktop\.ini$)/i; // what programs put beside one's files

// Store files and go to the page that shows who speaks in them; `arriving` shows meanwhile which one is on its way, and
// gives it up. Who has left the page is not taken back. The result is true if all of them are stored.
export async function take(files, arriving, signal) {
  const stored = [];
  const given = new AbortController();
  const cancel = h("button", { type: "button", class: "quiet", onclick: () => given.abort() }, word("cancel"));
  let name = "";
  addEventListener("beforeunload", warn);
  try {
    if (files.length > MOST) throw new Error(word("tooManyFiles", { n: files.length, most: MOST }));
    for (const file of files) {
      name = files.length > 1 ? `${file.name}: ` : "";
      arriving.replaceChildren(bar(word("progress")), h("div", { class: "row" }, h("p", { class: "help" }, word("arriving", { name: file.name, size: bytes(file.size) })), cancel));
      await readable(file);
      stored.push((await post(`/api/sources?name=${encodeURIComponent(file.name)}`, new Blob([file]), given.signal)).name);
    }
    if (stored.length && !signal.aborted) await go(`/text/${stored.map(encodeURIComponent).join("/")}`);
    return true;
  } catch (error) {
    arriving.replaceChildren(given.signal.aborted ? "" : problem(`${name}${error.message}`));
    return false;
  } finally {
    removeEventListener("beforeunload", warn);
  }
}

// A page that is loaded anew or closed gives up what is on its way: the browser asks first.
const warn = (event) => event.preventDefault();

// A folder that was chosen as a file, or a file that has changed since, can be told from a studio that is gone.
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error(word("fileUnreadable", { name: file.name }));
  }
}

// Whether somebody drags files over the page, rather than a text within it.
export const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");

// The files that were dropped: those of folders in the order of their names, without pictures and recordings.
export async function dropped(event) {
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...event.dataTransfer.files];
  const found = (await Promise.all(entries.map(within))).flat();
  const texts = found.filter(({ name, isWithin }) => !isWithin || !(MEDIA.test(name) || SYSTEM.test(name)));
  const left = found.filter(({ name, isWithin }) => isWithin && MEDIA.test(name)).length;
  if (left) notify(count("mediaLeftOut", left));
  if (!texts.length) throw new Error(word("emptyFolder"));
  return Promise.all(texts.map(({ entry }) => new Promise((resolve, reject) => entry.file(resolve, reject))));
}

// The files of an entry, as {entry, name, isWithin}: `isWithin` a folder.
async function within(entry, isWithin = false) {
  if (!entry.isDirectory) return [{ entry, name: entry.name, isWithin }];
  const reader = entry.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at a time
    if (!some.length) break;
    all.push(...some);
  }
  all.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return (await Promise.all(all.map((each) => within(each, true)))).flat();
}
