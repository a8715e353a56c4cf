// What every page of offbook is made with. Whatever anybody says is put into it as text, never as HTML.

export const $ = (id) => document.getElementById(id);

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function button(label, action, className = "quiet") {
  const made = element("button", className, label);
  made.type = "button";
  made.onclick = action;
  return made;
}

let clearing;
// A sentence at the foot of the page, with a way back where `undo` is given.
export function notify(text, undo) {
  $("notice-text").textContent = text;
  $("undo").hidden = !undo;
  $("undo").onclick = () => {
    notify("");
    undo?.();
  };
  clearTimeout(clearing);
  clearing = setTimeout(() => notify(""), undo ? 15000 : 6000);
  if (!text) clearTimeout(clearing);
}
