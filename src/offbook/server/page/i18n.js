// The texts of the page, in its two languages.

const WORDS = {
  en: {
    title: "offbook",
    compare: "Compare with the base model",
    tuned: "tuned",
    base: "base model",
    you: "You",
    hintHere: "Say something. What you write stays on this computer.",
    hintThere: "Say something. What you write goes to {host} and nowhere else.",
    placeholder: "Your line",
    send: "Send",
    stop: "Stop",
    again: "Regenerate",
    earlier: "Earlier version",
    later: "Later version",
    edit: "Edit",
    save: "Save",
    cancel: "Cancel",
    changed: "Changed.",
    answeredAnew: "Your line was changed and is answered anew.",
    undo: "Undo",
    forgets: "The character no longer remembers what is above this line.",
    reset: "New",
    talks: "Conversations",
    newTalk: "New conversation",
    rename: "Rename",
    delete: "Delete",
    deleted: "Conversation deleted.",
    full: "The browser has no room left for conversations. Delete some of them.",
    tooLong: "That is longer than the character can read at once. Send it in parts.",
    copy: "Copy",
    copied: "Copied.",
    notCopied: "The browser did not let the page copy.",
    download: "Download",
    settings: "Settings",
    temperature: "Liveliness (temperature)",
    top_p: "Choice of words (top p)",
    repetition_penalty: "Repetition penalty",
    max_tokens: "Longest reply, in tokens",
    seed: "Seed",
    any: "a new one each time",
    defaults: "Reset to trained settings",
    done: "Done",
    cut: "cut off at the longest reply",
    interrupted: "interrupted",
    locked: "This character needs a key",
    key: "Key (OFFBOOK_API_KEY)",
    enter: "Enter",
    wrongKey: "That key is wrong.",
    busy: "Many are talking to the character. Try again in a moment.",
    unreachable: "The server does not answer. Is it still running?",
    language: "中文",
  },
  zh: {
    title: "脱稿",
    compare: "与底座模型对比",
    tuned: "微调后",
    base: "底座模型",
    you: "你",
    hintHere: "说点什么吧。对话只留在这台电脑上。",
    hintThere: "说点什么吧。对话只发往 {host}，不去别处。",
    placeholder: "你的台词",
    send: "发送",
    stop: "停下",
    again: "重新生成",
    earlier: "上一个版本",
    later: "下一个版本",
    edit: "编辑",
    save: "保存",
    cancel: "取消",
    changed: "已修改。",
    answeredAnew: "已改好你的台词，正在重新回答。",
    undo: "撤销",
    forgets: "这条线以上的内容，角色已经记不得了。",
    reset: "新建",
    talks: "对话列表",
    newTalk: "新的对话",
    rename: "改名",
    delete: "删除",
    deleted: "对话已删除。",
    full: "浏览器没有空间保存对话了，请删掉一些。",
    tooLong: "这段话太长，角色一次读不完，请分几次发。",
    copy: "复制",
    copied: "已复制。",
    notCopied: "浏览器不允许复制。",
    download: "下载",
    settings: "设置",
    temperature: "活泼程度（temperature）",
    top_p: "用词范围（top p）",
    repetition_penalty: "重复惩罚",
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

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("offbook:language", language);
  translate();
}
