"""Whole lines that are played and not spoken: `（甄嬛跪下）`, `△雪落无声`, `_Exeunt_`, `Enter GHOST`."""

from __future__ import annotations

import re

from offbook.data.extract.word_lists import load, load_all, one_of

LISTS = load_all("script")

PAIRS = {"（": "）)", "(": ")）", "[": "]", "【": "】]", "〔": "〕", "\\[": "]"}
"""An opening bracket and what may close it: writers mix the widths."""
MARKED = re.compile(r"^[△▲▽▼◇◆※●○■□☆★♪♫►▶]")
ITALIC = re.compile(r"^(?:_[^_]+_|\*[^*]+\*)\s*$")
LONGEST = 12
"""Lines after which an unclosed bracket is taken for a slip of the pen."""

_ENTERS = rf"{one_of(LISTS['enter'])}(?: {one_of(LISTS['enter_whom'])})* [A-Z]"
"""Enter GHOST, Enter the Queen"""
_LEAVES = rf"{one_of(LISTS['exit'])}\b"
"""Exeunt all but Hamlet, FADE OUT"""
_CLOSES = rf"(?i:{one_of(LISTS['closing'])})\s*[.!]?$"
"""Curtain., Vorhang, ЗАНАВЕС"""
_PARTS_OF_A_PLAY = LISTS["act"] | LISTS["scene"] | LISTS["whole"]
_ENDS = rf"(?i:{one_of(LISTS['end_of'])}\b.{{0,30}}\b{one_of(_PARTS_OF_A_PLAY)}\w{{0,2}}\b.{{0,16}}$)"
"""END OF ACT ONE, Ende des ersten Aktes, Конец первого действия"""
_CHANGES = rf"{one_of(load('script', 'zh')['change'])}[^：:]{{0,12}}$"
"""幕启, 切至：, 灯光渐暗"""
BESIDE_SPEECH = re.compile(
    rf"(?<=\S)(?:\s{{3,}}\[?_?(?P<apart>(?:{_ENTERS}|{_LEAVES})[^\[\]()]*?)|\s*\[_?(?P<opened>Exit|Exeunt)"
    rf"|(?<=[.!?…»”])\s+(?P<beside>{one_of(LISTS['beside_speech'])}))\.?_?$"
)
"""`Through the fog.          Exeunt.`, `… the ground. [Exit`, `Miente. Aparte`: a direction that ends a spoken line."""
_COMES_OR_GOES = (
    rf"{one_of(LISTS['comes_or_goes'])} (?:{one_of(LISTS['article'])} )?[A-ZÀ-ÖØ-ÞŁŚŻА-ЯЁ][^.!?,;:]{{0,40}}\.?$"
)
"""Входит Коля., Entra el Viejo."""
STAGE_WORDS = re.compile(f"^(?:{_ENTERS}|{_LEAVES}|{_CLOSES}|{_ENDS}|{_CHANGES}|{_COMES_OR_GOES})")
AFTER_TRIANGLE = re.compile(r"(?<=[。！？!?…”』」）)])\s*[△▲](?P<direction>[^△▲（()）]+)$")
"""我带伞了。△她撑开伞。"""
JAPANESE_OR_KOREAN = re.compile("[\u3040-\u30ff\uac00-\ud7a3]")
TELLS = re.compile("^(?P<who>[^、,がは]{1,8}?)(?:[、がは이가은는도]|, ?).*(?:[うくぐすつぬぶむるた]|다)[。.]?$")
"""健太、立ち上がる。, 민수, 웃는다.: what is spoken often ends in a particle (健太、行くよ。)."""

TAKES_THE_WORD = re.compile(
    r"^[（(【\[](?P<name>[^（）()\[\]【】：:，,。]{1,8}?)"
    rf"(?P<manner>{one_of(load('script', 'zh')['speak_in_brackets'])})[）)】\]]\s*[:：]?(?P<rest>.*)$"
)
"""（老王唱）: a direction that says who speaks on."""
OF_SPEECH = re.compile(r"[?!:;…\"“”«»]|\.\s|--|—")
"""What stands in a line that is spoken, or that is more than one plain sentence."""
COMES_OR_GOES_BEHIND = re.compile(rf"^\S+(?: \S+){{0,4}}? {one_of(LISTS['comes_or_goes_behind'])}\b[^.]{{0,30}}\.?$")
LONGEST_NAME = 5


def is_direction(line: str) -> bool:
    """Whether the whole line is a stage direction."""
    body = line.strip()
    if body[:1].islower():
        return False
    if MARKED.match(body) or ITALIC.match(body) or STAGE_WORDS.match(body.lstrip("—–- ")):
        return True
    return _enclosed(body)


def takes_the_word(line: str, speakers: frozenset[str], current: tuple[str, ...]) -> re.Match[str] | None:
    """What a line begins with that says who speaks on: `（老王唱）`, `（小李念）大江东去`.

    Args:
        line: the line.
        speakers: the script's speakers.
        current: who has the word; in brackets they only go on in another manner.
    """
    bracket = TAKES_THE_WORD.match(line)
    return bracket if bracket and bracket["name"] in speakers - {*current} else None


def tells_in_japanese_or_korean(line: str, speakers: frozenset[str]) -> bool:
    """Whether a line tells what a speaker does, or several do: `健太、立ち上がる。`, `二人、黙る。`."""
    tells = TELLS.match(line) if JAPANESE_OR_KOREAN.search(line) else None
    return tells is not None and tells["who"] in speakers | LISTS["tell"]


def tells_of(line: str, speakers: frozenset[str]) -> bool:
    """Whether a line is one sentence about a speaker, or about both or all: `Heinz geht zum Fenster.`.

    Args:
        line: the line.
        speakers: the script's speakers, in small letters.
    """
    return not OF_SPEECH.search(line.rstrip(" .")) and begins_with_name(line, speakers | LISTS["tell"])


def begins_with_name(line: str, names: frozenset[str]) -> bool:
    """Whether a line begins with one of the names, which are in small letters, and a word in small letters."""
    words = line.split()
    boundaries = (end for end in range(1, min(len(words), LONGEST_NAME)) if words[end][0].islower())
    return any(" ".join(words[:end]).casefold() in names for end in boundaries)


def comes_or_goes(line: str, speakers: frozenset[str]) -> bool:
    """Whether such a line tells who comes or goes: `Heinz ab.`, `Julie entre.`."""
    return COMES_OR_GOES_BEHIND.search(line) is not None and tells_of(line, speakers)


def with_brackets(line: str) -> str:
    """The line; a direction that stands at its end without brackets, or with one alone, is set in them."""
    if "△" in line or "▲" in line:
        line = AFTER_TRIANGLE.sub(r"（\g<direction>）", line)
    return BESIDE_SPEECH.sub(lambda beside: f" [{beside['apart'] or beside['opened'] or beside['beside']}.]", line)


def opened(line: str) -> str | None:
    """What may close the direction that the line opens and does not close, or None where it opens none.

    `〔四凤由外面轻轻地跑进来。` never closes: the bracket alone marks such a line (`is_direction` says so).
    """
    body = line.strip()
    if body[:1].isalnum():
        return None
    for open_bracket, close_marks in PAIRS.items():
        if body.startswith(open_bracket) and open_bracket != "〔":
            return None if any(mark in body for mark in close_marks) else close_marks
    if re.match(r"^_(?!_)[^_]*$", body):
        return "_"
    return None


def _enclosed(body: str) -> bool:
    if body[:1].isalnum():
        return False
    if body.startswith("〔"):
        return "〕" not in body or body.rstrip("。.").endswith("〕")
    for open_bracket, close_marks in PAIRS.items():
        if body.startswith(open_bracket):
            positions = [place for mark in close_marks if (place := body.find(mark)) >= 0]
            return bool(positions) and min(positions) == len(body.rstrip("。.")) - 1 and len(body) > 2
    return False
