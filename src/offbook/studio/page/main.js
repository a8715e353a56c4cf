// The studio's shell: links, the language, and how many jobs are under way.

import { $, notify } from "./shared/dom.js";
import { currentLanguage } from "./shared/language.js";

import { get, pause } from "./api.js";
import { isOpen } from "./job.js";
import { comeBack, go, redraw, route } from "./router.js";
import { holdsFiles } from "./upload.js";
import { switchLanguage, translate } from "./words.js";

const JOBS_EVERY = 4000; // milliseconds

document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a");
  const isOther = !anchor || anchor.target || anchor.origin !== location.origin || anchor.hasAttribute("download");
  if (isOther || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (anchor.hash || anchor.pathname.startsWith("/proxy/") || anchor.pathname.startsWith("/api/")) return;
  event.preventDefault();
  go(anchor.href);
});

// A file that is dropped beside the place for it is not opened by the browser in the page's stead.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => holdsFiles(event) && event.preventDefault());

addEventListener("popstate", () => comeBack());

$("language").onclick = () => {
  switchLanguage();
  remember();
  redraw();
};

// The server writes its own texts (options, findings, verdicts) in the page's language.
function remember() {
  document.cookie = `lang=${currentLanguage()}; path=/; SameSite=Strict; max-age=31536000`;
}

// Say on any page that the studio is gone, for as long as it is: what the page shows stands still. One request may fail
// because the computer has slept.
async function countJobs() {
  let failures = 0;
  for (;;) {
    try {
      const jobs = document.hidden ? null : await get("/api/jobs");
      if (jobs) {
        const open = jobs.filter((job) => isOpen(job) && job.kind !== "talk").length;
        $("jobs-count").textContent = open;
        $("jobs-count").hidden = !open;
      }
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures > 1 && error.status === 0) notify(error.message);
    }
    await pause(JOBS_EVERY);
  }
}

remember();
translate();
route({ focus: false });
countJobs();
