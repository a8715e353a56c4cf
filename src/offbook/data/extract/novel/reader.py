"""Novels: quoted lines, each given to the nearest speaker by the verb of speech beside it, with a confidence.

    黛玉笑道：“…”        “…”宝玉说。        "…," said Mr Darcy.

The languages differ in how they say who speaks (`novel_zh.py`, `novel_en.py`); this module goes through the book.
"""

from __future__ import annotations

from collections.abc import Iterator

from offbook.data.extract.cue import Cue, Lines, Scenes, Skipped
from offbook.data.extract.novel.attribution import Attributor, DialogueState
from offbook.data.extract.novel.chinese import Chinese
from offbook.data.extract.novel.english import English
from offbook.data.extract.novel.quotes import BookLayout, Paragraph, Piece, paragraphs, pieces, survey


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a novel. Goes through `lines` three times: for the print, for the names, to read."""
    book = survey(lines)
    attribution: Attributor = Chinese() if book.chinese else English()
    for paragraph in paragraphs(lines, book.wrapped):
        if paragraph.kind == "text":
            attribution.learn(paragraph, pieces(paragraph.text, book.marks))
    attribution.settle()
    yield from _Reading(book, attribution).run(lines)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a novel: the share of its paragraphs in which somebody is quoted."""
    book = survey(list(enumerate(sample, 1)))
    texts = [part for part in paragraphs(list(enumerate(sample, 1)), book.wrapped) if part.kind == "text"]
    quoted = [sum(piece.said and len(piece.text) > 2 for piece in pieces(part.text, book.marks)) for part in texts]
    return min(0.9, 1.5 * sum(map(bool, quoted)) / len(texts)) if sum(quoted) >= 2 else 0.0


class _Reading:
    """The state of one pass over the book."""

    def __init__(self, book: BookLayout, attribution: Attributor) -> None:
        self.book = book
        self.attribution = attribution
        self.scenes = Scenes()
        self.memory = DialogueState()
        self.last: Cue | None = None
        self.open = False
        """Whether the last quoted line ran to the end of its paragraph."""

    def run(self, lines: Lines) -> Iterator[Cue | Skipped]:
        for paragraph in paragraphs(lines, self.book.wrapped):
            if paragraph.kind == "text":
                yield from self._paragraph(paragraph)
            else:
                yield from self._break(paragraph)
        if self.last:
            yield self.last

    def _break(self, paragraph: Paragraph) -> Iterator[Cue | Skipped]:
        if self.last:
            yield self.last
        self.last, self.open = None, False
        self.memory.clear()
        if paragraph.kind == "heading":
            self.scenes.enter(paragraph.text, paragraph.level)
            yield Skipped("heading", paragraph.text, paragraph.line_at(0))
        else:
            self.scenes.split()

    def _paragraph(self, paragraph: Paragraph) -> Iterator[Cue | Skipped]:
        cut = pieces(paragraph.text, self.book.marks)
        guesses = iter(self.attribution.guess(cut, self.memory))
        for place, piece in enumerate(cut):
            if not piece.said:
                if len(cut) == 1:
                    yield Skipped("narration", piece.text, paragraph.line_at(piece.start))
                continue
            guess = next(guesses)
            line = paragraph.line_at(piece.start)
            if guess.unspoken or not any(char.isalnum() for char in piece.text):
                yield Skipped(guess.unspoken or "nothing said", piece.text, line)
            elif place == 0 and self.open and self.last and guess.confidence < 0.9:
                self._go_on(piece, "\n")
            elif self._is_interrupted(cut, place, guess.speakers):
                self._go_on(piece, "" if self.book.chinese else " ")
            else:
                if self.last:
                    yield self.last
                self.last = Cue(guess.speakers, piece.text, line, self.scenes.current, guess.confidence)
            self.open = piece.open

    def _is_interrupted(self, cut: list[Piece], place: int, speakers: tuple[str, ...]) -> bool:
        """Whether a quoted line goes on with the one before it: “A,” said X, “B.”"""
        if place < 2 or not self.last or self.last.speakers != speakers or not cut[place - 2].said:
            return False
        return not self.book.chinese or cut[place - 1].text.rstrip().endswith(("，", ","))

    def _go_on(self, piece: Piece, seam: str) -> None:
        assert self.last is not None
        cue = self.last
        self.last = Cue(cue.speakers, cue.text + seam + piece.text, cue.line, cue.scene, cue.confidence)
