"""What is asked of a text everywhere: normal form, script; and how sizes and times are written."""

from __future__ import annotations

import re
import unicodedata

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters, as the inside of a character class: `[{HAN}]`."""
KANA = "\u3040-\u30ff"
HANGUL = "\uac00-\ud7af"
CJK = HAN + KANA + HANGUL
"""Characters of Chinese, Japanese and Korean writing, as the inside of a character class."""

SCRIPTS = {
    "Japanese": re.compile(f"[{KANA}]"),
    "Korean": re.compile(f"[{HANGUL}]"),
    "Chinese": re.compile(f"[{HAN}]"),
    "Cyrillic": re.compile("[\u0400-\u04ff]"),
    "Arabic": re.compile("[\u0600-\u06ff]"),
    "Latin": re.compile("[A-Za-z\u00c0-\u024f]"),
}
LATIN_LETTERS_PER_HAN = 4
"""A Latin word of so many letters weighs about as much as one Chinese character."""

_NO_LETTER = re.compile(r"[\W_]+")


def normalize(text: str) -> str:
    """The text as it is compared: letters and digits only, without case and width (NFKC).

    A text that has neither letters nor digits (`……`) is returned as it is, without outer white space.
    """
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", text).casefold()) or text.strip()


def has_chinese(text: str) -> bool:
    """Whether the text holds a Chinese character."""
    return SCRIPTS["Chinese"].search(text) is not None


def script(text: str, letters: int = 8) -> str | None:
    """The script that most of the text is in, a key of `SCRIPTS`.

    Args:
        letters: so many Latin letters must be there to tell, or as much in another script (one Chinese character
            counts as four letters); else None.
    """
    # Japanese is written with Chinese characters as well, Chinese never with kana.
    if SCRIPTS["Japanese"].search(text):
        return "Japanese"
    counts = {name: len(pattern.findall(text)) for name, pattern in SCRIPTS.items()}
    counts["Chinese"] *= LATIN_LETTERS_PER_HAN
    name = max(counts, key=counts.__getitem__)
    return name if counts[name] >= letters else None


def is_chinese(text: str) -> bool:
    """Whether the text is written in Chinese, foreign words and names in it notwithstanding."""
    return script(text, letters=1) == "Chinese"


def format_bytes(count: float) -> str:
    """A number of bytes for people, in units of 1024: `512 bytes`, `34.5 MiB`, `1.2 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            break
        count /= 1024
    return f"{count:,.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:,.1f} {unit}"


def clock(seconds: float) -> str:
    """Seconds as 4:05 or 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
