"""Lines that are about the text rather than in it: headings of acts, scenes and chapters, cast lists, notes.

A heading is told by its form alone, in the languages of `words/`, so that every reader can ask the same question.
"""

from __future__ import annotations

import re
from functools import lru_cache

from offbook.data.extract.script.names import HAS_CJK
from offbook.data.extract.word_lists import load, load_all, one_of

LISTS = load_all("script")
CHINESE = load("script", "zh")
KOREAN = load("script", "ko")

DECORATION = "#*_=＝~■◆●-" + "".join(filter(str.isspace, map(chr, range(0x3001))))
"""What stands around a heading; before it a > does, too."""
BRACKETED = re.compile(r"^[【\[〔《（(](.*)[】\]〕》）)]$")
RULE = re.compile(r"^(?:[\s*＊=＝_~\-—#☆★◇◆]{3,}|——|×(?:\s+×)+)$")
MARKDOWN = re.compile(r"^#{1,6}\s+\S")
CLAUSE_MARK = re.compile(r"[，。！？!?；;“”「」…]")

CHINESE_NUMBER = r"(?:[零〇一二三四五六七八九十百千两兩]+|[\d０-９]+)"
ROMAN = r"[ivxlcIVXLC]+"
ORDINAL = rf"(?i:{one_of(LISTS['before_ordinal'])}\s)?(?i:{one_of(LISTS['ordinal'])})"
COUNT = rf"(?:{ROMAN}|\d+|{ORDINAL})"


def _numbered(nouns: str, chinese: str) -> re.Pattern[str]:
    """A heading of a kind: its noun and its number, in either order; the group `rest` is what follows."""
    kind = f"(?i:{one_of(LISTS[nouns])})"
    return re.compile(
        rf"^第\s*{CHINESE_NUMBER}\s*{one_of(CHINESE[chinese])}(?P<chinese>.*)$"  # 第三幕 雨夜
        rf"|^제?\s*\d+\s*{one_of(KOREAN[chinese])}(?P<korean>$|\s.*)$"  # 1막 2장, 제3막
        rf"|^{kind}[\s.]+{COUNT}\b(?P<noun_first>.*)$"  # ACT III, Acte premier, Сцена 2
        rf"|^(?:{ORDINAL}|(?:\d+|{ROMAN})\.)\s+(?!(?i:tom)\s*:){kind}\b(?P<number_first>.*)$"  # FIRST ACT
    )


PART, ACT, SCENE = (_numbered(kind, f"title_{kind}") for kind in ("part", "act", "scene"))
CHINESE_FORMS = re.compile(
    rf"^卷\s*{CHINESE_NUMBER}(?P<volume>.*)$"  # 卷二
    rf"|^[场場](?:景|次)?\s*{CHINESE_NUMBER}(?P<scene>.*)$"  # 场景3, 场次一
    rf"|^(?:[^，。！？!?：:“”「」…]{{2,16}}\s|\d+[.、．]\s*)第\s*{CHINESE_NUMBER}\s*[章回](?:\s.*)?$"  # 正文 第3章 雨夜
    rf"|^【第\s*{CHINESE_NUMBER}\s*[章回]】.*$"
    rf"|^第\s*{CHINESE_NUMBER}\s*[期夜案](?:$|[\s·・:：（(].*$)"  # 第三期
    rf"|^番外\s*[（(]?{CHINESE_NUMBER}[）)]?(?:$|[\s:：].*$)"
    rf"|^{one_of(CHINESE['scene_label'])}\s*[:：.．、\s].*$"  # 内景：厨房
)
JINJIANG = re.compile(r"^☆、\s*(?P<title>\S.*)$")
"""☆、雨夜: how the site Jinjiang sets off a chapter's title in a text that is downloaded"""
BETWEEN_DASHES = re.compile(r"^[—–]+\s*([^—–]+?)\s*[—–]+$")
"""—— 片尾 ——"""
NUMBER = re.compile(rf"[\s#]*{CHINESE_NUMBER}$")
"""线索卡1, 任务二: what is numbered"""
CIRCLED = re.compile(r"^[○〇◯](?:(?=\S)|\s*(?=.*[・（\u3040-\u30ff]))(?P<title>[^，。！？、「」]{1,40})$")
"""○灯台・中（夜）, ○　灯台・中（夜）, as Japanese screenplays head their scenes"""
NUMBERED_SONG = re.compile(r"^#\s?\d+[A-Za-z]?[.:]?\s*[-–—]?\s*[“\"]?[A-Z][^a-z]*[”\"]?$")
"""#3 "LIGHT THE LAMP", as musicals head their songs"""
SCENE_IN_BRACKETS = re.compile(
    rf"^[*_]{{0,2}}\[(?P<title>(?i:{one_of(LISTS['scene'])})\s*[:：]\s*[^\[\]]{{1,300}})\][*_]{{0,2}}$"
)
"""[Scene: the pier, at night.], as transcripts of series have it"""
SLUG_LINE = re.compile(r"^(?:\d+[A-Z]?\.?\s+)?(?:INT|EXT|INT\.?/EXT|I/E)[.\s]+\S.*$")
"""INT. KITCHEN - NIGHT, and with the number of a shooting script: 12A  EXT. YARD - DAY  12A"""
KOREAN_SCENE = re.compile(r"^(?:[sS]#\s?\d+|(?:#|씬\s?)\d+(?=.*[\uac00-\ud7a3]))(?:[.\s][^,.!?]{0,40})?$")
"""S#1. 카페 (낮), #2. 거리"""
BARE_SCENE = re.compile(rf"^(?i:{one_of(LISTS['scene'])})\s*[.:]?$")
"""SCENE"""
STANDALONE = re.compile(
    rf"^{one_of(CHINESE['standalone_zh'])}(?:[\s:：·.、]|$)"  # 尾声 雪夜
    rf"|^(?i:{one_of(LISTS['standalone'])})\s*[.:]?$"  # Prologue, ЭПИЛОГ
    rf"|^(?i:{one_of(LISTS['standalone'])})\s*[:–—]\s*[^\W\d_a-zа-я][^,.!?;:…]*$"  # Prologue: The Sea
)
ABBREVIATED = re.compile(
    rf"^(?:Ch|CH|Chap|CHAP|Kap|KAP|Cap|CAP|Гл|ГЛ)\.\s?(?:\d+|{ROMAN})(?:\s*[.:–—-]?\s*[^\W\d_a-zа-я][^.!?;…]*)?\.?$"
)
"""Ch. 1, Chap. IV: The Stove"""
SLUG_NUMBER = re.compile(rf"^(?:[sS]\d+|{CHINESE_NUMBER})(?:[-－—–.．]\d+)*\s*[.．、:：\s]\s*")
SLUG_WORDS = re.compile(r"[\s/／、，,.．·:：\-—（）()]+")

LATIN_WORD = re.compile(r"[A-Za-z]+")
_OPENERS = frozenset(
    first[0].casefold()
    for key in ("part", "act", "scene", "before_ordinal", "ordinal", "standalone")
    for word in LISTS[key]
    if (first := LATIN_WORD.match(word))
) | {"int", "ext", "i", "ch", "chap", "kap", "cap"}
"""The first words of headings in Latin script, but for Roman numerals."""
SAID = ("“", '"')
"""How a line begins in which somebody speaks."""
LONGEST = 80
"""Longer lines are prose."""

CAST = re.compile(rf"^(?i:{one_of(LISTS['cast'])})\s*[:：.]?$")
"""Dramatis Personæ, 人物表:, Действующие лица"""


def undecorated(line: str) -> str:
    """The line without the markdown, rules and brackets that set a heading off."""
    if line[:1].isalnum() and line[-1:].isalnum():
        return line
    bare = line.lstrip(DECORATION + ">").rstrip(DECORATION)
    inside = BRACKETED.match(bare) or BETWEEN_DASHES.match(bare)
    return inside[1].strip() if inside else bare


def heading(line: str) -> tuple[int, str] | None:
    """Level and name of the heading that a line is: 1 a part or episode, 2 an act, 3 a scene or chapter; else None."""
    return None if line[:1].islower() or line[:1] in SAID else _heading(line)


@lru_cache(4096)
def _heading(line: str) -> tuple[int, str] | None:
    if (first := LATIN_WORD.match(line)) and not (_opens_heading(first[0]) or HAS_CJK.search(line)):
        return None
    if bracketed := SCENE_IN_BRACKETS.match(line):
        return 3, bracketed["title"]
    if len(line) > LONGEST or (line.endswith((",", "，", "；", ";")) and line[0] != "#"):
        return None
    bare = undecorated(line)
    for level, pattern in ((1, PART), (2, ACT), (3, SCENE)):
        if (match := pattern.match(bare)) and _is_title(match, bare):
            return level, bare
    if (match := CHINESE_FORMS.match(bare)) and _is_title(match, bare):
        return 1 if match["volume"] is not None else 3, bare
    if title := CIRCLED.match(line) or JINJIANG.match(line):
        return 3, title["title"].strip()
    if (
        SLUG_LINE.match(bare)
        or KOREAN_SCENE.match(line)
        or NUMBERED_SONG.match(line)
        or BARE_SCENE.match(bare)
        or _is_slug(bare)
    ):
        return 3, bare
    if ABBREVIATED.match(bare) or (STANDALONE.match(bare) and len(bare) <= 30 and not line.startswith("**")):
        return 3, bare
    if MARKDOWN.match(line):
        return 3, bare
    return None


@lru_cache(4096)
def _opens_heading(word: str) -> bool:
    """Whether a heading can begin with a word in Latin script. Most lines of a book are told by it alone."""
    return word.casefold() in _OPENERS or re.fullmatch(ROMAN, word) is not None


def is_rule(line: str) -> bool:
    """A line of asterisks, dashes and the like, which parts two scenes."""
    return not line[:1].isalnum() and len(line.strip()) >= 2 and bool(RULE.match(line.strip()))


def is_note(label: str) -> bool:
    """Whether a label before a colon is the script's own (time, place, music …) and no speaker."""
    name = label.strip().casefold()
    return name in LISTS["note"] or (HAS_CJK.search(name) is not None and NUMBER.sub("", name) in LISTS["note"])


def may_speak(label: str) -> bool:
    """Whether a label that is a script's own may be a person after all: the director in an interview."""
    return label.strip().casefold() in LISTS["note_that_speaks"]


def _is_title(match: re.Match[str], bare: str) -> bool:
    """Whether a title can follow the number: `第一场雪下了三天。` and `Part two of the plan failed.` are prose."""
    groups = match.groupdict()
    western = next((groups[key] for key in ("noun_first", "number_first") if groups.get(key) is not None), None)
    if western is not None:
        if western[:1] == ",":  # ACTE I, SCÈNE II
            return bool(SCENE.match(western[1:].strip()))
        if western.startswith(("'", "’")):  # TOM. I'm here: no volume
            return False
        return not western or not (western[0].isspace() and western.lstrip()[:1].islower())
    rest = next((value for value in groups.values() if value is not None), "")
    if not rest or not (rest[0].isalnum() or rest[0] in "，。！？"):
        return len(bare) <= 60
    return len(bare) <= 20 and not CLAUSE_MARK.search(rest)


def _is_slug(bare: str) -> bool:
    """Whether it is a scene's slug line: `1-1 日 内 甄府`, `12、碎玉轩 夜 内`, `养心殿 夜 内`."""
    if bare.isascii() or len(bare) > 40 or CLAUSE_MARK.search(bare):
        return False
    number = SLUG_NUMBER.match(bare)
    parts = set(SLUG_WORDS.split(bare[number.end() if number else 0 :]))
    return bool(parts & CHINESE["place"] and parts & CHINESE["day"]) or bool(
        number and parts & (CHINESE["place"] | CHINESE["day"])
    )
