// The conversations with a character, and the scenes, as the browser keeps them.
//
// A talk: {id, name, updated, turns}. A turn: {role: "user", text}, or {role: "assistant", versions, shown}, where a
// version is {tuned: reply, base: reply or null} and a reply {text, end, dropped}: why it ended (stop, length,
// interrupted), and how many of the messages that were sent with it the server had no room for.
// A scene is a talk with {user, rule, cast: [{model, name}]}, whose turns are lines: {name, text, move, end}.

import { word } from "./i18n.js";

const SAVE_EVERY = 500; // milliseconds, while a reply grows

export class Talks {
  // `fresh()` gives what a new talk begins with; without it none is begun unasked.
  constructor(place, fresh, onFull) {
    this.place = place;
    this.fresh = fresh;
    this.onFull = onFull;
    const stored = JSON.parse(localStorage.getItem(this.place) ?? "null");
    this.all = stored?.talks ?? [];
    this.current = this.all.find((talk) => talk.id === stored?.current) ?? this.all[0];
    if (!this.current && fresh) this.create();
    for (const talk of this.all) for (const turn of talk.turns) for (const reply of replies(turn)) reply.end ??= "interrupted";
    addEventListener("pagehide", () => this.save());
  }

  get turns() {
    return this.current?.turns ?? [];
  }

  create(fields = this.fresh()) {
    const unused = this.all.find((talk) => !isBegun(talk));
    this.current = unused ?? { id: `${Date.now()}-${Math.random()}`, name: "" };
    Object.assign(this.current, { updated: Date.now() }, fields);
    if (!unused) this.all.unshift(this.current);
    this.save();
    return this.current;
  }

  open(id) {
    this.current = this.all.find((talk) => talk.id === id) ?? this.current;
    this.save();
  }

  // Remove a talk; the result puts it back.
  remove(id) {
    const index = this.all.findIndex((talk) => talk.id === id);
    const [talk] = this.all.splice(index, 1);
    if (talk === this.current) this.current = this.all[0];
    if (!this.current && this.fresh) this.create();
    this.save();
    return () => {
      this.all.splice(index, 0, talk);
      this.current = talk;
      this.save();
    };
  }

  // Replace the current talk's turns; the result puts the old ones back.
  rewrite(turns) {
    const talk = this.current;
    const old = talk.turns;
    talk.turns = turns;
    this.save();
    return () => {
      talk.turns = old;
      this.current = talk;
      this.save();
    };
  }

  save() {
    clearTimeout(this.timer);
    this.timer = null;
    try {
      localStorage.setItem(this.place, JSON.stringify({ current: this.current?.id, talks: this.all }));
    } catch {
      this.onFull();
    }
  }

  saveSoon() {
    this.timer ??= setTimeout(() => this.save(), SAVE_EVERY);
  }
}

export const assistantTurn = (version) => ({ role: "assistant", versions: [version], shown: 0 });
export const version = (turn) => turn.versions[turn.shown];

// Whether the user has said anything in a talk, or a scene has any line.
export const isBegun = (talk) => talk.turns.some((turn) => turn.role !== "assistant");

function replies(turn) {
  if ("end" in turn) return [turn];
  return (turn.versions ?? []).flatMap(({ tuned, base }) => [tuned, base].filter(Boolean));
}

// The names of a scene's characters.
export const castOf = (talk) => (talk.cast ?? []).map(({ name }) => name).join(word("comma"));

export function title(talk) {
  const first = talk.turns.find((turn) => turn.role !== "assistant")?.text ?? "";
  return talk.name || [castOf(talk), first.slice(0, 60)].filter(Boolean).join(": ");
}

// The messages of the turns before `end`, as one of the two models has lived them: without empty ones, neighbours of
// one speaker joined, as the server does it. Each knows its turn.
export function messages(turns, who, end = turns.length) {
  const sent = [];
  turns.slice(0, end).forEach((turn, index) => {
    const content = turn.role === "user" ? turn.text : (version(turn)[who] ?? version(turn).tuned).text;
    if (!content.trim()) return;
    const last = sent.at(-1);
    if (last?.role === turn.role) last.content += `\n${content}`;
    else sent.push({ role: turn.role, content, turn: index });
  });
  return sent;
}

// The first turn that the character still remembered at its last reply, or 0 where it remembers all.
export function rememberedFrom(turns, greeting) {
  for (let index = turns.length - 1; index >= 0; index--) {
    const dropped = turns[index].role === "assistant" && version(turns[index]).tuned.dropped;
    if (dropped === undefined || dropped === false) continue;
    if (!dropped) return 0;
    const sent = messages(turns, "tuned", index);
    const greeted = sent[0]?.role === "assistant" && sent[0].content === greeting ? 1 : 0;
    return sent[greeted + dropped]?.turn ?? 0;
  }
  return 0;
}
