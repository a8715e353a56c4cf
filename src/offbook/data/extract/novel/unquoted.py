"""Chinese books without quotation marks: what stands behind a verb of speech and its colon is said.

老张说：你真看见了？        黛玉道：你在看什么书？宝玉慌得藏之不迭，便说道：不过是《中庸》。
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from offbook.data.extract.novel.attribution import ACTS, Attribution
from offbook.data.extract.novel.book_layout import SURVEYED
from offbook.data.extract.novel.chinese import Chinese
from offbook.data.extract.novel.names_zh import skip
from offbook.data.extract.novel.quotes import TextSpan
from offbook.data.extract.novel.words_zh import LISTS, MANNER, ME, NOT_SAY, SAYS, THINKS, simplify
from offbook.data.extract.word_lists import one_of

LEAD = re.compile(r"[道说說曰云问問喊叫答][：:]\s*+(?P<mark>[“「『‘\"])?")
"""笑道：, and the mark of a quotation that it brings in."""
FEWEST = 3
RARELY_QUOTED = 0.2
"""Share of such leads that bring in a quotation, at most."""
COLON = re.compile("[：:]")
SENTENCE_END = re.compile(r"[。！？!?…]+[”」』]?")
FIRST_OR_SECOND = re.compile(one_of(ME | {"你", "您"}))
THIRD = re.compile(r"[他她](?!们?的)")
NARRATES = re.compile(f"{MANNER}|[听见看走站坐把]|正")
"""What goes on behind the name of somebody who acts, rather than is talked of: 宝玉听了, 黛玉便."""
OPENS = re.compile(one_of(LISTS["narrator_opens"]))
"""却说, 说罢"""
POINTS = re.compile("[那这好](?!不)")
"""那行者, 好行者"""
GOES_ON = re.compile("(?:[那就急忙用却因众]|原来|放下|你看[他那])(?![^。！？]*(?:我|你(?!看[他那])))")
"""那呆子, 就去: how the old novels go on with what is done."""
ADDRESSED = re.compile("[，！？：、。]|$")


def is_unquoted(texts: Iterable[str]) -> bool:
    """Whether a Chinese book is printed so."""
    book = "\n".join(islice(texts, SURVEYED))  # a quotation may stand in the next paragraph
    leads = Counter(bool(lead["mark"]) for lead in LEAD.finditer(book))
    return leads.total() >= FEWEST and leads[True] <= RARELY_QUOTED * leads.total()


class UnquotedChinese(Chinese):
    """Attribution in such books: from a colon on somebody speaks, up to the sentence that has the next."""

    cuts_by_names = True
    one_in_paragraph = False  # each line is brought in for itself

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        simplified = simplify(text)
        leads = list(_leads(simplified))
        pieces: list[TextSpan] = []
        start = 0
        for (begin, colon), (stop, _) in pairwise([*leads, (len(text), len(text))]):
            if pieces and FIRST_OR_SECOND.search(simplified, begin, colon):
                start = begin
                continue  # the speaker says what was said to him, or the teller speaks: nobody can tell
            end = next((at for at in _sentences(simplified, colon, stop) if self._narrates(text, simplified, at)), stop)
            pieces += [TextSpan(False, text[start:colon], start), TextSpan(True, text[colon:end].strip(), colon)]
            start = end
        return [*pieces, TextSpan(False, text[start:], start)] if start < len(text) else pieces

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each piece that is said; less sure where the narrator may have the word before its end."""
        attributed = super().attribute(scene)
        for pieces, attributions in zip(scene, attributed, strict=True):
            for place, speech in enumerate(piece for piece in pieces if piece.is_quote):
                if self._may_narrate(speech.text):
                    unsure = min(attributions[place].confidence, ACTS)
                    attributions[place] = replace(attributions[place], confidence=unsure)
        return attributed

    def _narrates(self, text: str, simplified: str, start: int) -> bool:
        """Whether a sentence behind a speech tells what somebody does."""
        sentence = simplified[start : min(_sentences(simplified, start, len(text)), default=len(text))]
        if OPENS.match(sentence):
            return not FIRST_OR_SECOND.search(sentence)
        head = POINTS.match(simplified, start)
        start = skip(simplified, head.end() if head else start, len(text))
        name = self._people.at(text, start)
        end = start + len(name or "")
        acts = head and not ADDRESSED.match(simplified, end) and not FIRST_OR_SECOND.search(sentence)
        return bool(name and (acts or NARRATES.match(simplified, end)))

    def _may_narrate(self, text: str) -> bool:
        """Whether a sentence within a speech, after its first, may be the narrator's: it is of somebody else."""
        simplified = simplify(text)
        for start in _sentences(simplified, 0, len(text)):
            name = self._people.at(text, start)
            acts = name and not ADDRESSED.match(text, start + len(name))
            if acts or THIRD.match(simplified, start) or (self.many_in_one and GOES_ON.match(simplified, start)):
                return True
        return False


def _leads(simplified: str) -> Iterator[tuple[int, int]]:
    """Where each sentence that brings in speech begins, and where the speech does."""
    for colon in COLON.finditer(simplified):
        start = max((end.end() for end in SENTENCE_END.finditer(simplified, 0, colon.start())), default=0)
        lead = simplified[start : colon.start()]
        if (SAYS.search(lead) and not NOT_SAY.search(lead)) or THINKS.search(lead):
            yield start, colon.end()


def _sentences(simplified: str, start: int, stop: int) -> list[int]:
    """Where sentences begin behind the first."""
    return [end.end() for end in SENTENCE_END.finditer(simplified, start, stop) if end.end() < stop]
