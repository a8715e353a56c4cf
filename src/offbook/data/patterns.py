"""What does not belong in a line that somebody says. Each function gives the offending piece of a text, or None.

A text may be long (a key, a hex dump). So no pattern may scan to the end from every place where it could begin: what
repeats is bounded, or cannot begin again inside itself.
"""

from __future__ import annotations

import re

MARKUP = re.compile(
    r"</?(?:a|b|br|code|div|em|font|h[1-6]|i|img|li|ol|p|span|strong|sub|sup|table|td|tr|u|ul)\b[^<>]{0,500}>"
    r"|&(?:[a-z]{2,8}|#\d{2,6});"
    r"|\*\*[^*\n]+\*\*|^#{1,6} |```|!?\[[^][\n]{0,200}\]\([^()\s]{1,500}\)|\{\\[a-z0-9&][^{}]{0,200}\}|https?://\S+",
    re.IGNORECASE | re.MULTILINE,
)
SPECIAL = re.compile(
    r"<[|｜][^|｜<>\s]{1,40}[|｜]>|</?s>|<(?:unk|pad|eos|bos|mask|image|video|audio)>"
    r"|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>"
    r"|(?<![\w:\\])\\[nrt]|\\n(?![a-z])|\\\""  # escapes that were never undone; C:\new is a path
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\ufeff\ufffd]"
)
MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.ASCII)
PHONE = re.compile(r"(?<![\d.])(?:1[3-9]\d{9}|\+\d{1,3}[ -]?\d{2,4}(?:[ -]?\d{2,4}){2,3})(?![\d.])")
CITIZEN_ID = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
PAIRS = dict(zip("）)」』》】]}”", "（(「『《【[{“", strict=True))
BRACKETS = re.compile("[" + re.escape("".join([*PAIRS, *PAIRS.values()])) + "]")
NO_BRACKET = re.compile(
    r"[:;=][-'^o]?[()]{1,5}(?![^\s,.!?，。！？])|^[ \t]{0,8}(?:\d{1,2}[)）]|\w[)）](?=\s))|\d'\d{1,2}\"", re.MULTILINE
)
"""Smileys, the numbers of a list, feet and inches."""


def markup(text: str) -> str | None:
    """Remains of HTML, Markdown, subtitles, or a link."""
    match = MARKUP.search(text)
    return match[0] if match else None


def special(text: str) -> str | None:
    """A model's control token written out, or a character that is not seen."""
    match = SPECIAL.search(text)
    return match[0] if match else None


def personal(text: str) -> str | None:
    """A mail address, a phone number, or a Chinese ID number with its right check digit (GB 11643)."""
    for pattern in (MAIL, PHONE):
        if match := pattern.search(text):
            return match[0]
    return next((match[0] for match in CITIZEN_ID.finditer(text) if _checks(match[0])), None)


def unbalanced(text: str) -> str | None:
    """A bracket or quote that has no partner; apostrophes look like quotes, smileys like brackets, and are left out."""
    text = NO_BRACKET.sub("", text)
    opened: list[str] = []
    for match in BRACKETS.finditer(text):
        sign, start = match[0], match.start()
        if sign == "“" and opened[-1:] == [sign] and text[start - 1] == "\n":
            continue  # a quotation's next paragraph
        if sign not in PAIRS:
            opened.append(sign)
        elif not opened or opened.pop() != PAIRS[sign]:
            return sign
    if opened:
        return opened[-1]
    return '"' if text.count('"') % 2 else None


def _checks(number: str) -> bool:
    weighted = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(number[:17]))
    return "10X98765432"[weighted % 11] == number[17].upper()
