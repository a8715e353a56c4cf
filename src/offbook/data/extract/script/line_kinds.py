"""A script's lines sorted by their form alone: blank, heading, rule, stage direction, or text that may be spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from offbook.data.extract.cue import Lines
from offbook.data.extract.script.headings import CAST, LISTS, heading, is_note, is_rule, may_speak, undecorated
from offbook.data.extract.script.line_numbers import without_line_numbers
from offbook.data.extract.script.markup import in_markdown
from offbook.data.extract.script.page_furniture import without_page_furniture
from offbook.data.extract.script.speech import join
from offbook.data.extract.script.stage_directions import LONGEST, is_direction, opened, with_brackets
from offbook.data.extract.script.storyboard import without_columns
from offbook.data.extract.word_lists import one_of

BOXED = re.compile(r"^【[^【】：:，。！？]{1,12}】$")

NO_NAME = re.compile(r"^\|\s*\|\s*[^|\s][^|]*\|?$")
"""| | Thunder. |: a row of a table in which nobody is named."""

BROKEN_LABEL = re.compile(r"^\s*[\w.'’·\u3000 ]{1,30}?[（(\[【][^（()）\[\]【】]*$")
BROKEN_MIDDLE = re.compile(r"^[^（()）\[\]【】]*\S[^（()）\[\]【】]*$")
LONGEST_NOTE = 8
"""Lines over which a label's note may run."""
BROKEN_END = re.compile(r"^[^（()）\[\]【】]*[）)\]】]")
NOTED = re.compile(
    r"^\W*+(?:\d{1,3}[.)]?\s+)?(?P<label>[^:：]{1,20}?)\s*[:：]|^[【\[](?P<boxed>[^【】\[\]]{1,8})[】\]](?=.)"
)

_CAPITALIZED = r"(?:[A-ZÀ-Þ][\w.'’\-]*|de|von|van|la)"
ACTOR = re.compile(
    r"^_?[^\W\d_].{0,60}?(?:\s*[:：]\s*|\s{2,}|\s?\.(?:\s?\.)+\s*)"
    r"_?(?:Mr|Mrs|Miss|Ms|Master|Mme|Mlle|Madame|M|Herr|Frau|Fräulein|Frl|Sr|Sra)\.?"
    rf"(?:\s{_CAPITALIZED}){{1,5}}_?\.?_?$"
)
"""Who played whom: Tom: Mr. Hale.   TOM . . . _Mr. J. Hale_"""
FEWEST_ACTORS = 3
"""So many such lines below each other are a cast list."""

TAG = re.compile(
    r"</?(?:p|b|i|u|em|strong|br|hr|div|span|font|h[1-6]|li|ul|blockquote|a)(?:\s[^<>]*)?/?>", re.IGNORECASE
)

BOLD_LINE = re.compile(r"^\s*(\*\*|__)(?P<name>[^*_:：\[(【（][^*_:：]{0,39}[:：])(?P<text>[^*_]+)\1\s*$")
"""**GQ: What is it about?**: a label and its speech, both in bold."""
_SPACED_WORD = r"(?:[^\W\d_\u3000-\uffff] )+[^\W\d_\u3000-\uffff]"
SPACED_OUT = re.compile(
    rf"^(?=(?:[^\W\d_\u3000-\uffff] ){{2}}){_SPACED_WORD}(?: {{2,}}{_SPACED_WORD})*(?=[.:,]|\s?\(|$)"
)
"""М а ш а. or M A R A: a name set wide, perhaps of several words: А н н а  П е т р о в н а."""
WITHIN_SPACED = re.compile(r"(?<! ) (?! )")
NEXT_WORD = re.compile(r" +|(?<=[^\W\d_A-ZÀ-ÞА-ЯЁ])(?=[A-ZÀ-ÞА-ЯЁ])")
"""Where the next word of such a name begins, when its letters are joined."""

CREDIT = re.compile(
    rf"^(?:©|copyright\W+(?:\(c\)|©|\d{{4}})|\(c\)\s*\d{{4}}|{one_of(LISTS['credit'])})(?!\s*[:：])", re.IGNORECASE
)
"""© 2011 by Alex Hill, Transcribed by …: a line about the text, where a paragraph begins."""
EXAMINED = re.compile(
    r"^(?:BY (?:MR|MRS|MS|MISS|DR)\.? [A-Z][A-Z .'’\-]*:|(?:[A-Z][A-Z .'’\-]*, )?having been .{0,20}\bsworn\b.*)$"
)
"""BY MR. HALE: in the transcript of a court: who asks from here on."""

ROLLED = re.compile(
    rf"^\W*[\[(【（]\s*(?i:{one_of(LISTS['roll'])})[^\])】）]*[\])】）]\s*"
    r"(?:[^:：\[\]]{1,30}[:：])?[\s\dd+=*/()<>≥≤-]*\d\W*(?:[(（]?(?i:success|failure|成功|失败|大成功|大失败)\W*)?$"
    r"|^/(?:roll|r)\s+\d*d\d+"
)
"""[ROLL] Initiative: 17, /roll 1d20: what the dice show, among what players say."""
PLAYER = re.compile(r"^\W*Icon Dialogue \w+(?: White)?(?:\.\w{3})?\s+(?=\S)")
"""Icon Dialogue Talk: what a game's wiki has before what the player may choose to say."""
NARROW = str.maketrans("［］", "[]")

Kind = Literal["blank", "heading", "rule", "cast", "direction", "note", "boxed", "credit", "text"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line and what it is."""

    number: int
    kind: Kind
    text: str
    after_blank: bool
    """Whether a blank line, a heading or the start of the file goes before it."""
    level: int = 0
    """Of a heading: 1 a part, 2 an act, 3 a scene."""


def sort_lines(lines: Lines) -> Iterator[Row]:
    """Each line with its kind; a direction in brackets may go on over several lines."""
    after_blank, close_marks, pending = True, None, 0
    for number, text, is_cast in _with_casts(_mended(lines)):
        if is_cast:
            yield Row(number, "cast", text.strip(), after_blank)
            continue
        stripped = text.strip("\ufeff\u200b\u200e\u200f \t\r\u3000\xa0")
        if close_marks and stripped and pending < LONGEST:
            pending += 1
            end = min((place for mark in close_marks if (place := stripped.find(mark)) >= 0), default=-1)
            spoken = stripped[end + 1 :].strip(" .。_") if end >= 0 else ""
            yield Row(number, "direction", stripped[: end + 1] if spoken else stripped, False)
            if any(char.isalnum() for char in spoken):
                yield Row(number, "text", stripped[end + 1 :].strip(), False)
            close_marks = None if end >= 0 else close_marks
            after_blank = False
            continue
        close_marks, pending = None, 0
        row = _sort(number, text, stripped, after_blank)
        if row.kind == "direction":
            close_marks = opened(stripped)
        yield row
        after_blank = row.kind in ("blank", "heading", "rule", "credit") or (row.kind == "direction" and after_blank)


def _with_casts(lines: Lines) -> Iterator[tuple[int, str, bool]]:
    """Each line, and whether it belongs to a list of who played whom."""
    held: list[tuple[int, str]] = []
    for number, text in lines:
        if ACTOR.match(text.strip()):
            held.append((number, text))
            continue
        yield from ((*line, len(held) >= FEWEST_ACTORS) for line in held)
        held = []
        yield number, text, False
    yield from ((*line, len(held) >= FEWEST_ACTORS) for line in held)


def _mended(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines without HTML; a label whose note runs over its line's end is put together: `霜（坐，` `低头）：来`."""
    held: list[tuple[int, str]] = []
    for number, raw in without_columns(without_page_furniture(without_line_numbers(lines))):
        marked = in_markdown(raw)
        text = PLAYER.sub("Player: ", (TAG.sub("", marked) if "<" in marked else marked).translate(NARROW))
        text = BOLD_LINE.sub(r"\1\g<name>\1\g<text>", text)
        text = SPACED_OUT.sub(_set_close, text)
        line = number, text
        if held and BROKEN_END.match(text):
            joined = join([part.strip() if place else part.rstrip() for place, (_, part) in enumerate([*held, line])])
            line, held = (held[0][0], joined.replace("\n", " ")), []
        elif held and BROKEN_MIDDLE.match(text) and len(held) < LONGEST_NOTE:
            held.append(line)
            continue
        yield from held
        held = [line] if BROKEN_LABEL.match(line[1]) else []
        if not held:
            yield line
    yield from held


def _set_close(spaced: re.Match[str]) -> str:
    return NEXT_WORD.sub(" ", WITHIN_SPACED.sub("", spaced[0]))


def _sort(number: int, text: str, stripped: str, after_blank: bool) -> Row:
    if not stripped:
        return Row(number, "blank", "", after_blank)
    if CAST.match(undecorated(stripped)):
        return Row(number, "cast", stripped, after_blank)
    if title := heading(stripped):
        return Row(number, "heading", title[1], after_blank, title[0])
    if (after_blank and CREDIT.match(stripped)) or EXAMINED.match(stripped):
        return Row(number, "credit", stripped, after_blank)
    if is_rule(stripped):
        return Row(number, "rule", stripped, after_blank)
    if BOXED.match(stripped):
        return Row(number, "boxed", stripped, after_blank)
    if is_direction(stripped) or opened(stripped) or NO_NAME.match(stripped) or ROLLED.match(stripped):
        return Row(number, "direction", stripped, after_blank)
    noted = NOTED.match(stripped)
    label = (noted["label"] or noted["boxed"]).strip("*_【】[]") if noted else ""
    if is_note(label) and not may_speak(label):
        return Row(number, "note", stripped, after_blank)
    return Row(number, "text", with_brackets(text.rstrip().strip("\ufeff\u200b\u200e\u200f")), after_blank)
