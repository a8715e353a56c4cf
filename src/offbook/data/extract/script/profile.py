"""What a first pass over a script shows about it: its layout and speakers, and how it tells speech from the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from offbook.data.extract.cue import Lines
from offbook.data.extract.script.line_kinds import Row, sort_lines
from offbook.data.extract.script.speaker_labels import Labels, learn
from offbook.data.extract.script.speech import HYPHENATED
from offbook.data.extract.script.stage_directions import tells_of
from offbook.data.extract.word_lists import load, load_all, one_of

CHINESE = load("script", "zh")

SQUARE = re.compile(r"[\[【〔][^\[\]【】〔〕]*(?:[\]】〕]|$)")
QUOTED = re.compile(r"(?:^|[:：.]|\s{2})\s*[“「『«\"]")
"""A speech in quotation marks, on its label's line or below it."""
ROUND_AT_LABEL = re.compile(r"^[*_]{0,2}[^\W\d_][^.:：!?。]{0,40}?[.:：]?[*_]{0,2}[.:：]?\s*[*_]{0,2}[（(]")
"""Tom (rising): …, TOM. (rising) …, **Tom**: (rising) …"""
MOSTLY_SMALL = 0.75
"""Share of a script's further lines that begin with a small letter, where they go on with wrapped prose."""
ENDS_SENTENCE = re.compile(r"[。！？!?.…—~～][\"'”’」』]*$")
MOSTLY_ENDED = 0.8
"""Share of the speeches that end as a sentence does, where a list of names can be told from speeches by that."""
FEWEST_TOLD, MOSTLY_TOLD = 2, 0.5
"""So many of the lines without a name tell of a speaker, and such a share, where bare lines are directions."""
FEWEST_HYPHENS, LEAST_HYPHENATED = 3, 0.01
"""So many lines that end in a hyphen and go on with a small letter, and such a share, where words are broken in two."""
LONGEST_PARAGRAPH = 400
"""Lines that are looked at together."""
INTERVIEWERS = load_all("script")["interviewer"]
"""Names of those who ask: Q, Interviewer, 记者."""
ASKED = 0.25
"""Share of an interview's speeches that are questions, at least."""

_SOMEBODY_SPEAKS = one_of(CHINESE["spoken_zh"])
"""我, 臣妾"""
_PARTICLE = rf"{one_of(CHINESE['spoken_tail'])}[。！？!?…]*$"
"""好吗？"""
_FIRST_OR_SECOND_PERSON = rf"\b(?:I|(?i:{one_of(load_all('script')['spoken'] - {'I'})}))\b"
"""I, your, ich, вы"""
SPOKEN = re.compile(rf"{_SOMEBODY_SPEAKS}|{_PARTICLE}|[？?！!]|{_FIRST_OR_SECOND_PERSON}")
"""What tells that a line without a name is spoken."""


@dataclass(frozen=True, slots=True)
class Style:
    """What differs between the kinds of script."""

    layouts: tuple[str, ...]
    """How a speaker may be marked (see `labels.LAYOUTS`)."""
    chinese: tuple[str, ...]
    """The layouts that make a Chinese text this kind of script."""
    latin: tuple[str, ...]
    """The same for a text in Latin script."""
    narrates: bool
    """Whether a line without a name may tell what happens; else it is spoken, even after a blank line."""


class ScriptProfile:
    """What a first pass over a script shows about it."""

    def __init__(self, lines: Lines, style: Style) -> None:
        kinds: Counter[str] = Counter()

        def counted() -> Iterator[Row]:
            before, broken = "", False
            for row in sort_lines(lines):
                kinds[row.kind] += 1
                kinds["text and blank"] += (before, row.kind) == ("text", "blank")
                kinds["text and text"] += before == row.kind == "text"
                kinds["text and small letter"] += before == row.kind == "text" and row.text.lstrip()[:1].islower()
                kinds["square"] += bool(SQUARE.search(row.text))
                kinds["quoted"] += row.kind == "text" and bool(QUOTED.search(row.text))
                kinds["round"] += row.kind == "direction" and row.text.startswith(("(", "（"))
                kinds["round"] += bool(ROUND_AT_LABEL.match(row.text))
                kinds["hyphen"] += broken and row.kind == "text" and row.text.lstrip()[:1].islower()
                broken = HYPHENATED.search(row.text) is not None if row.kind != "blank" else broken
                before = row.kind
                yield row

        self.labels: Labels = learn(counted(), style.layouts)
        bare = max(kinds["text"] - self.labels.support, 0)
        self.marks_directions = (
            kinds["direction"] >= max(1, 0.5 * bare) or kinds["direction"] >= 0.1 * kinds["text"] > 0
        )
        """Whether the writer sets directions off, so that a bare line can be trusted to be spoken."""
        questions = sum(count for name, count in self.labels.names.items() if name.casefold() in INTERVIEWERS)
        is_interview = questions >= max(2, ASKED * self.labels.support)
        # Nothing happens there: a line without a name goes on with an answer.
        self.narrates = style.narrates and not is_interview
        """Whether a line without a name may tell what happens."""
        self.has_notes = not is_interview
        """Whether a label such as "sound" is the script's own, rather than a word of somebody who speaks."""
        self.double_spaced = kinds["text and blank"] >= 0.8 * kinds["text"]
        """Whether a blank line stands below every line, so that it means nothing."""
        self.blank_ends = self.narrates and not self.double_spaced
        """Whether a blank line ends a speech."""
        self.spoken_parentheses = kinds["square"] >= 2 and kinds["square"] >= 10 * kinds["round"]
        """Whether directions stand in square brackets, so that round ones are spoken."""
        further = kinds["text and text"] - self.labels.within_paragraphs
        self.wrapped = kinds["text and small letter"] >= max(3, MOSTLY_SMALL * further)
        """Whether speeches are prose, broken into lines."""
        self.hyphenated = kinds["hyphen"] >= max(FEWEST_HYPHENS, LEAST_HYPHENATED * kinds["text"])
        """Whether words are broken over the ends of lines."""
        self.quoted = kinds["quoted"] >= 0.5 * self.labels.support > 0
        """Whether speeches stand in quotation marks."""
        self.bare_directions = not is_interview and self._has_bare_directions(lines)
        """Whether a line without a name tells what happens, unless it speaks; a paragraph, where names open those."""

    def _has_bare_directions(self, lines: Lines) -> bool:
        """Whether most paragraphs without a name, where names open paragraphs, do not speak of I or you.

        Elsewhere: whether most lines without a name tell of a speaker, who stands at their head.
        """
        if not self.labels.opens_paragraphs:
            return self._tells_of_speakers(lines)
        spoken = silent = 0
        for row, paragraph in with_paragraphs(sort_lines(lines)):
            if row.kind == "text" and row.after_blank and not self.labels.find(row.text, True):
                spoken += bool(SPOKEN.search(paragraph))
                silent += not SPOKEN.search(paragraph)
        return silent > spoken

    def _tells_of_speakers(self, lines: Lines) -> bool:
        narrated = further = 0
        below_label = False
        for row in sort_lines(lines):
            is_label = row.kind == "text" and self.labels.find(row.text, row.after_blank) is not None
            if below_label and row.kind == "text" and not is_label:
                further += 1
                narrated += tells_of(row.text, self.labels.in_small_letters)
            below_label = is_label or (below_label and row.kind in ("text", "direction"))
        return narrated >= max(FEWEST_TOLD, MOSTLY_TOLD * further)


def opening_cast(rows: Iterable[Row], labels: Labels) -> frozenset[int]:
    """The lines of a cast list that has no heading, which stand before all speeches: `甲：马三`, `JUDGE: Carl Wade`.

    They are the first labels, each with another name and no sentence, parted from the rest; all of the names speak
    later on, and where they do, sentences end as sentences do.
    """
    rows = iter(rows)
    cast: dict[str, int] = {}
    for row in rows:
        label = labels.find(row.text, row.after_blank) if row.kind == "text" else None
        if label and label.rest and label.name not in cast and not ENDS_SENTENCE.search(label.rest):
            cast[label.name] = row.number
        elif label or (cast and row.kind == "text"):
            return frozenset()
        elif cast:
            break
    speeches = [label for row in rows if row.kind == "text" and (label := labels.find(row.text, row.after_blank))]
    ended = sum(bool(ENDS_SENTENCE.search(label.rest)) for label in speeches)
    is_cast = (
        len(cast) > 1 and ended >= MOSTLY_ENDED * len(speeches) and cast.keys() <= {each.name for each in speeches}
    )
    return frozenset(cast.values()) if is_cast else frozenset()


def without_casts(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows without the lists of who plays, up to a blank line: a story may have one, too."""
    held: list[Row] | None = None
    for row in rows:
        if row.kind == "cast":
            held = []
        elif held is None:
            yield row
        elif row.kind == "blank":
            held = None if held else []
        else:
            held.append(row)
    yield from held or ()


def with_paragraphs(rows: Iterable[Row]) -> Iterator[tuple[Row, str]]:
    """Each row with the text from it to the end of its paragraph ("" where it is not text)."""
    held: list[Row] = []

    def release() -> Iterator[tuple[Row, str]]:
        for place, row in enumerate(held):
            yield row, "\n".join(each.text for each in held[place:])
        held.clear()

    for row in rows:
        if row.kind == "text" and len(held) < LONGEST_PARAGRAPH:
            held.append(row)
            continue
        yield from release()
        if row.kind == "text":
            held.append(row)
        else:
            yield row, ""
    yield from release()
