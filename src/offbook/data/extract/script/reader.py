"""Scripts: text in which a name stands before what it says. Screenplays and plays are two styles of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from offbook.data.extract.cue import SURE, Cue, Lines, Scenes, Skipped
from offbook.data.extract.script.headings import is_note
from offbook.data.extract.script.layouts import LAYOUTS
from offbook.data.extract.script.line_kinds import NOTED, Row, sort_lines
from offbook.data.extract.script.names import HAS_CJK
from offbook.data.extract.script.speaker_labels import MANNERED, Label, Labels, learn
from offbook.data.extract.script.speech import SENTENCE_END, clean, join
from offbook.data.extract.script.stage_directions import is_direction
from offbook.data.extract.word_lists import load, load_all, one_of

CHINESE = load("script", "zh")

TOLD = re.compile(r"[道说說曰问問喊叫答][：:，,]?\s*[“「\"]")
"""A novel's way to bring in speech."""

TELLING = re.compile(one_of(CHINESE["tell"]))
"""How a line begins that tells what happens: 只见, 远处."""

SQUARE = re.compile(r"[\[【〔][^\[\]【】〔〕]*(?:[\]】〕]|$)")
QUOTED = re.compile(r"(?:^|[:：.]|\s{2})\s*[“「『«\"]")
"""A speech in quotation marks, on its label's line or below it."""
ROUND_AT_LABEL = re.compile(r"^[^\W\d_][^.:：!?。]{0,40}?[.:：]?\s*[（(]")
"""Tom (rising): …, TOM. (rising) …"""
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


def read(lines: Lines, style: Style, layout: ScriptProfile | None = None) -> Iterator[Cue | Skipped]:
    """The cues of a script.

    Args:
        lines: its lines. They are gone through twice: for the layout and the speakers, then to read.
        style: the kind of script.
        layout: its layout and speakers, where they are known from other files.
    """
    profile = layout or ScriptProfile(lines, style)
    yield from _Reading(profile).run(lines)


def likeness(sample: list[str], style: Style) -> float:
    """How much a text looks like a script in one of the style's own layouts: 0 … 1."""
    lines = list(enumerate(sample, 1))
    rows = list(sort_lines(lines))
    texts = [row.text for row in rows if row.kind == "text"]
    if not texts:
        return 0.0
    labels = learn(rows, tuple(LAYOUTS))
    chinese = sum(bool(HAS_CJK.search(text)) for text in texts) > 0.5 * len(texts)
    if labels.layout not in (style.chinese if chinese else style.latin):
        return 0.0
    tellings = sum(len(TOLD.findall(text)) for text in texts)
    return min(1.0, 4 * labels.support / len(texts)) * (1 - min(1.0, 2 * tellings / max(labels.support, 1)))


class ScriptProfile:
    """What a first pass over a script shows about it."""

    def __init__(self, lines: Lines, style: Style) -> None:
        kinds: Counter[str] = Counter()

        def counted() -> Iterator[Row]:
            before = ""
            for row in sort_lines(lines):
                kinds[row.kind] += 1
                kinds["text and blank"] += (before, row.kind) == ("text", "blank")
                kinds["square"] += bool(SQUARE.search(row.text))
                kinds["quoted"] += row.kind == "text" and bool(QUOTED.search(row.text))
                kinds["round"] += row.kind == "direction" and row.text.startswith(("(", "（"))
                kinds["round"] += bool(ROUND_AT_LABEL.match(row.text))
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
        self.blank_ends = self.narrates and kinds["text and blank"] < 0.8 * kinds["text"]
        """Blank lines after every line mean nothing."""
        self.spoken_parentheses = kinds["square"] >= 2 and kinds["square"] >= 10 * kinds["round"]
        """Whether directions stand in square brackets, so that round ones are spoken."""
        self.quoted = kinds["quoted"] >= 0.5 * self.labels.support > 0
        """Whether speeches stand in quotation marks."""
        self.bare_directions = not is_interview and self._has_bare_directions(lines)
        """Whether a paragraph without a name tells what happens, unless it speaks."""

    def _has_bare_directions(self, lines: Lines) -> bool:
        """Whether most paragraphs without a name, where names open paragraphs, do not speak of I or you."""
        if not self.labels.opens_paragraphs:
            return False
        spoken = silent = 0
        for row, paragraph in with_paragraphs(sort_lines(lines)):
            if row.kind == "text" and row.after_blank and not self.labels.find(row.text, True):
                spoken += bool(SPOKEN.search(paragraph))
                silent += not SPOKEN.search(paragraph)
        return silent > spoken


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


@dataclass(slots=True)
class _Draft:
    """A cue that may go on."""

    speakers: tuple[str, ...]
    line: int
    confidence: float
    parts: list[str]

    @property
    def has_speech(self) -> bool:
        """Whether more than a direction stands there."""
        return any(not is_direction(part) for part in self.parts)


class _Reading:
    """The state of one pass: the scene, the cue that is being spoken, the cast list that is being read."""

    def __init__(self, profile: ScriptProfile) -> None:
        self.profile = profile
        self.labels = profile.labels
        self.scenes = Scenes()
        self.draft: _Draft | None = None
        self.underlined = False
        """Whether a rule would only underline the heading above it."""
        self.cast: set[str] | None = None
        """Names met in the cast list so far, or None outside it."""

    def run(self, lines: Lines) -> Iterator[Cue | Skipped]:
        for row, paragraph in with_paragraphs(sort_lines(lines)):
            yield from self._step(row, paragraph)
            self.underlined = row.kind == "heading"
        yield from self._finish()

    def _step(self, row: Row, paragraph: str) -> Iterator[Cue | Skipped]:
        if row.kind == "blank":
            if self.profile.blank_ends and self.draft and self.draft.has_speech:
                yield from self._finish()
        elif row.kind in ("heading", "rule", "cast"):
            yield from self._finish()
            yield from self._break(row)
        elif row.kind == "direction" and self.draft and not self.draft.parts:
            self.draft.parts.append(row.text)
        elif row.kind == "direction":
            self.cast = None if self.cast else self.cast
            yield Skipped("stage direction", row.text, row.number)
        elif row.kind == "note" and self.profile.narrates:
            yield from self._finish()
            yield Skipped("note or narration", row.text, row.number)
        elif (label := self.labels.find(row.text, row.after_blank)) and not self._cuts_a_sentence(label, row):
            yield from self._label(label, row)
        elif self.profile.narrates and (noted := NOTED.match(row.text.strip())) and is_note(noted["label"] or ""):
            yield from self._finish()
            yield Skipped("note or narration", row.text.strip(), row.number)
        elif row.kind == "boxed":
            yield Skipped("stage direction", row.text, row.number)
        else:
            yield from self._bare(row, paragraph)

    def _cuts_a_sentence(self, label: Label, row: Row) -> bool:
        """Whether a label where the script has none stands amid a sentence, so is a name in a speech.

        So does one that nobody else has and that follows right on a label: `阿澈：` above `马上：五分钟`.
        """
        if self.draft and not self.draft.parts and row.number == self.draft.line + 1:
            return self.labels.speakers_of(label)[2] < MANNERED
        usual = label.layout in self.labels.layouts and (row.after_blank or not self.labels.opens_paragraphs)
        if usual or self.draft is None or not self.draft.parts:
            return False
        return not SENTENCE_END.search(self.draft.parts[-1])

    def _break(self, row: Row) -> Iterator[Skipped]:
        if row.kind == "heading":
            self.scenes.enter(row.text, row.level)
            yield Skipped("heading", row.text, row.number)
        elif row.kind == "rule" and not self.underlined:
            self.scenes.split()
        elif row.kind == "cast":
            yield Skipped("cast list", row.text, row.number)
        self.cast = set() if row.kind == "cast" else None

    def _label(self, label: Label, row: Row) -> Iterator[Cue | Skipped]:
        if self.cast is not None and label.name not in self.cast and label.rest:
            self.cast.add(label.name)
            yield Skipped("cast list", row.text.strip(), row.number)
            return
        self.cast = None
        yield from self._finish()
        first, *further = self.labels.inline(label.rest)
        self._begin(label, first.rest, row.number)
        for piece in further:
            yield from self._finish()
            self._begin(piece, piece.rest, row.number)

    def _begin(self, label: Label, text: str, line: int) -> None:
        speakers, notes, confidence = self.labels.speakers_of(label)
        action = "".join(f"（{note}）" if not note.isascii() else f"({note}) " for note in notes)
        self.draft = _Draft(speakers, line, confidence, [action + text] if action + text else [])

    def _bare(self, row: Row, paragraph: str) -> Iterator[Cue | Skipped]:
        text = row.text.strip()
        if self.cast is not None:
            yield Skipped("cast list", text, row.number)
        elif self.draft is None:
            yield Skipped("narration", text, row.number)
        elif self._goes_on(row, paragraph):
            self.draft.parts.append(text)
        else:
            yield from self._finish()
            yield Skipped("narration", text, row.number)

    def _goes_on(self, row: Row, paragraph: str) -> bool:
        """Whether a line without a name goes on with the speech before it, rather than telling what happens."""
        assert self.draft is not None
        if self.profile.labels.layout == "corner":
            return not self.draft.parts[-1].endswith(("」", "』"))
        if not self.draft.has_speech or not SENTENCE_END.search(self.draft.parts[-1]):
            return True
        text = row.text.strip()
        if self.profile.labels.opens_paragraphs and not row.after_blank:
            return True
        if not self.profile.narrates:
            return not (row.after_blank and self.profile.bare_directions) or bool(SPOKEN.search(paragraph))
        if self._tells_of_somebody(text):
            return False
        if SPOKEN.search(text):
            return True
        if TELLING.match(text) or not self.profile.marks_directions:
            return False
        self.draft.confidence = min(self.draft.confidence, SURE)
        return True

    def _tells_of_somebody(self, text: str) -> bool:
        """Whether the line begins with a speaker's name that is not addressed: `沈如霜跪下`."""
        names = (name for name in self.labels.speakers if text.startswith(name) and len(text) > len(name))
        return any(text[len(name)].isalnum() or text[len(name)].isspace() for name in names)

    def _finish(self) -> Iterator[Cue | Skipped]:
        draft, self.draft = self.draft, None
        if draft is None:
            return
        profile = self.profile
        text, acted = clean(join(draft.parts), spoken_parentheses=profile.spoken_parentheses, quoted=profile.quoted)
        if any(char.isalnum() for char in text):
            yield Cue(draft.speakers, text, draft.line, self.scenes.current, draft.confidence, acted)
        else:
            yield Skipped("nothing said", acted or text or " & ".join(draft.speakers), draft.line)
