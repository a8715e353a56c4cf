// A scene: several characters and the user in one conversation. The server says who speaks next; the script is kept here.

import { request, streamReply } from "./api.js";
import { notify } from "./dom.js";
import { word } from "./i18n.js";
import { fail, setBusy } from "./page.js";
import { drawScene, drawStage } from "./scene-view.js";
import { castOf, Talks } from "./talks.js";
import { editTurn, showReply } from "./view.js";

const isSpoken = (line) => line.text.trim() !== "";

export class Scene {
  constructor(cast) {
    this.cast = cast; // who is there on the server
    this.talks = new Talks("offbook:scenes", null, () => notify(word("full")));
    for (const talk of this.talks.all) talk.turns = talk.turns.filter(isSpoken);
    this.growing = null; // the AbortController of the line that is growing
    this.isOpen = false; // whether it is what the page shows
  }

  get scene() {
    return this.talks.current;
  }

  get title() {
    return this.scene ? this.scene.name || castOf(this.scene) : word("scene");
  }

  get canSpeak() {
    return this.served.length > 0;
  }

  // The characters of the scene that the server still has.
  get served() {
    return (this.scene?.cast ?? []).filter(({ model }) => this.cast.find(model));
  }

  // Who is in the scene, and where: [{name, model, isServed, isPresent}].
  get stage() {
    const moves = new Map(this.talks.turns.filter(({ move }) => move).map(({ name, move }) => [name, move]));
    const served = this.served;
    return (this.scene?.cast ?? []).map((member) => ({
      ...member,
      isServed: served.includes(member),
      isPresent: moves.get(member.name) !== "leaves",
    }));
  }

  draw() {
    if (!this.isOpen) return;
    const actions = {
      again: () => this.again(),
      edit: (index) => this.edit(index),
      remove: (index) => this.remove(index),
    };
    drawScene(this.scene, { isBusy: this.growing !== null, canSpeak: this.canSpeak }, actions);
    drawStage(this.stage, {
      goOn: () => this.speak({}),
      speak: (name) => this.speak({ speaker: name }),
      move: (member) => this.move(member),
    });
  }

  stop() {
    this.growing?.abort();
  }

  // What the user writes, or, without a text, nothing: the scene goes on.
  async submit(text) {
    await this.speak({ say: text });
  }

  // Let whoever's turn it is speak, and those who speak after them.
  async speak({ say = "", speaker = "" }) {
    if (this.growing || !this.canSpeak) return;
    const scene = this.scene;
    const growing = (this.growing = new AbortController());
    setBusy(true);
    try {
      let next = [speaker];
      while (next.length) {
        const then = await this.grow(scene, { say, speaker: next[0] }, growing.signal);
        next = next[0] ? next.slice(1) : then;
        say = "";
      }
    } catch (error) {
      if (error.name !== "AbortError") fail(error);
    }
    this.growing = null;
    if (this.isOpen) setBusy(false);
    this.draw();
  }

  // One line; the result is who speaks after it.
  async grow(scene, { say, speaker }, signal) {
    const sent = scene.turns.map(({ name, text, move }) => ({ name, text, move: move ?? null }));
    const line = { name: speaker, text: "", end: null };
    const mine = say ? { name: scene.user, text: say, isNew: true } : null; // until the server says what it is
    scene.turns.push(...(mine ? [mine] : []), line);
    scene.updated = Date.now();
    this.talks.save();
    this.draw();
    const served = this.served.map(({ model, name }) => ({ model, name }));
    const body = { user: scene.user, cast: served, rule: scene.rule, lines: sent, say, speaker };
    let then = [];
    try {
      for await (const event of streamReply("v1/scene", body, signal)) {
        if (event.offbook) {
          if (mine) Object.assign(mine, event.offbook.line, { isNew: false });
          line.name = event.offbook.speaker ?? "";
          then = event.offbook.then;
          this.draw();
        }
        const choice = event.choices[0];
        if (!choice) {
          notify(word("nobody"));
          break;
        }
        line.text += choice.delta.content ?? "";
        if (choice.finish_reason) line.end = choice.finish_reason;
        showReply(line);
        this.talks.saveSoon();
      }
    } finally {
      line.end ??= "interrupted";
      delete mine?.isNew;
      if (!isSpoken(line)) scene.turns = scene.turns.filter((each) => each !== line);
      this.talks.save();
    }
    return then;
  }

  // A character leaves, or comes back.
  move({ name, isPresent }) {
    if (this.growing) return;
    const move = isPresent ? "leaves" : "enters";
    this.scene.turns.push({ name, text: word(move).replace("{name}", name), move });
    this.talks.save();
    this.draw();
  }

  async again() {
    const { name } = this.talks.turns.at(-1);
    const undo = this.talks.rewrite(this.talks.turns.slice(0, -1));
    notify(word("saidAnew"), () => this.takeBack(undo));
    await this.speak({ speaker: name });
  }

  edit(index) {
    const line = this.talks.turns[index];
    editTurn(index, line.text, (text) => {
      if (text !== null && text !== line.text) {
        const undo = this.talks.rewrite(this.talks.turns.with(index, { ...line, text }));
        notify(word("changed"), () => this.takeBack(undo));
      }
      this.draw();
    });
  }

  remove(index) {
    const undo = this.talks.rewrite(this.talks.turns.toSpliced(index, 1));
    notify(word("lineDeleted"), () => this.takeBack(undo));
    this.draw();
  }

  takeBack(undo) {
    this.stop();
    undo();
    this.draw();
  }

  async transcript() {
    const lines = this.talks.turns.map(({ name, text, move }) => ({ name, text, move: move ?? null }));
    return (await request("v1/scene/script", { lines })).text();
  }

  async file() {
    return { name: `${this.title}.txt`, type: "text/plain", text: await this.transcript() };
  }
}
