// What every conversation tells the page: that replies grow, and what went wrong.

import { hasKey, LockedError } from "./api.js";
import { $, notify } from "./dom.js";
import { word } from "./i18n.js";

export function setBusy(is) {
  $("script").setAttribute("aria-busy", is);
  $("send").hidden = is;
  $("stop").hidden = !is;
}

export function fail(error) {
  if (error instanceof LockedError) {
    if (hasKey()) notify(word("wrongKey"));
    $("door").showModal();
    return;
  }
  notify(error instanceof TypeError ? word("unreachable") : error.message);
}
