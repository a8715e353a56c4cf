"""Interviews whose questions stand in bold, or as headings, and bear no name; the answers stand below.

    **When did you start cooking?**

    I was nine. My grandmother had a stall.

Who asks is Q and who answers A (in Chinese 问 and 答), unless an answer has a name before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from offbook.data.extract.cue import Cue, Lines, Scenes, Skipped
from offbook.data.extract.script.headings import heading, is_rule
from offbook.data.extract.script.names import HAS_CJK, is_name
from offbook.data.extract.script.speaker_labels import match
from offbook.data.extract.script.speech import clean

SET_OFF = re.compile(
    r"^(?:(?P<mark>\*\*\*?|__)(?=\S)(?P<text>(?:(?!(?P=mark)).)+?)(?<=\S)(?P=mark)(?P<rest>.*)"
    r"|(?P<heading>#{2,6}) +(?P<title>\S.*?))$"
)
"""**Bold** and what may follow it on the line; ## a heading."""
ASKS = re.compile(r"[?？؟;][\"'”’»」）)\]]*$")
ENDS = re.compile(r"[.!…。！][\"'”’»」）)\]]*$")
"""How a request ends (Tell me about the boat.); what ends otherwise is a title between the questions."""
FEWEST = 3
SHARE = 0.08
"""Share of the lines that are questions, at least."""
ASKING = 0.5
"""Share of the sentences in bold that ask, at least."""
LONGEST = 600


@dataclass(slots=True)
class _Turn:
    """A question or an answer that may go on."""

    speaker: str
    line: int
    parts: list[str] = field(default_factory=list)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like an interview of this kind: 0 or 1."""
    return float(_question_mark(sample) is not None)


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of an interview. Goes through the lines three times: for the questions, for names, and to read."""
    mark = _question_mark(text for _, text in lines)
    names = _names(lines, mark)
    scenes = Scenes()
    turn: _Turn | None = None
    asks = False
    for number, raw in lines:
        text = raw.strip()
        question = _question(text, mark)
        if question is not None and turn and asks and not question[1]:
            turn.parts.append(question[0])  # a question of several lines
            continue
        if question is not None:
            yield from _finish(turn, scenes)
            asks, rest = not question[1], question[1]
            turn = _Turn("问" if HAS_CJK.search(question[0]) else "Q", number, [question[0]])
            if rest:
                yield from _finish(turn, scenes)
                turn = _answer(rest, number, names)
        elif is_rule(text) or heading(text) or ((set_off := SET_OFF.match(text)) and not set_off["rest"]):
            yield from _finish(turn, scenes)
            turn, asks = None, False
            if is_rule(text):
                scenes.split()
            else:
                yield Skipped("heading", text, number)
        elif text and turn is None:
            yield Skipped("narration", text, number)
        elif text and turn and (asks or _label(text, names)):
            yield from _finish(turn, scenes)
            turn, asks = _answer(text, number, names), False
        elif text and turn:
            turn.parts.append(text)
    yield from _finish(turn, scenes)


def _question_mark(texts: Iterable[str]) -> str | None:
    """How the questions are set off: the mark of bold or of a heading; None where the text is no such interview."""
    questions: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    lines = 0
    for text in map(str.strip, texts):
        lines += bool(text)
        if (set_off := SET_OFF.match(text)) and (sentence := _sentence(set_off)):
            mark = set_off["mark"] or set_off["heading"]
            marked[mark] += 1
            questions[mark] += bool(ASKS.search(sentence))
    mark, count = max(questions.items(), key=lambda item: item[1], default=("", 0))
    return mark if count >= max(FEWEST, SHARE * lines, ASKING * marked[mark]) else None


def _sentence(set_off: re.Match[str]) -> str | None:
    """What is set off, if it is a sentence without a name before it."""
    text = (set_off["text"] or set_off["title"]).strip()
    label = match(text, "colon")
    is_sentence = len(text) <= LONGEST and (ASKS.search(text) or ENDS.search(text))
    return text if is_sentence and not (label and is_name(label.name)) else None


def _question(text: str, mark: str | None) -> tuple[str, str] | None:
    """A question, and the answer that begins behind it on its line; None for other lines."""
    set_off = SET_OFF.match(text)
    if not set_off or (set_off["mark"] or set_off["heading"]) != mark:
        return None
    sentence = _sentence(set_off)
    if sentence is None or (set_off["heading"] and not ASKS.search(sentence)):
        return None
    return sentence, (set_off["rest"] or "").strip()


def _names(lines: Lines, mark: str | None) -> frozenset[str]:
    """Names that stand before several answers."""
    labels: Counter[str] = Counter()
    for _, raw in lines:
        text = raw.strip()
        set_off = _question(text, mark)
        if label := match(set_off[1] if set_off else text, "colon"):
            labels[label.name] += bool(label.rest) and is_name(label.name)
    return frozenset(name for name, count in labels.items() if count > 1)


def _label(text: str, names: frozenset[str]) -> tuple[str, str] | None:
    """The name before an answer and what it answers: `**Mara:** Water`; without bold a name that recurs."""
    label = match(text, "bold") or match(text, "colon")
    if not label or not label.rest or not is_name(label.name):
        return None
    return (label.name, label.rest) if label.layout == "bold" or label.name in names else None


def _answer(text: str, number: int, names: frozenset[str]) -> _Turn:
    name, words = _label(text, names) or ("答" if HAS_CJK.search(text) else "A", text)
    return _Turn(name, number, [words])


def _finish(turn: _Turn | None, scenes: Scenes) -> Iterator[Cue | Skipped]:
    if turn is None:
        return
    words, acted = clean("\n".join(turn.parts))
    if any(char.isalnum() for char in words):
        yield Cue((turn.speaker,), words, turn.line, scenes.current, 1.0, acted)
    else:
        yield Skipped("nothing said", acted or words, turn.line)
