"""Novels: each quoted line with who says it, as the words beside it and the taking of turns tell, and how sure it is.

    黛玉笑道：“…”        “…”宝玉说。        "…," said Mr Darcy.

The languages differ in how they say who speaks (`_attributor`); this module goes through the book.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from offbook.data.extract.cue import Cue, Lines, Scenes, Skipped
from offbook.data.extract.novel.attribution import Attribution, Attributor
from offbook.data.extract.novel.book_layout import survey
from offbook.data.extract.novel.english import English
from offbook.data.extract.novel.names_en import LISTS
from offbook.data.extract.novel.paragraphs import Paragraph, paragraphs, whole_quotations, with_leads
from offbook.data.extract.novel.quotes import SINGLE, BookLayout, TextSpan
from offbook.data.extract.novel.tags_en import SAY
from offbook.data.extract.script.page_furniture import without_page_furniture

SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!\b[A-Z])[.!?。！？…][\"'”’)]*(?=\s|--|[—–]|$)")
_WITH = r"with (?:an?|great|some|much)\b|in an? [a-z ,]{0,40}(?:tone|voice|whisper|accent)\b"
_MANNER = rf"(?:[a-z]+ly |rather |very |half |still |again )*(?:[a-z]+ing\b|[a-z]+ly\b|{_WITH})"
NARRATORS_BRACKETS = re.compile(
    rf"(?P<dash>--|[—–])?\s*\({_MANNER}(?![^()]*\b(?:I|my|me|you|your|we|our|us)\b)[^()]*\)(?(dash)(?:--|[—–]|,?\s+)?)"
)
"""Well (checking herself), this is all: how it is said, told within the quotation; of the marks around a dash stays."""
CHINESE_END = re.compile(r"[。！？]")
FIRST_WORD = re.compile(r"[A-Z][a-z]+")
SAYS_AGAIN = re.compile(rf"\b(?:and|but|then)\b.*\b{SAY}\b")
NOT_NAMES = LISTS["not_a_name"] - LISTS["always_capital"]
PAUSES = {"zh": "，", "ja": "、"}
CutParagraph = tuple[Paragraph, list[TextSpan]]
"""A paragraph, and it cut into what is told and what is said."""
GOES_ON = 0.9
"""A paragraph that goes on with an open quotation is somebody else's only if that is so sure."""


EUROPEAN = frozenset(("fr", "de", "es", "ru", "it", "pt", "pl", "cs", "sv", "nl", "vi", "tr", "kk"))
"""Languages that are read alike, each by its words."""


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a novel, which is held in memory."""
    lines = list(without_page_furniture(lines, prose=True))
    layout = survey(lines)
    attributor = _attributor(layout, lines)
    book: list[CutParagraph] = []
    for paragraph in whole_quotations(with_leads(paragraphs(lines, layout), layout.marks), layout.marks):
        parts = attributor.split(paragraph.text) if paragraph.kind == "text" else []
        if paragraph.set_apart and all(part.is_quote for part in parts):
            parts = [TextSpan(False, paragraph.text, 0)]  # a letter: nobody says it
        book.append((paragraph, parts))
        if parts:
            attributor.learn(parts)
    attributor.finish()
    if attributor.cuts_by_names:
        book = [(paragraph, attributor.split(paragraph.text) if parts else []) for paragraph, parts in book]
    if not attributor.many_in_one:
        book = [piece for paragraph, parts in book for piece in _apart(paragraph, parts)]
    yield from _Reading(layout, attributor).run(book)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a novel: the share of its paragraphs in which somebody is quoted."""
    lines = list(without_page_furniture(enumerate(sample, 1), prose=True))
    layout = survey(lines)
    texts = [part for part in paragraphs(lines, layout) if part.kind == "text"]
    attributor = _attributor(layout, lines)
    quoted = [sum(_is_quotation(part.text, piece) for piece in attributor.split(part.text)) for part in texts]
    return min(0.9, 1.5 * sum(map(bool, quoted)) / len(texts)) if sum(quoted) >= 2 else 0.0


def _is_quotation(paragraph: str, piece: TextSpan) -> bool:
    """Whether a piece is said, as far as the marks tell; a table's cells (21:30,Ann,"Is it lit?") have marks, too."""
    return piece.is_quote and len(piece.text) > 2 and not paragraph[: piece.start].endswith((",", ";", "\t"))


def _apart(paragraph: Paragraph, parts: list[TextSpan]) -> Iterator[CutParagraph]:
    """A paragraph cut between quotations that nothing parts, which are two people's: “Tom?” “Yes?”."""
    begin = 0
    last: int | None = None
    for place, part in enumerate(parts):
        if part.is_quote and last is not None and not any(gap.text.strip() for gap in parts[last + 1 : place]):
            yield _piece(paragraph, parts[begin : last + 1])
            begin = place
        last = place if part.is_quote else last
    yield _piece(paragraph, parts[begin:]) if begin else (paragraph, parts)


def _piece(paragraph: Paragraph, parts: list[TextSpan]) -> CutParagraph:
    """The stretch of a paragraph that holds these parts, as a paragraph of its own."""
    start = parts[0].start
    lines = ((0, paragraph.line_at(start)), *((at - start, line) for at, line in paragraph.lines if at > start))
    end = parts[-1].start + len(parts[-1].text) + 2 * parts[-1].is_quote
    text = paragraph.text[start:end]
    return Paragraph(text, "text", 0, lines), [replace(part, start=part.start - start) for part in parts]


def _attributor(layout: BookLayout, lines: Lines) -> Attributor:
    """How it is told in the book's language who speaks. Of the others no patterns are compiled."""
    if layout.language == "zh":
        from offbook.data.extract.novel.chinese import Chinese
        from offbook.data.extract.novel.unquoted import UnquotedChinese, is_unquoted

        return UnquotedChinese(layout) if is_unquoted(text for _, text in lines) else Chinese(layout)
    if layout.language in ("ja", "ko"):
        from offbook.data.extract.novel.particles import Particles

        return Particles(layout)
    if layout.language in EUROPEAN:
        from offbook.data.extract.novel.european import European

        return European(layout)
    return English(layout)


class _Reading:
    """The state of one pass over the book."""

    def __init__(self, layout: BookLayout, attributor: Attributor) -> None:
        self.layout = layout
        self.attributor = attributor
        self.scenes = Scenes()
        self.last: Cue | None = None
        self.open = False
        """Whether the last quoted line ran to the end of its paragraph."""

    def run(self, book: Sequence[CutParagraph]) -> Iterator[Cue | Skipped]:
        scene: list[CutParagraph] = []
        for paragraph, parts in book:
            if paragraph.kind == "text":
                scene.append((paragraph, parts))
                continue
            yield from self._scene(scene)
            scene = []
            if paragraph.kind == "heading":
                self.scenes.enter(paragraph.text, paragraph.level)
                yield Skipped("heading", paragraph.text, paragraph.line_at(0))
            else:
                self.scenes.split()
        yield from self._scene(scene)

    def _scene(self, scene: Sequence[CutParagraph]) -> Iterator[Cue | Skipped]:
        split = self._uncut_verses(scene)
        for (paragraph, _), parts, attributions in zip(scene, split, self.attributor.attribute(split), strict=True):
            yield from self._paragraph(paragraph, parts, attributions)
        yield from self._finish()

    def _uncut_verses(self, scene: Sequence[CutParagraph]) -> list[list[TextSpan]]:
        """What is told and what is said in the paragraphs. A verse within an open quotation is not cut."""
        split: list[list[TextSpan]] = []
        for paragraph, parts in scene:
            is_open = any(last.open for last in split[-1][-1:]) if split else False
            other = self.layout.marks[0] in SINGLE and not paragraph.text.startswith(self.layout.marks[0])
            if is_open and other and len(parts) == 1:
                parts = [TextSpan(False, paragraph.text, 0)]
            split.append(parts)
        return split

    def _paragraph(
        self, paragraph: Paragraph, parts: Sequence[TextSpan], attributions: Sequence[Attribution]
    ) -> Iterator[Cue | Skipped]:
        if not attributions:
            yield from self._finish()
            yield Skipped("narration", paragraph.text, paragraph.line_at(0))
            return
        remaining = iter(attributions)
        before: int | None = None
        for place, piece in enumerate(parts):
            if not piece.is_quote:
                continue
            attribution, line = next(remaining), paragraph.line_at(piece.start)
            if attribution.unspoken or not any(char.isalnum() for char in piece.text):
                yield Skipped(attribution.unspoken or "nothing said", piece.text, line)
                continue
            between = "".join(part.text for part in parts[0 if before is None else before + 1 : place])
            if place == 0 and self.open and self.last and self._goes_on(attribution):
                self._append("\n", piece.text)
            elif before is not None and self.last and self._is_same_turn(between, attribution):
                brought_in = self.layout.language != "en" and between.rstrip().endswith(":")
                begins = brought_in and piece.text[:1].isupper()
                if begins or SENTENCE_END.search(between) or self._begins_sentence(between, piece.text):
                    self.last = replace(self.last, text=self._ended(self.last.text))
                self._append(self._seam(), piece.text)
            else:
                yield from self._finish()
                self.last = Cue(attribution.speakers, piece.text, line, self.scenes.current, attribution.confidence)
            before = place
            self.open = piece.open

    def _goes_on(self, attribution: Attribution) -> bool:
        assert self.last is not None
        return attribution.speakers == self.last.speakers or attribution.confidence < GOES_ON

    def _is_same_turn(self, between: str, attribution: Attribution) -> bool:
        """Whether a quoted line goes on with the one before it in its paragraph (“A,” said X, “B.”)."""
        assert self.last is not None
        if attribution.speakers != self.last.speakers:
            return False
        if self.attributor.many_in_one:
            if between.rstrip().endswith(("，", ",")):
                return True
            # “既如此，”叫：“来。” goes on for its first comma, in one sentence of the narrator's.
            return self.last.text.endswith("，") and bool(between) and not CHINESE_END.search(between)
        return bool(between.strip())

    def _ended(self, text: str) -> str:
        """A text with a full stop at its end; in Japanese it may have had none of its own."""
        return text + "。" if self.layout.language == "ja" and text[-1:].isalnum() else _stopped(text)

    def _begins_sentence(self, between: str, text: str) -> bool:
        """Whether a text begins a sentence: with a capital, behind a further verb of speech (and cried out)."""
        first = FIRST_WORD.match(text)
        return bool(first and first[0] in NOT_NAMES and SAYS_AGAIN.search(between))

    def _seam(self) -> str:
        """What stands between a text and what goes on with it: 叫了一声“姨妈” (，) 又点头：“您也在。”."""
        assert self.last is not None
        return self.layout.seam or (PAUSES[self.layout.language] if self.last.text[-1:].isalnum() else "")

    def _append(self, seam: str, text: str) -> None:
        assert self.last is not None
        self.last = replace(self.last, text=self.last.text + seam + text)

    def _finish(self) -> Iterator[Cue]:
        if self.last:
            text = self.last.text
            if "(" in text:
                text = NARRATORS_BRACKETS.sub(lambda match: match["dash"] or "", text)
            yield replace(self.last, text=text if self.open else _stopped(text))
        self.last, self.open = None, False


def _stopped(text: str) -> str:
    """A text as its author would end it alone: “Half a can,” said Tom. ends in a full stop."""
    return text[:-1] + ("." if text[-1] == "," else "。") if text.endswith((",", "，")) else text
