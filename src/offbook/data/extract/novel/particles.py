"""Who says a quoted line in Japanese and Korean novels: `太郎は「…」と言った`, `“…” 철수가 말했다`.

The speaker is the name before the particle of the subject or topic in the sentence that holds a verb of speech.
Particles and verbs of a language are a file in `words/`. Turns without names stay below the bound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from offbook.data.extract.novel.attribution import NOBODY, PRONOUN, TURN, Attribution, DialogueState, confidence, shared
from offbook.data.extract.novel.quotes import BookLayout, TextSpan, cut_at_marks
from offbook.data.extract.word_lists import load, one_of

LETTERS = {"ja": r"[\u4e00-\u9fff々〆ァ-ヺー・]", "ko": r"[\uac00-\ud7a3]"}
"""What names are written in."""
LONGEST_NAME = 10
SENTENCE = re.compile(r"(?<=[。！？!?.])\s*")


class Particles:
    """Attribution of quoted lines in Japanese or Korean prose."""

    many_in_one = False

    def __init__(self, layout: BookLayout) -> None:
        self._language = language = layout.language
        self._marks = layout.marks
        lists = load("novel", language)
        self._lists = lists
        self._pronouns = lists["he"] | lists["she"] | lists["me"]
        say_verbs, letter, particle = one_of(lists["say"]), LETTERS[language], one_of(lists["subject"])
        title = one_of(lists["title"])
        follows = r"(?=[\s,])" if language == "ko" else ""
        name = (
            rf"(?:{letter}{{1,3}}\s{title}|{letter}{{1,{LONGEST_NAME}}}{'?' if language == 'ko' else ''}(?:{title})?)"
        )
        self._subject = re.compile(rf"(?:^|(?<=[\s、。，,」』”]))(?P<speaker>{name}){particle}{follows}")
        self._says = re.compile(say_verbs)
        self._quotative = re.compile(rf"^(?:{one_of(lists['quotative'])})[、,\s]*")
        self._thinks = re.compile(one_of(lists["thinks"]))
        self._writes = re.compile(one_of(lists["written"]))

    def split(self, text: str) -> list[TextSpan]:
        """A paragraph cut into what is told and what is said."""
        return cut_at_marks(text, self._marks)

    def learn(self, pieces: Sequence[TextSpan]) -> None:
        """Nothing is learned from the book."""

    def finish(self) -> None:
        """Nothing is learned from the book."""

    def attribute(self, scene: Sequence[Sequence[TextSpan]]) -> list[list[Attribution]]:
        """The speaker of each quoted piece of each paragraph of a scene, in order."""
        state = DialogueState()
        return [self._paragraph(parts, state) for parts in scene]

    def _paragraph(self, parts: Sequence[TextSpan], state: DialogueState) -> list[Attribution]:
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
        if (ahead or behind) and not (says or is_ended) and not self._says.search(ahead):
            return Attribution((), NOBODY, "words in quotation marks")
        speaker = ""
        if says:
            speaker = self._who(self._quotative.sub("", behind[: says.start()])) or (self._who(ahead) if ahead else "")
        elif ahead.endswith(("、", ",", ":", "：")) or (ahead and self._says.search(ahead)):
            speaker = self._who(ahead)
        elif ended and not ahead and not behind and self._says.search(ended[-1][-8:]):
            speaker = self._who(ended[-1])  # 톰이 말했다. “…”
        if speaker in self._pronouns:
            return Attribution((state.subject,) if state.subject else (), PRONOUN)
        if speaker:
            return Attribution((speaker,), confidence(self._language, "name", 1.0))
        if quoted and not says:
            return Attribution((), NOBODY)
        other = state.other()
        return Attribution(other, TURN if other else NOBODY)

    def _who(self, text: str) -> str:
        """The last subject or topic of a stretch of a sentence, "" where there is none."""
        names = [match["speaker"] for match in self._subject.finditer(text)]
        names = [name for name in names if name not in self._lists["not_a_name"]]
        return names[-1] if names else ""
