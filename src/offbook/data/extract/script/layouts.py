"""The ways in which a script may mark who speaks, as patterns."""

from __future__ import annotations

import re
from dataclasses import dataclass

from offbook.data.extract.script.names import CJK

WORD = r"[^\W\d_][\w'’\-]*"
LATIN = rf"(?:(?:Mrs?|Ms|Dr|St|MRS?|DR|ST)\.\s)?(?:\d+(?:st|nd|rd|th)?\s)?{WORD}(?:\s(?:{WORD}|\d+)){{0,5}}"
_CAPITALS = r"[A-ZÀ-ÖØ-ÞŒ]['’A-ZÀ-ÖØ-ÞŒ -]{1,30}"
MANNERED_NAME = rf"{_CAPITALS}(?:\s[a-zà-öø-ÿ]{{1,3}}\s{_CAPITALS})?,\s[^\W\dA-ZÀ-ÖØ-Þ][^.:：!?()\[\]\n]{{0,40}}?"
"""ORGON, à part; MARA et ODILE, ensemble"""
_NAME_IN_CAPITALS = r"[A-ZÀ-ÖØ-ÞŒŁŚŻА-ЯЁ][A-ZÀ-ÖØ-ÞŒŁŚŻА-ЯЁ'’-]+"
NAMES = rf"{LATIN}(?:\s?[/&]\s?{LATIN})*"
"""TOM/BEN"""
EAST_ASIAN = rf"[{CJK}\u3040-\u30ff][{CJK}\w・]{{0,9}}"
CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?"
_DAY = r"\d{2,4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}月\d{1,2}日|[今昨前]天|星期[一二三四五六日天]|周[一二三四五六日]"
STAMP = rf"[\[(]?(?:(?:{_DAY})\s+)?{CLOCK}[\])]?"
BRACKETS = r"(?:\s*[（(\[【][^（()）\[\]【】]{0,60}[）)\]】]){0,8}"
"""Notes at a name: so many that two of these side by side share a line of nothing but brackets out in few ways."""

WIDE_GAP = re.compile(rf"(?<![{CJK}])(?:\s{{2,}}|\t)(?=[^\W\d_])(?![{CJK}])")
"""A gap after which the speech begins (MARA  Today.): the name does not stand alone."""
DASH = re.compile(rf"^(?P<notes>{BRACKETS}\.?)\s*(?:[—–]+\s*)+")
"""— Merci.   (bas). — Merci.: a dash before a speech, behind what is done."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to mark a speaker."""

    pattern: re.Pattern[str]
    signs: str = ""
    """A line without any of these has no such label, which is quickly seen."""
    any_name: bool = False
    """Whether the mark is a sign of its own; other labels are believed only where labels usually stand."""
    begins_sentence: bool = False
    """Whether what follows the mark begins a sentence, in any script: no small letter."""


def _layout(pattern: str, signs: str = "", any_name: bool = False, begins_sentence: bool = False) -> Layout:
    return Layout(re.compile(pattern), signs, any_name, begins_sentence)


LAYOUTS = {
    # ANN (quietly): Come in.   (**ANN:** Come in. and **ANN**: Come in. are bold)
    "colon": _layout(
        rf"^(?!\*{{1,2}}[^*:：]{{1,40}}[:：]|\*\*[^*:：]{{1,40}}\*\*[^*:：]{{0,60}}[:：])"
        rf"(?P<name>[^:：︰﹕]{{1,60}}?{BRACKETS})\s*[:：︰﹕](?!//)\s*(?P<rest>.*)$",
        ":：︰﹕",
        any_name=True,
    ),
    # **ANN** Come in.
    "bold": _layout(rf"^(\*\*|__)(?P<name>[^*_]{{1,40}}?)\1(?P<rest>{BRACKETS}[.:：]?.*)$", "*_", any_name=True),
    # 【小岛】进来。
    "bracket": _layout(
        r"^[【\[「<〈](?P<name>[^【】\[\]「」<>〈〉:：]{1,20})[】\]」>〉]\s*[:：]?\s*(?P<rest>\S.*)$",
        "】]」>〉",
        any_name=True,
    ),
    # ANN. Come in.   Ann (quietly). Come in.   ANN [quietly] Come in.   ANA.- Pase.   ORGON, à part. Entrez.
    "dot": _layout(
        rf"^_?(?P<name>{LATIN}|{MANNERED_NAME})(?:\._?(?:[—–]+|-+(?=\s|[¡¿A-ZÀ-ÖØ-Þ«“\"(]))?|,?_?(?=\s*[(\[]_?[^()\[\]]+_?[)\]]))\s*(?P<rest>\S.*)$",
        ".[(",
        begins_sentence=True,
    ),
    # 小岛「进来。」   （小岛）进来。 (in subtitles)
    "corner": _layout(rf"^(?P<name>{EAST_ASIAN}{BRACKETS})\s*(?P<rest>[「『].*)$", "「『", any_name=True),
    "round": _layout(rf"^（(?P<name>{EAST_ASIAN})）\s*(?P<rest>\S.*)$", "（", any_name=True),
    # ANN> Come in.
    "angle": _layout(rf"^(?P<name>{LATIN}|[{CJK}]{{1,8}})>\s(?P<rest>\S.*)$", ">", any_name=True),
    # ANN, with the speech on the lines below
    "alone": _layout(rf"^_?(?P<name>[^:：.]{{1,40}}?{BRACKETS})[.:：]?_?(?P<notes>{BRACKETS})(?:\s+{STAMP})?$"),
    # 小岛；进来。 (a slip of the pen)
    "semicolon": _layout(rf"^(?P<name>[{CJK}]{{1,8}}|{LATIN})\s*[；;]\s*(?P<rest>\S.*)$", "；;"),
    # 小岛　进来。   (but not 小　岛：进来。)
    "gap": _layout(
        rf"^(?:(?P<name>[{CJK}]\u3000[{CJK}]|[{CJK}][{CJK}\w·]{{0,7}})(?:[\s\u3000]+|(?=[（(【\[]))"
        rf"|(?P<kana>{EAST_ASIAN}{BRACKETS})\u3000+)(?!{STAMP}$|[{CJK}]{BRACKETS}[:：])(?P<rest>\S.*)$",
        " \t\u3000（(【[",
    ),
    # ANN  Come in.
    "tab": _layout(rf"^(?P<name>{NAMES})(?:\s{{2,}}|\t+)(?!{STAMP}$)(?P<rest>\S.*)$", " \t"),
    # ANN Come in.   ANN (quietly) Come in.   (bold that a document lost)
    "capitals": _layout(
        rf"^(?P<name>{_NAME_IN_CAPITALS}(?: {_NAME_IN_CAPITALS}){{0,3}})(?P<notes>{BRACKETS})"
        rf"(?P<rest> (?!{_NAME_IN_CAPITALS}\b)[A-ZÀ-ÖØ-ÞŒŁŚŻА-ЯЁ¡¿«„“\"—–…].*)$"
    ),
    # ANN — Come in.   ANN (quietly) — Come in.   ANA, sorrindo — Entre.   AYŞE - Girin.
    "dash": _layout(
        rf"^(?P<name>(?:[{CJK}]{{1,6}}|{LATIN}|{MANNERED_NAME}){BRACKETS})(?:\s*(?:——|—|--|–)\s*|\s-\s)(?P<rest>\S.*)$",
        "—-–",
    ),
    # | ANN | Come in. |
    "pipe": _layout(r"^\|?\s*+(?P<name>[^|]{1,24}?)\s*\|\s*(?P<rest>[^|]*[^|\s])\s*\|?$", "|"),
}
"""How scripts mark who speaks, from the plainest to the weakest."""
