"""Scripts: text in which a name stands before what it says. Screenplays and plays are two styles of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from offbook.data.extract.cue import SURE, Cue, Lines, Scenes, Skipped
from offbook.data.extract.script.headings import is_note
from offbook.data.extract.script.layouts import LAYOUTS
from offbook.data.extract.script.line_kinds import NOTED, Row, sort_lines
from offbook.data.extract.script.logs import is_log
from offbook.data.extract.script.names import HAS_CJK, clean_name
from offbook.data.extract.script.page_furniture import NUMBER_ALONE
from offbook.data.extract.script.profile import (
    SPOKEN,
    ScriptProfile,
    Style,
    opening_cast,
    with_paragraphs,
    without_casts,
)
from offbook.data.extract.script.speaker_labels import MANNERED, ONCE, Label, Labels, learn, match
from offbook.data.extract.script.speech import SENTENCE_END, clean, join
from offbook.data.extract.script.stage_directions import (
    ITALIC,
    begins_with_name,
    comes_or_goes,
    is_direction,
    takes_the_word,
    tells_in_japanese_or_korean,
)
from offbook.data.extract.script.told import has_verbs, is_told_book
from offbook.data.extract.word_lists import load, one_of

CHINESE = load("script", "zh")

TOLD = re.compile(r"[道说說曰问問喊叫答][：:，,]?\s*[“「\"]")
"""A novel's way to bring in speech."""

TELLING = re.compile(one_of(CHINESE["tell"]))
"""How a line begins that tells what happens: 只见, 远处."""

COLUMNS = ("gap", "tab")
"""Layouts that set speeches in a column of their own, indented on the lines below."""
DASHED = re.compile(r"[^.]{1,40}\.\s*[—–]")
IN_CAPITALS = re.compile(r"[^\W\d_a-zà-öø-ÿа-яё]{2}")
NAME_IN_CAST = re.compile(r"[,，(（:：—–]|\.\s|\s{2,}")
"""What stands behind a name in a cast list."""


def read(lines: Lines, style: Style, layout: ScriptProfile | None = None) -> Iterator[Cue | Skipped]:
    """The cues of a script.

    Args:
        lines: its lines. They are gone through twice: for the layout and the speakers, then to read.
        style: the kind of script.
        layout: its layout and speakers, where they are known from other files.
    """
    profile = layout or ScriptProfile(lines, style)
    yield from _Reading(profile, opening_cast(sort_lines(lines), profile.labels)).run(lines)


def likeness(sample: list[str], style: Style) -> float:
    """How much a text looks like a script in one of the style's own layouts: 0 … 1."""
    texts, labels = _surveyed(tuple(sample))
    if not texts or is_log(sample):
        return 0.0
    chinese = sum(bool(HAS_CJK.search(text)) for text in texts) > 0.5 * len(texts)
    if labels.layout not in (style.chinese if chinese else style.latin) or is_told_book(labels, texts):
        return 0.0
    tellings = sum(len(TOLD.findall(text)) for text in texts)
    return min(1.0, 4 * labels.support / len(texts)) * (1 - min(1.0, 2 * tellings / max(labels.support, 1)))


@lru_cache(1)
def _surveyed(sample: tuple[str, ...]) -> tuple[list[str], Labels]:
    """The lines of a text that may be spoken, and the layout whose labels recur most; each style asks for them."""
    rows = list(without_casts(sort_lines(enumerate(sample, 1))))
    return [row.text for row in rows if row.kind == "text"], learn(rows, tuple(LAYOUTS))


def is_told(sample: list[str]) -> bool:
    """Whether most labels of a text have a verb of speech beside the name, in languages that no novel reader knows."""
    return has_verbs(_surveyed(tuple(sample))[1])


@dataclass(slots=True)
class _Draft:
    """A cue that may go on."""

    speakers: tuple[str, ...]
    line: int
    confidence: float
    parts: list[str]
    is_alone: bool = False
    """Whether the name stands alone on its line, with nothing behind it."""

    @property
    def has_speech(self) -> bool:
        """Whether more than a direction stands there."""
        return any(not is_direction(part) for part in self.parts)


class _Reading:
    """The state of one pass: the scene, the cue that is being spoken, the cast list that is being read."""

    def __init__(self, profile: ScriptProfile, opening_cast: frozenset[int]) -> None:
        self.profile = profile
        self.opening_cast = opening_cast
        self.labels = profile.labels
        self.scenes = Scenes()
        self.draft: _Draft | None = None
        self.silent = False
        """Whether nobody has spoken yet below a heading."""
        self.untitled = True
        """Whether neither a speech nor a heading has been met."""
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
        if row.number in self.opening_cast:
            yield Skipped("cast list", row.text.strip(), row.number)
        elif row.kind == "blank":
            if self.profile.blank_ends and self.draft and self.draft.has_speech:
                yield from self._finish()
        elif row.kind in ("heading", "rule", "cast"):
            yield from self._finish()
            yield from self._break(row)
        elif taken := takes_the_word(row.text, self.labels.speakers, self.draft.speakers if self.draft else ()):
            yield from self._finish()
            self._begin(Label(taken["name"], (taken["manner"],), "", "round"), taken["rest"].strip(), row.number)
        elif row.kind == "direction" and self.draft and not self.draft.parts:
            self.draft.parts.append(row.text)
        elif row.kind == "direction" and self.cast and ITALIC.match(row.text):
            yield Skipped("cast list", row.text, row.number)
        elif row.kind == "direction":
            self.cast = None if self.cast else self.cast
            yield Skipped("stage direction", row.text, row.number)
        elif row.kind == "credit" or (row.kind == "note" and self.profile.has_notes):
            if self.profile.narrates or row.after_blank or row.kind == "credit":
                yield from self._finish()
            yield Skipped("note or narration", row.text, row.number)
        elif (label := self.labels.find(row.text, row.after_blank)) and not self._cuts_a_sentence(label, row):
            if self._sets_the_scene(label, row, paragraph):
                yield Skipped("stage direction", row.text.strip(), row.number)
            else:
                yield from self._label(label, row, paragraph)
        elif self.profile.narrates and (noted := NOTED.match(row.text.strip())) and is_note(noted["label"] or ""):
            yield from self._finish()
            yield Skipped("note or narration", row.text.strip(), row.number)
        elif row.kind == "boxed":
            yield Skipped("stage direction", row.text, row.number)
        elif row.after_blank and self.draft and self.draft.parts and NUMBER_ALONE.match(row.text):
            yield Skipped("narration", row.text.strip(), row.number)
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

    def _sets_the_scene(self, label: Label, row: Row, paragraph: str) -> bool:
        """Whether a line that opens a scene tells who is there, or where: `Graf. Ann.`, `A hall. Ann sews.`, `ANN`."""
        if self.silent and label.layout == "alone" and "alone" not in self.labels.layouts:
            return "\n" not in paragraph
        if not self.silent or label.layout != "dot" or (self.labels.dashed and DASHED.match(row.text)):
            return False
        others = list(filter(None, (clean_name(part) for part in re.split(r"[.,;]", label.rest))))
        return (
            self.labels.speakers_of(label)[2] < MANNERED
            or (
                self.labels.capitals and not (label.name.isupper() or IN_CAPITALS.search(label.name))
            )  # Graf. The others.
            or (bool(others) and all(name in self.labels.seen for name in others))
        )

    def _break(self, row: Row) -> Iterator[Skipped]:
        if row.kind == "heading":
            self.scenes.enter(row.text, row.level)
            self.silent, self.untitled = True, False
            yield Skipped("heading", row.text, row.number)
        elif row.kind == "rule" and not self.underlined:
            self.scenes.split()
        elif row.kind == "cast":
            yield Skipped("cast list", row.text, row.number)
        self.cast = set() if row.kind == "cast" else None

    def _label(self, label: Label, row: Row, paragraph: str) -> Iterator[Cue | Skipped]:
        if self.cast is not None and not self._is_listed(label.name) and (label.rest or self._is_entry(paragraph)):
            self.cast.add(label.name)
            yield Skipped("cast list", row.text.strip(), row.number)
            return
        self.cast = None
        draft = self.draft
        if draft and draft.is_alone and row.number == draft.line + 1 and not draft.parts:
            above, self.draft = draft.speakers, None
        else:
            above = ()
            yield from self._finish()
        first, *further = self.labels.inline(label.rest)
        self._begin(label, first.rest, row.number, above)
        for piece in further:
            yield from self._finish()
            self._begin(piece, piece.rest, row.number)

    def _is_entry(self, paragraph: str) -> bool:
        """Whether a name alone on its line is one of a cast list: below it stands another, or nothing."""
        below = paragraph.split("\n")[1:2]
        if not below:
            return not self.profile.double_spaced
        other = match(below[0], "alone")
        return other is not None and (
            other.name in self.labels.speakers or (self.labels.capitals and other.name.isupper())
        )

    def _is_listed(self, name: str) -> bool:
        """Whether a name stands in the cast list already, perhaps as a part of a longer one."""
        return any(
            f" {name} ".casefold()
            in (f" {entry} "[: len(name) + 2].casefold(), f" {entry} "[-len(name) - 2 :].casefold())
            for entry in self.cast or ()
        )

    def _begin(self, label: Label, text: str, line: int, above: tuple[str, ...] = ()) -> None:
        """Begin a cue; with it speak those whose names stand alone above its own."""
        self.silent = False
        speakers, notes, confidence = self.labels.speakers_of(label)
        is_alone = label.layout == "alone" and not label.rest
        action = "".join(self._in_brackets(note) for note in notes)
        self.draft = _Draft((*above, *speakers), line, confidence, [action + text] if action + text else [], is_alone)

    def _in_brackets(self, note: str) -> str:
        """How a speaker speaks, in the brackets of the script's directions."""
        if self.profile.spoken_parentheses:
            return f"[{note}] "
        return f"（{note}）" if HAS_CJK.search(note) else f"({note}) "

    def _bare(self, row: Row, paragraph: str) -> Iterator[Cue | Skipped]:
        text = row.text.strip()
        if self.cast is not None:
            self.cast.add(NAME_IN_CAST.split(text, maxsplit=1)[0])
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
        if tells_in_japanese_or_korean(text, self.labels.speakers):
            return False
        if self.profile.labels.opens_paragraphs and not row.after_blank:
            return True
        if self.labels.layout in COLUMNS and not row.after_blank and row.text[:1].isspace():
            return True
        if not self.profile.narrates:
            if comes_or_goes(text, self.labels.in_small_letters):
                return False
            if not self.labels.opens_paragraphs:
                return not self.profile.bare_directions or bool(SPOKEN.search(text))
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
        if any(text[len(name)].isalnum() or text[len(name)].isspace() for name in names):
            return True
        return begins_with_name(text, self.labels.in_small_letters)  # JULIE: …, and below: Julie lights a candle.

    def _finish(self) -> Iterator[Cue | Skipped]:
        draft, self.draft = self.draft, None
        if draft is None:
            return
        profile = self.profile
        speech = join(draft.parts, profile.wrapped, profile.hyphenated)
        text, acted = clean(speech, spoken_parentheses=profile.spoken_parentheses, quoted=profile.quoted)
        untitled, self.untitled = self.untitled, False
        if untitled and draft.is_alone and draft.confidence <= ONCE and not SENTENCE_END.search(text):
            yield Skipped("narration", f"{' & '.join(draft.speakers)}\n{text}", draft.line)  # THE LAMP / A play
        elif any(char.isalnum() for char in text):
            yield Cue(draft.speakers, text, draft.line, self.scenes.current, draft.confidence, acted)
        else:
            yield Skipped("nothing said", acted or text or " & ".join(draft.speakers), draft.line)
