"""The language that a book is written in, told by its letters and its commonest words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from offbook.data.extract.word_lists import load

BY_WORDS = ("en", "fr", "de", "es", "ru", "it", "pt", "pl", "cs", "sv", "nl", "vi", "tr")
"""Languages that are told by the words of their list "common"."""
WORDS = re.compile(r"[^\W\d_]+")
HAN = re.compile(r"[\u4e00-\u9fff]")
KANA = re.compile(r"[\u3041-\u3096]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")
HANGUL = re.compile(r"[\uac00-\ud7a3]")
UNREAD = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff\u0530-\u0dff\u0e00-\u10ff\u1780-\u17ff]")
"""Letters of Greek, Armenian, Hebrew, Arabic, India's scripts, Thai, Lao, Burmese, Georgian and Khmer."""


def language_of(texts: Iterable[str]) -> str:
    """The language of a book's lines: "zh", "ja", "ko", "kk" or one of `BY_WORDS`; "en" where nothing tells."""
    text = "\n".join(texts)
    letters = sum(map(str.isalpha, text)) or 1
    if len(HANGUL.findall(text)) > 0.3 * letters:
        return "ko"
    if len(KANA.findall(text)) > 0.15 * letters:
        return "ja"
    if len(HAN.findall(text)) > 0.3 * letters:
        return "zh"
    if len(CYRILLIC.findall(text)) > 0.5 * letters:
        return "kk" if len(re.findall("[әғқңұһ]", text.lower())) > 0.03 * letters else "ru"
    counts = Counter(WORDS.findall(text.lower()))
    common = {language: sum(counts[word] for word in load("novel", language)["common"]) for language in BY_WORDS}
    return max(BY_WORDS, key=lambda language: common[language])


def is_unread(texts: Iterable[str]) -> bool:
    """Whether a text is written in letters whose languages no novel reader knows."""
    text = "\n".join(texts)
    return len(UNREAD.findall(text)) > 0.5 * (sum(map(str.isalpha, text)) or 1)
