"""Who says a quoted line in Japanese and Korean novels: `太郎は「…」と言った`, `“…” 철수가 말했다`.

The speaker is the name before the particle of the subject or topic in the sentence that holds a verb of speech.
Particles and verbs of a language are a file in `words/`. Turns without names stay below the bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from offbook.data.extract.novel.attribution import (
    ACTS,
    NOBODY,
    PRONOUN,
    TURN,
    Attribution,
    DialogueState,
    confidence,
    shared,
)
from offbook.data.extract.novel.quotes import BookLayout, TextSpan, cut_at_marks
from offbook.data.extract.word_lists import load, one_of

LETTERS = {"ja": r"[\u4e00-\u9fff々〆ァ-ヺー・]", "ko": r"[\uac00-\ud7a3]"}
"""What names are written in."""
LONGEST_NAME = 10
SENTENCE = re.compile(r"(?<=[。！？!?.])\s*")
BEFORE_GA = {"내": "나", "제": "저"}
"""내가 and 나는 are one person."""


class Particles:
    """Attribution of quoted lines in Japanese or Korean prose."""

    many_in_one = False
    cuts_by_names = False

    def __init__(self, layout: BookLayout) -> None:
        self._language = language = layout.language
        self._marks = layout.marks
        lists = load("novel", language)
        self._lists = lists
        self._no_names = lists["not_a_name"] | lists["he"] | lists["she"]
        self._pronouns = lists["he"] | lists["she"] | lists["me"]
        say_verbs, letter, particle = one_of(lists["say"]), LETTERS[language], one_of(lists["subject"])
        title = one_of(lists["title"])
        follows = r"(?=[\s,]|$)" if language == "ko" else ""
        name = (
            rf"(?:{letter}{{1,3}}\s{title}|{letter}{{1,{LONGEST_NAME}}}{'?' if language == 'ko' else ''}(?:{title})?)"
        )
        self._subject = re.compile(rf"(?:^|(?<=[\s、。，,」』”]))(?P<speaker>{name})(?P<particle>{particle}){follows}")
        self._says = re.compile(say_verbs)
        self._says_so = re.compile(one_of(lists["so"]) + rf"\s?{say_verbs}")
        """(「…」) アリスはそう言って"""
        self._alone = re.compile(rf"(?:{one_of(lists['quotative'])})(?P<speaker>{name})[。.]?")
        """(「…」) とアリス。"""
        self._seen: set[str] = set()
        """Subjects whose particle is nothing else: 지수가, but 젖은 may be an adjective."""
        self._quotative = re.compile(rf"^(?:{one_of(lists['quotative'])})[、,\s]*")
        self._thinks = re.compile(one_of(lists["thinks"]))
        self._writes = re.compile(one_of(lists["written"]))

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        return cut_at_marks(text, self._marks)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Take note of subjects whose particle cannot be the ending of a verb or an adjective."""
        for piece in pieces:
            matches = () if piece.is_quote else self._subject.finditer(piece.text)
            self._seen.update(match["speaker"] for match in matches if self._is_surely_subject(match))

    def finish(self) -> None:
        """Nothing is learned from the book."""

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene, in order."""
        state = DialogueState()
        pairs = zip(scene, (*scene[1:], ()), strict=False)
        return [self._paragraph(parts, state, self._told_so(behind)) for parts, behind in pairs]

    def _told_so(self, parts: Sequence[TextSpan]) -> str:
        """Who said, as a paragraph of narration tells, what stands before it: アリスはそう言って (「…」 before)."""
        first = SENTENCE.split(parts[0].text)[0] if parts and not any(part.is_quote for part in parts) else ""
        subject = self._subject.search(first) if self._says_so.search(first) else None
        return subject["speaker"] if subject and subject["speaker"] not in self._no_names else ""

    def _paragraph(self, parts: Sequence[TextSpan], state: DialogueState, told_behind: str) -> list[Attribution]:
        state.begin_paragraph(parts)
        matched = []
        for place, part in enumerate(parts):
            if not part.is_quote:
                if subject := self._who(SENTENCE.split(part.text.strip())[-1]):
                    state.subject = subject if subject not in self._pronouns else state.subject
                continue
            lead = parts[place - 1].text if place and not parts[place - 1].is_quote else ""
            tail = parts[place + 1].text if place + 1 < len(parts) and not parts[place + 1].is_quote else ""
            matched.append(self._of(part, lead, tail, state))
        matched = shared(matched)
        if told_behind and matched and all(each.confidence <= TURN and not each.unspoken for each in matched):
            matched = [Attribution((told_behind,), confidence(self._language, "name", 1.0))] * len(matched)
        if matched and not matched[-1].unspoken:
            state.spoke(matched[-1])
        return matched

    def _of(self, part: TextSpan, lead: str, tail: str, state: DialogueState) -> Attribution:
        behind = SENTENCE.split(tail.strip())[0]
        *ended, ahead = SENTENCE.split(lead.rstrip())
        is_ended = part.text.endswith(tuple("。！？!?.…—ー"))
        quoted = bool(behind) and behind.startswith(tuple(self._lists["quotative"]))
        if self._thinks.search(behind):
            return Attribution((), NOBODY, "a thought")
        if self._writes.search(behind):
            return Attribution((), NOBODY, "something written")
        says = self._says.search(behind)
        alone = self._alone.fullmatch(behind) if not lead else None
        if alone and alone["speaker"] not in self._no_names:
            return Attribution((alone["speaker"],), confidence(self._language, "name", 1.0))
        acts = (quoted or self._language == "ja") and not says and not lead
        beat = self._subject.match(self._quotative.sub("", behind)) if acts else None
        if beat and beat["speaker"] not in self._no_names:
            return Attribution((beat["speaker"],), ACTS)  # 「…」(と)鈴木さんが頭を下げる
        if (ahead or behind) and not (says or is_ended) and not self._says.search(ahead):
            return Attribution((), NOBODY, "words in quotation marks")
        speaker = ""
        if says:
            speaker = self._who(self._quotative.sub("", behind[: says.start()])) or (self._who(ahead) if ahead else "")
        elif ahead.endswith(("、", ",", ":", "：")) or (ahead and self._says.search(ahead)):
            speaker = self._who(ahead)
        elif ended and not ahead and not behind and self._says.search(ended[-1][-8:]):
            speaker = self._who(ended[-1])  # 톰이 말했다. “…”
        if speaker in self._pronouns - self._lists["me"]:
            return Attribution((state.subject,) if state.subject else (), PRONOUN)
        if speaker:
            return Attribution((speaker,), confidence(self._language, "name", 1.0))
        if quoted and not says:
            return Attribution((), NOBODY)
        other = state.other()
        return Attribution(other, TURN if other else NOBODY)

    def _who(self, text: str) -> str:
        """The last subject or topic of a stretch of a sentence, "" where there is none."""
        matches = [each for each in self._subject.finditer(text) if each["speaker"] not in self._lists["not_a_name"]]
        names = [each["speaker"] for each in matches if self._is_surely_subject(each) or each["speaker"] in self._seen]
        at_head = [each["speaker"] for each in matches[:1] if not each.start() and len(each["speaker"]) > 1]
        name = (names or at_head or [""])[-1]
        return BEFORE_GA.get(name, name)

    def _is_surely_subject(self, match: re.Match[str]) -> bool:
        """Whether a word and its particle cannot be a verb or an adjective, or stand for he and she."""
        sure = self._lists.get("surely_subject", self._lists["subject"])
        return match["particle"] in sure or match["speaker"] in self._pronouns
