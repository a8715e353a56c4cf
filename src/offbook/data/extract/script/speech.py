"""What is said, cleaned of what is done: stage directions in brackets, markup, the seams of line ends."""

from __future__ import annotations

import re
from itertools import pairwise

from offbook.data.extract.script.names import CJK, HAS_CJK

_SQUARE = r"\[[^\[\]]*\]|［[^［］]*］|【[^【】]*】|〔[^〔〕]*〕"
_ROUND = r"[（(][^（）()]*[）)]"
ACTION = re.compile(rf"[_*]{{0,2}}(?:{_ROUND}|{_SQUARE})[_*]{{0,2}}")
"""(rising), 【笑】, _[Aside]_"""
SQUARE_ACTION = re.compile(rf"[_*]{{0,2}}(?:{_SQUARE})[_*]{{0,2}}")
EMPHASIS = re.compile(r"(?<![\w*_])([*_]{1,3})(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*_])")
STARRED = re.compile(r"^\*(?=\S)[^*\n]+(?<=\S)\*(?=\s|$)\s*")
STARRED_BETWEEN = re.compile(
    r"(?:(?:(?<=[.!?…~—])|(?<=[.!?]\*\*))\s+\*(?=[^\W\d_A-ZÀ-Þ])|(?<=[\"”»])\s*\*(?=[^\s*]))[^*\n]+(?<=\S)\*(?=\s*(?:$|[\"“«*A-ZÀ-Þ¿¡]))"
    rf"|(?:^|(?<=[。！？!?…～~”」』]))\s*\*[{CJK}][^*\n]*\*"
)
"""You're late. *she sighs*   "It rained." *He nods.* "So?"   来了。*叹气*坐吧。: what is done between sentences"""
ESCAPE = re.compile(r"\\([\\\[\]()*_#.\-])")
_WIDE = f"{CJK}，。！？；：、「」『』"
CJK_SPACE = re.compile(rf"(?<=[{_WIDE}]) +| +(?=[{_WIDE}])")
"""A space beside a Chinese character or mark; curly quotes and dots keep theirs in Western text."""
SPACES = re.compile(r"[ \t\u3000\xa0]+")
SENTENCE_END = re.compile(r"(?:[。！？!?…—.~～”’」』\"'）)\]】〕]|--)$")
HYPHENATED = re.compile(r"(?<=[^\W\d_])-$")
"""The end of a line at which a word may be broken: noth-"""
RUNS_ON = re.compile(rf"[{CJK}，、；：]")
"""What a Chinese line that was broken ends or begins with."""
NESTED = 3
"""Brackets within brackets that are taken out."""
HAS_KANA = re.compile("[\u3040-\u30ff]")
CUT = "\x00"
"""Where a direction was taken out."""
SEAM = re.compile(rf"(?P<before>[.,:;!?…—–]?|--)\s*{CUT}[\s{CUT}]*(?P<after>[.,:;!?](?![.\d]))?")
"""The gap that a removed direction leaves, and the marks at its sides: `Go. [He goes].`"""
QUOTES = {"“": "”", "「": "」", "『": "』", '"': '"', "‘": "’", "«": "»"}


def clean(
    text: str, *, spoken_parentheses: bool = False, quoted: bool = False, starred: bool = True
) -> tuple[str, str]:
    """The words alone, and the words with the actions in place ("" where there are none).

    Args:
        text: a speech with its directions.
        spoken_parentheses: whether what stands in round brackets is said (the script's directions stand in others).
        quoted: whether the script sets speeches in quotation marks, so that those around a speech are not said. In
            Chinese and Japanese they never are; elsewhere somebody reads aloud or sings.
        starred: whether what stands between asterisks is done (*sighs*), rather than stressed.
    """
    text = ESCAPE.sub(r"\1", text)
    bare = STARRED_BETWEEN.sub(CUT, STARRED.sub("", text)) if starred and "*" in text else text
    action = SQUARE_ACTION if spoken_parentheses else ACTION
    for _ in range(NESTED):
        bare = action.sub(CUT, bare)
    words = _tidy(EMPHASIS.sub(r"\2", SEAM.sub(_closed, bare)))
    acted = _tidy(EMPHASIS.sub(r"\2", text))
    if quoted or HAS_CJK.search(words) or HAS_KANA.search(words):
        quotations = [piece.strip() for piece in bare.split(CUT) if piece.strip()]
        if len(quotations) > 1 and all(unquote(piece) != piece for piece in quotations):  # "Yes." (rising) "Late."
            words = _tidy(" ".join(map(unquote, quotations)))
        words, acted = unquote(words), unquote(acted)
    return words, acted if acted != words else ""


def _closed(seam: re.Match[str]) -> str:
    """The gap closed: of two marks the first stays, a mark at the head goes."""
    before, after = seam["before"], seam["after"] or ""
    if seam.start() == 0:
        return ""
    if after in ("!", "?") and before in ("—", "–", "--"):
        before += after
    return (before or after) + ("\n" if "\n" in seam[0] else " ")


def join(parts: list[str], wrapped: bool = False, hyphenated: bool = False) -> str:
    """The lines of one speech: verse and paragraphs keep their line ends, wrapped prose loses them.

    Args:
        parts: the lines.
        wrapped: whether the script is known to be wrapped prose; else a line that begins with a small letter tells it.
        hyphenated: whether a hyphen at a line's end breaks a word in two, rather than being the word's own.
    """
    wrapped = wrapped or any(part[:1].islower() for part in parts[1:])
    text = parts[:1]
    for before, part in pairwise(parts):
        if wrapped and part[:1].islower() and HYPHENATED.search(before):
            text[-1] = before[:-1] if hyphenated else before
        elif RUNS_ON.match(part) or RUNS_ON.match(before[-1:]):
            text.append("\n" if SENTENCE_END.match(before[-1:]) else "")
        else:
            text.append(" " if wrapped else "\n")
        text.append(part)
    return "".join(text)


def unquote(text: str) -> str:
    """The text without quotation marks that enclose the whole of it."""
    close = QUOTES.get(text[:1])
    if close and len(text) > 2 and text.endswith(close):
        inside = text[1:-1]
        if close not in inside and text[0] not in inside:
            return inside.strip()
    return text


def _tidy(text: str) -> str:
    lines = (CJK_SPACE.sub("", SPACES.sub(" ", line)).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
