// The conversation with one character: sends what is written, shows what is answered, keeps the talks.

import { streamReply } from "./api.js";
import { $, notify } from "./dom.js";
import { word } from "./i18n.js";
import { fail, setBusy } from "./page.js";
import { sampling } from "./sampling.js";
import { assistantTurn, messages, Talks, version } from "./talks.js";
import { drawTalk, editTurn, showReply } from "./view.js";

const fresh = () => ({ text: "", end: null });
const freshVersion = () => ({ tuned: fresh(), base: $("compare").checked ? fresh() : null });

// The beginning of a talk: what the character says first.
function opening({ greeting }) {
  return { turns: greeting ? [assistantTurn({ tuned: { text: greeting, end: "stop" }, base: null })] : [] };
}

export class Chat {
  constructor(character) {
    this.character = character;
    this.talks = new Talks(`offbook:talks:${character.model}`, () => opening(this.character), () => notify(word("full")));
    this.growing = null; // the AbortController of the replies that are growing
    this.isOpen = false; // whether it is what the page shows
  }

  get title() {
    return this.character.name;
  }

  get canSpeak() {
    return !this.character.hasLeft;
  }

  draw() {
    if (!this.isOpen) return;
    const actions = { again: () => this.again(), edit: (index) => this.edit(index), step: (index, by) => this.step(index, by) };
    drawTalk(this.talks, this.character, this.growing !== null || !this.canSpeak, actions);
  }

  stop() {
    this.growing?.abort();
  }

  async submit(text) {
    if (!text) return;
    this.talks.turns.push({ role: "user", text }, assistantTurn(freshVersion()));
    await this.growLast();
  }

  // Let the last turn of the talk, which is the character's, grow.
  async growLast() {
    const turns = this.talks.turns;
    const index = turns.length - 1;
    const growing = (this.growing = new AbortController());
    this.talks.current.updated = Date.now();
    this.talks.save();
    setBusy(true);
    this.draw();
    const both = version(turns[index]).base ? ["tuned", "base"] : ["tuned"];
    await Promise.all(both.map((who) => this.grow(turns, index, who, growing.signal)));
    this.talks.save();
    if (this.growing !== growing) return;
    this.growing = null;
    if (this.isOpen) setBusy(false);
    this.draw();
  }

  async grow(turns, index, who, signal) {
    const reply = version(turns[index])[who];
    const sampled = sampling();
    if (sampled.seed !== undefined) sampled.seed += turns[index].shown; // another version is another reply
    const body = {
      model: this.character[who === "tuned" ? "model" : "base"],
      messages: messages(turns, who, index).map(({ role, content }) => ({ role, content })),
      ...sampled,
    };
    try {
      reply.dropped = 0;
      for await (const event of streamReply("v1/chat/completions", body, signal)) {
        const choice = event.choices[0];
        reply.text += choice.delta.content ?? "";
        reply.dropped = event.offbook?.dropped_messages ?? 0;
        if (choice.finish_reason) reply.end = choice.finish_reason;
        showReply(reply);
        this.talks.saveSoon();
      }
    } catch (error) {
      if (error.name !== "AbortError") fail(error);
    }
    reply.end ??= "interrupted";
    showReply(reply);
  }

  async again() {
    const turn = this.talks.turns.at(-1);
    const isEmpty = !version(turn).tuned.text;
    if (isEmpty) turn.versions.splice(turn.shown, 1); // nothing was said: nothing to go back to
    turn.shown = turn.versions.push(freshVersion()) - 1;
    await this.growLast();
  }

  step(index, by) {
    this.talks.turns[index].shown += by;
    this.talks.save();
    this.draw();
  }

  // A changed line of the user's is answered anew; a changed reply is what the character has said from now on.
  edit(index) {
    const turn = this.talks.turns[index];
    const old = turn.role === "user" ? turn.text : version(turn).tuned.text;
    editTurn(index, old, (text) => {
      if (text === null || text === old) return this.draw();
      if (turn.role === "user") {
        const undo = this.talks.rewrite([
          ...this.talks.turns.slice(0, index),
          { role: "user", text },
          assistantTurn(freshVersion()),
        ]);
        notify(word("answeredAnew"), () => {
          this.stop();
          undo();
          this.draw();
        });
        return this.growLast();
      }
      const changed = { ...version(turn), tuned: { text, end: "stop" } };
      const undo = this.talks.rewrite(
        this.talks.turns.with(index, { ...turn, versions: turn.versions.with(turn.shown, changed) }),
      );
      notify(word("changed"), () => (undo(), this.draw()));
      this.draw();
    });
  }

  async transcript() {
    const line = (name, text) => `${name}: ${text.trim()}`;
    const { name } = this.character;
    return this.talks.turns
      .flatMap((turn) => {
        if (turn.role === "user") return [line(word("you"), turn.text)];
        const { tuned, base } = version(turn);
        const label = base ? ` (${word("tuned")})` : "";
        return [line(name + label, tuned.text), ...(base ? [line(`${name} (${word("base")})`, base.text)] : [])];
      })
      .join("\n\n");
  }

  async file() {
    const kept = messages(this.talks.turns, "tuned").map(({ role, content }) => ({ role, content }));
    return { name: `${this.character.model}.json`, type: "application/json", text: JSON.stringify({ messages: kept }, null, 2) };
  }
}
