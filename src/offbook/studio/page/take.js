// Take along: the character as files for other programs, each proved to speak as the original; or pushed to a hub.

import { get, path, post } from "./api.js";
import { bytes, number } from "./format.js";
import { isOpen, jobProgress } from "./job.js";
import { action, ask, command, h, heading, note } from "./parts.js";
import { redraw } from "./router.js";
import { word } from "./words.js";

const FORMATS = ["gguf", "ollama", "merged", "lora"];

export async function show(main, [name], signal) {
  const address = path("runs", name);
  const [{ exports, formats, command: line }, jobs] = await Promise.all([get(`${address}/exports`, signal), get("/api/jobs", signal)]);
  const open = jobs.filter((job) => ["export", "push"].includes(job.kind) && job.subject === name && isOpen(job));
  main.append(heading(word("takeTitle"), word("takeLead")));
  const working = h("div", { class: "working" }, open.map((job) => jobProgress(job, signal, redraw)));
  main.append(working);
  const start = async (format) => {
    const { job } = await post(`${address}/export`, { format });
    working.append(jobProgress(job, signal, redraw));
    begun(main, format);
    working.scrollIntoView({ block: "nearest" });
  };
  const made = new Map(exports.map((each) => [each.format, each]));
  const offered = formats?.map((each) => each.format ?? each) ?? FORMATS;
  const first = offered.includes("gguf") ? "gguf" : offered[0];
  const others = offered.filter((format) => format !== first);
  main.append(h("ul", { class: "exports" }, [first, ...others].map((format) => item(format, made.get(format), start, address, format === first))));
  for (const job of open) begun(main, job.details.format);
  main.append(push(address, name, working, signal), command(line));
}

// A file that is being made is not begun twice.
function begun(main, format) {
  const button = main.querySelector(`button[data-format="${CSS.escape(format ?? "")}"]`);
  if (button) button.hidden = true;
}

function item(format, made, start, address, isFirst) {
  const again = action(word(made ? "exportAgain" : "export"), () => start(format), made ? "quiet" : isFirst ? "primary" : "secondary", { "data-format": format, "aria-label": word("exportAs", { format }) });
  return h("li", { "data-format": format, class: made ? "made" : "" }, h("h2", {}, word(`format_${format}`)), h("p", { class: "help" }, word(`formatHelp_${format}`)), made ? details(made, address) : "", h("p", { class: "buttons" }, made && h("a", { class: "primary", href: `${address}/exports/${encodeURIComponent(format)}/download`, download: "" }, word("download")), again));
}

function details({ files, parity, commands }) {
  const size = files.reduce((sum, file) => sum + file.bytes, 0);
  const shown = (value) => (typeof value === "number" ? (value && Math.abs(value) < 0.001 ? value.toExponential(1) : number(value, 4)) : String(value));
  const rows = Object.entries(parity ?? {}).filter(([, value]) => ["number", "string", "boolean"].includes(typeof value));
  return h(
    "div",
    {},
    h("p", {}, word("made", { n: number(files.length), size: bytes(size) })),
    rows.length ? h("details", {}, h("summary", {}, word("parity")), h("dl", { class: "facts" }, rows.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, shown(value)))))) : "",
    commands?.length ? command(commands) : "",
  );
}

function push(address, name, working, signal) {
  const begin = async () => {
    const values = await ask({
      title: word("pushTitle"),
      lines: [word("pushText")],
      fields: {
        target: { label: word("pushTarget"), value: "", help: word("pushTargetHelp") },
        token: { label: word("pushToken"), type: "password", help: word("pushTokenHelp"), required: false },
      },
      confirm: word("push"),
    });
    if (!values) return;
    const { job } = await post(`${address}/push`, values);
    working.append(jobProgress(job, signal, redraw));
  };
  return h("section", { class: "push" }, h("h2", {}, word("pushTitle")), h("p", { class: "help" }, word("pushLead")), action(word("push"), begin, "secondary", { id: "push" }), note(word("pushRights")));
}
