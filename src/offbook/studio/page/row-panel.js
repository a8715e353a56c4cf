// One row in full, beside the lines of the text that it comes from, and what can be done with it.

import { get } from "./api.js";
import { action, badge, fail, field, h, note } from "./parts.js";
import { word } from "./words.js";

export class RowPanel {
  // `edit(op, row, fields)` changes the row; `merge(row)` joins it with the next one; `close()` goes back to the list.
  constructor(address, { edit, merge, close }, signal) {
    Object.assign(this, { address, edit, merge, close, signal });
    this.element = h("section", { class: "panel", "aria-label": word("row") });
    this.editor = null; // the row that is being edited, and how the fields are read
    signal.addEventListener("abort", () => this.#keep());
    addEventListener("beforeunload", (event) => this.#isUnsaved() && event.preventDefault(), { signal });
  }

  // Show a row; `isAsked`: the user has opened it, so that on a phone it comes into sight.
  show(row, isAsked) {
    this.#keep();
    this.row = row;
    if (!row) return void this.element.replaceChildren(h("p", { class: "help" }, word("noRow")));
    const marks = [...row.personal.map((each) => badge(word("personal", { what: each }), "warn")), ...row.findings.map((each) => badge(word(`finding_${each}`), "warn"))];
    const buttons = h(
      "p",
      { class: "buttons" },
      action(row.excluded ? word("include") : word("exclude"), () => this.edit(row.excluded ? "include" : "exclude", row), "secondary exclude"),
      action(word("edit"), () => this.beginEdit(), "secondary edit"),
      action(word("merge"), () => this.merge(row), "secondary merge"),
    );
    this.source = h("ol", { class: "source", "aria-label": word("inText") });
    const turns = row.messages.filter((each) => each.role !== "system");
    this.element.replaceChildren(
      h("div", { class: "turns" }, turns.map((turn) => h("p", { class: turn.role === "assistant" ? "reply" : "prompt" }, turn.content))),
      marks.length ? h("p", { class: "marks" }, marks) : "",
      row.merged_into ? h("p", { class: "help" }, word("mergedHelp")) : "",
      row.heldout ? h("p", { class: "help" }, word("heldoutHelp")) : "",
      buttons,
      h("h2", {}, word("inText")),
      h("p", { class: "help" }, row.source_place ?? ""),
      this.source,
    );
    this.#showContext(row).catch(fail);
    if (isAsked && matchMedia("(max-width: 56rem)").matches) this.element.scrollIntoView({ block: "start" });
  }

  // Show the row as it is now, if it has changed; while it is being edited, say so.
  refresh(row) {
    if (!this.editor) return void (JSON.stringify(row) !== JSON.stringify(this.row) && this.show(row, false));
    const before = this.editor.row;
    const isOther = row?.id === before.id && (row.prompt !== before.prompt || row.reply !== before.reply);
    if (isOther) this.editor.trouble.replaceChildren(note(word("changedElsewhere", { text: row.reply })));
  }

  #isUnsaved() {
    const { row, read } = this.editor ?? {};
    return row !== undefined && (read().prompt !== (row.prompt ?? "") || read().reply !== row.reply);
  }

  // Save what was written when something else takes its place: another row, another page.
  #keep() {
    const isUnsaved = this.#isUnsaved();
    const { editor } = this;
    this.editor = null;
    if (isUnsaved) this.edit("edit", editor.row, editor.read()).catch(fail);
  }

  async #showContext(row) {
    const into = this.source;
    let context;
    try {
      context = await get(`${this.address}/rows/${encodeURIComponent(row.id)}/context`, this.signal);
    } catch (error) {
      if (error.status !== 404) throw error;
      context = { lines: [], replies: [] };
    }
    if (this.source !== into) return;
    into.replaceChildren(
      ...context.lines.map(([number, text]) => h("li", { class: context.replies.includes(number) ? "here" : "" }, h("b", { "aria-hidden": "true" }, String(number)), h("span", {}, text))),
    );
    if (!context.lines.length) into.replaceWith(h("p", { class: "help" }, word("noSource")));
  }

  beginEdit() {
    const { row } = this;
    const prompt = h("textarea", { rows: "3" });
    const reply = h("textarea", { rows: "5", required: true });
    prompt.value = row.prompt ?? "";
    reply.value = row.reply;
    const trouble = h("div", { role: "status" });
    const discard = () => {
      this.editor = null;
      this.show(row, false);
    };
    const cancel = h("button", { type: "button", class: "quiet", onclick: discard }, word("cancel"));
    const form = h("form", { class: "editor" }, trouble, field(word("promptField"), prompt), field(word("replyField"), reply), h("p", { class: "buttons" }, cancel, h("button", {}, word("save"))));
    form.onsubmit = (event) => {
      event.preventDefault();
      const { editor } = this;
      this.editor = null;
      this.edit("edit", row, editor.read()).then(() => this.close()).catch((error) => {
        this.editor = editor;
        fail(error);
      });
    };
    form.onkeydown = (event) => {
      if (event.key === "Escape") {
        discard();
        this.close();
      }
    };
    this.editor = { row, trouble, read: () => ({ prompt: prompt.value, reply: reply.value }) };
    this.element.replaceChildren(form);
    reply.focus();
  }
}
