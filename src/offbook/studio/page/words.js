// The studio's texts, in its two languages.

import { texts } from "./shared/language.js";

import { number } from "./format.js";
import { EN } from "./words-en.js";
import { ZH } from "./words-zh.js";

export const WORDS = { en: EN, zh: ZH };

const { word: template, translate, switchLanguage } = texts(WORDS);
export { switchLanguage, translate };

// A text with its {fields} filled in.
export function word(name, fields = {}) {
  return template(name).replace(/{(\w+)}/g, (_, field) => fields[field]);
}

// A setting as people call it, where pages name it beside what it does; else its name in run.yaml.
export function settingName(dotted) {
  const key = dotted.replace(".", "_");
  return `setting_${key}` in EN ? word(`setting_${key}`) : dotted;
}

// A text about a number of things: `NAME_one` for one of them in English, `NAME` otherwise. Its field is {n}; `fields` are others.
export function count(name, n, fields = {}) {
  return word(n === 1 && `${name}_one` in EN ? `${name}_one` : name, { ...fields, n: number(n) });
}
