"""What the dress of a document's paragraphs tells: names and questions in bold, directions in italics, named styles.

Bold names become `**Mara** Come in.`, questions `**When?**`, directions `_She sits._`, as Markdown marks them. Where
paragraphs are styled as a script's (Character, Dialogue), they become speeches and directions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offbook.data.extract.document.line import Line, Place, narration, speech
from offbook.data.extract.script.headings import heading, is_note
from offbook.data.extract.script.names import split_notes
from offbook.data.extract.word_lists import load_all, one_of, words


class Run(NamedTuple):
    """A stretch of text in one dress."""

    text: str
    bold: bool = False
    """Bold, or in small capitals."""
    italic: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph or a heading; line breaks stand in its text."""

    runs: tuple[Run, ...]
    place: Place
    style: str = ""
    is_heading: bool = False

    @property
    def text(self) -> str:
        """The text alone."""
        return "".join(run.text for run in self.runs)


STYLES = {
    "speaker": words(
        """
        character charactername charactercue speaker speakername persona role personnage figur rolle sprecher
        personaje personaggio personagem персонаж 角色 角色名 人物 说话人
        """
    ),
    "speech": words(
        """
        dialogue dialogues dialog dialogs speech lyrics parenthetical parentheticals wryly replique réplique diálogo
        dialogo battuta реплика диалог 台词 对白 對白 台詞 括号
        """
    ),
    "direction": words(
        """
        action actions stagedirection stagedirections stagedir stage didascalie didascalies shot transition
        bühnenanweisung regieanweisung acotación didascalia ремарка 动作 動作 舞台指示 舞台提示
        """
    ),
    "scene": words("sceneheading scenehead slugline slug 场景 场次 場景"),
}
"""What a paragraph is → the names of its style, in small letters and without spaces."""
SURE_DIRECTIONS = words("stagedirection stagedirections stagedir didascalie didascalies bühnenanweisung")
"""Styles that are a direction's in any text."""
FEWEST = 2
LONGEST_NAME = 40
ASKS = re.compile(r"[?？][\"'”’»」）)\]]*$")
QUESTIONS = 3
"""So many lines in bold that ask make an interview."""
RARE = 0.3
"""Share of the lines up to which italics set a line off."""
LABELLED = re.compile(r"^[^:：]{1,30}[:：]")
JOINS = re.compile(rf"\s*(?:[,&/、和与與]|(?i:{one_of(load_all('script')['and'])}))\s*")
"""Tom and Ben: what stands between names that are bold each for itself."""
STOPS = " .:：,—–-\t"


def kind_of_style(style: str) -> str:
    """What a paragraph of that style is: a key of `STYLES`, or ""."""
    name = re.sub(r"[\W_]|z3998", "", style.casefold())
    return next((kind for kind, names in STYLES.items() if name in names), "")


def is_direction_style(style: str) -> bool:
    """Whether what is styled so is a direction in any text."""
    return re.sub(r"[\W_]|z3998", "", style.casefold()) in SURE_DIRECTIONS


def lines(paragraphs: Sequence[Paragraph], parted: bool = False) -> Iterator[Line]:
    """The lines of a document's paragraphs.

    Args:
        paragraphs: all of them.
        parted: whether a blank line goes behind each.
    """
    kinds = Counter(kind_of_style(paragraph.style) for paragraph in paragraphs)
    if kinds["speaker"] >= FEWEST and kinds["speech"] >= FEWEST:
        yield from _script(paragraphs)
        return
    dress = _Dress(paragraphs)
    for paragraph in paragraphs:
        for runs in split(paragraph.runs):
            text = "".join(run.text for run in runs).strip(" ") if parted else "".join(run.text for run in runs)
            if paragraph.is_heading:
                text = f"# {text}" if text else ""
            elif is_direction_style(paragraph.style) and text and text[0] not in "[(（【":
                text = f"[{text}]"
            else:
                text = dress.marked(runs, text)
            yield Line(text, paragraph.place)
        if parted:
            yield Line("", paragraph.place)


def _script(paragraphs: Sequence[Paragraph]) -> Iterator[Line]:
    """The lines of paragraphs that are styled as a script's."""
    name, texts, place = "", list[str](), Place()
    actions = str.maketrans("()（）", "[][]")
    """Narration is in square brackets, so actions are, too; round ones would be taken to be spoken."""
    for paragraph in paragraphs:
        kind, text = kind_of_style(paragraph.style), " ".join(paragraph.text.split())
        if kind == "speech" and name:
            texts += filter(None, map(str.strip, paragraph.text.translate(actions).split("\n")))
            continue
        if texts:
            yield from speech(name, texts, place)
        name, texts, place = "", [], paragraph.place
        if kind == "speaker":
            name, notes = split_notes(text)
            texts = ["".join(f"[{note}]" for note in notes)] if notes else []
            continue
        if (paragraph.is_heading or kind == "scene") and text:
            yield from (Line(f"# {text}", place), Line("", place))
        elif text:
            yield from narration(text, place)
    if texts:
        yield from speech(name, texts, place)


class _Dress:
    """How a document uses bold and italics."""

    def __init__(self, paragraphs: Iterable[Paragraph]) -> None:
        leads: Counter[str] = Counter()
        questions = italic = total = 0
        for paragraph in paragraphs:
            for runs in () if paragraph.is_heading else split(paragraph.runs):
                lead, _ = _lead(runs)
                leads[lead.strip(STOPS).casefold()] += bool(lead) and len(lead) <= LONGEST_NAME
                questions += _asks(lead)
                italic += _is_italic(runs)
                total += any(char.isalnum() for run in runs for char in run.text)
        recurring = {lead: count for lead, count in leads.items() if lead and count >= FEWEST}
        are_names = len(recurring) >= FEWEST and sum(recurring.values()) >= 0.5 * leads.total()
        self.names = frozenset(recurring) if are_names else frozenset()
        """What lines begin with in bold, if it is names: several recur."""
        self.bold_questions = questions >= QUESTIONS
        self.italic_directions = 0 < italic <= RARE * total

    def marked(self, runs: Sequence[Run], text: str) -> str:
        """A line with the marks of Markdown where they tell something."""
        lead, rest = _lead(runs)
        is_name = (
            bool(rest.strip()) and 0 < len(lead) <= LONGEST_NAME and not (heading(lead) or is_note(lead.strip(STOPS)))
        )
        is_name = bool(self.names) and not ASKS.search(lead) and (is_name or lead.strip(STOPS).casefold() in self.names)
        is_question = self.bold_questions and (_asks(lead) or (bool(lead) and not rest.strip()))
        if (is_name or is_question) and not {"*", "_"} & set(lead):
            return f"**{lead}**{rest}"
        if self.italic_directions and _is_italic(runs) and "_" not in text:
            return f"_{text.strip()}_"
        return text


def split(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """The lines of a paragraph."""
    line: list[Run] = []
    for run in runs:
        first, *further = run.text.split("\n")
        line.append(run._replace(text=first))
        for text in further:
            yield line
            line = [run._replace(text=text)]
    yield line


def _lead(runs: Sequence[Run]) -> tuple[str, str]:
    """What a line begins with in bold, and the rest of the line; "" where it does not."""
    end = 0
    for place, run in enumerate(runs):
        if run.bold or not run.text.strip():
            end = place + 1
        elif not (end and JOINS.fullmatch(run.text) and _next_is_bold(runs[place + 1 : place + 4])):
            break
    lead, rest = "".join(run.text for run in runs[:end]), "".join(run.text for run in runs[end:])
    space = lead[len(lead.rstrip()) :]
    return lead.strip(), space + rest


def _next_is_bold(runs: Sequence[Run]) -> bool:
    return next((run.bold for run in runs if run.text.strip()), False)


def _asks(lead: str) -> bool:
    """Whether what stands in bold asks, and says not who does."""
    return bool(ASKS.search(lead)) and not LABELLED.match(lead)


def _is_italic(runs: Sequence[Run]) -> bool:
    """Whether all of a line stands in italics and has no brackets of its own."""
    text = "".join(run.text for run in runs).strip()
    is_free = text[:1] not in ("(", "[", "（", "【") and any(char.isalpha() for char in text)
    return is_free and all(run.italic or not any(map(str.isalnum, run.text)) for run in runs)
