// What the page says, in its two languages.

const WORDS = {
  en: {
    title: "offbook",
    compare: "Before and after",
    tuned: "tuned",
    base: "before tuning",
    you: "You",
    hint: "Say something. The words stay on this computer.",
    placeholder: "Your line",
    send: "Send",
    stop: "Stop",
    again: "Once more",
    reset: "New conversation",
    copy: "Copy the conversation",
    copied: "Copied.",
    notCopied: "The browser did not let the page copy.",
    download: "Save as a file",
    settings: "How it speaks",
    temperature: "Liveliness (temperature)",
    top_p: "Choice of words (top p)",
    repetition_penalty: "Against repeating",
    max_tokens: "Longest reply, in tokens",
    seed: "Seed",
    any: "a new one each time",
    defaults: "As trained",
    done: "Done",
    cut: "cut at the longest reply",
    interrupted: "interrupted",
    locked: "This character is behind a key",
    key: "Key (OFFBOOK_API_KEY)",
    enter: "Enter",
    wrongKey: "That key does not fit.",
    busy: "Many are talking to the character. Try again in a moment.",
    unreachable: "The server does not answer. Is it still running?",
    language: "中文",
  },
  zh: {
    title: "脱稿",
    compare: "对比微调前后",
    tuned: "微调后",
    base: "微调前",
    you: "你",
    hint: "说点什么吧。对话只留在这台电脑上。",
    placeholder: "你的台词",
    send: "发送",
    stop: "停下",
    again: "再说一遍",
    reset: "新的对话",
    copy: "复制整段对话",
    copied: "已复制。",
    notCopied: "浏览器不允许复制。",
    download: "存成文件",
    settings: "说话方式",
    temperature: "活泼程度（temperature）",
    top_p: "用词范围（top p）",
    repetition_penalty: "避免重复",
    max_tokens: "回复最长多少个 token",
    seed: "随机种子",
    any: "每次都换",
    defaults: "恢复训练时的设置",
    done: "好了",
    cut: "已到最大长度",
    interrupted: "中断",
    locked: "和这个角色说话要有密钥",
    key: "密钥（OFFBOOK_API_KEY）",
    enter: "进入",
    wrongKey: "密钥不对。",
    busy: "现在和角色说话的人太多，请稍后再试。",
    unreachable: "服务器没有回应，它还在运行吗？",
    language: "English",
  },
};

let language = localStorage.getItem("offbook:language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export const word = (name) => WORDS[language][name];

export function translate() {
  document.documentElement.lang = language;
  for (const part of document.querySelectorAll("[data-word]")) part.textContent = word(part.dataset.word);
  for (const part of document.querySelectorAll("[data-title]")) {
    part.title = word(part.dataset.title);
    part.setAttribute("aria-label", part.title);
  }
  for (const part of document.querySelectorAll("[data-placeholder]")) part.placeholder = word(part.dataset.placeholder);
  document.getElementById("language").textContent = word("language");
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("offbook:language", language);
  translate();
}
