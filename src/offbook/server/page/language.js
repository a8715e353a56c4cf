// Which of the two languages the page is read in, and the page's texts in it.

const KEY = "offbook:language";

let language = localStorage.getItem(KEY) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export const currentLanguage = () => language;

// `words`: {en: {name: text}, zh: {name: text}}. Parts of the page name their texts in data-word, data-title, data-label
// and data-placeholder.
export function texts(words) {
  const word = (name) => words[language][name];

  function translate() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const part of document.querySelectorAll("[data-word]")) part.textContent = word(part.dataset.word);
    for (const part of document.querySelectorAll("[data-title]")) {
      part.title = word(part.dataset.title);
      part.setAttribute("aria-label", part.title);
    }
    for (const part of document.querySelectorAll("[data-label]")) part.setAttribute("aria-label", word(part.dataset.label));
    for (const part of document.querySelectorAll("[data-placeholder]")) part.placeholder = word(part.dataset.placeholder);
    document.getElementById("language-name").textContent = word("language");
    document.getElementById("language").lang = language === "zh" ? "en" : "zh-CN";
  }

  function switchLanguage() {
    setLanguage(language === "zh" ? "en" : "zh");
    translate();
  }

  return { word, translate, switchLanguage };
}

export function setLanguage(chosen) {
  language = chosen;
  localStorage.setItem(KEY, chosen);
}
