"""Cues into rows: what the character says as `assistant`, what was said before it as `user`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from offbook.data.extract.cue import SURE, Cue, Skipped
from offbook.data.extract.script.names import HAS_CJK

Row = dict[str, Any]

SETTINGS = ("stage direction", "narration", "heading")
"""What may stand before a scene's first cue."""
LONGEST_SETTING = 200


@dataclass(frozen=True, slots=True)
class Cut:
    """How cues are cut into rows."""

    context: int = 0
    """Turns before the prompt that a row carries along."""
    min_confidence: float = SURE
    keep_actions: bool = False


def to_rows(items: Iterable[Cue | Skipped], names: frozenset[str], file: str, cut: Cut) -> Iterator[Row | Skipped]:
    """A row for every cue that one of `names` speaks, in the form that OpenAI's fine-tuning takes.

    One cue is one reply, and what stands right before it in the scene is its prompt, whoever said it: a character who
    speaks twice running has two replies. The prompt of a cue that opens its scene is the direction, the narration or
    the heading that it follows, in brackets; where there is none (a chat), it answers nothing and is left.
    With context, speakers are named in the prompt, the character's earlier lines stand there as `assistant` with
    `weight` 0: they are read and not learned, since each of them is another row's reply.
    """
    before: deque[Cue] = deque(maxlen=cut.context + 1)
    scene: str | None = None
    told: list[Skipped] = []
    for item in items:
        if isinstance(item, Skipped):
            told += [item] if item.reason in SETTINGS else []
            yield item
            continue
        if item.scene != scene:
            before.clear()
            scene = item.scene
        opening = [] if before else _setting(told, item)
        if names & set(item.speakers):
            if item.confidence < cut.min_confidence:
                yield Skipped("not sure who speaks", item.text, item.line)
            elif not before and not opening:
                yield Skipped("opens a conversation, answers nobody", item.text, item.line)
            else:
                yield _row(item, before or opening, names, file, cut)
        before.append(item)
        # A reader hands out a cue when it has ended, so what was told amid it comes first.
        told = [left for left in told if left.line > item.line]


def _setting(told: list[Skipped], cue: Cue) -> list[Cue]:
    """What was told right before a scene's first cue, in the place of a cue before it."""
    settings = [left for left in told if left.line < cue.line]
    if not settings:
        return []
    text = settings[-1].text.strip("（()）[]【】〔〕_*△▲ ")
    text = text if len(text) <= LONGEST_SETTING else f"…{text[-LONGEST_SETTING:]}"
    return [Cue((), f"（{text}）" if HAS_CJK.search(text) else f"({text})", settings[-1].line, cue.scene)]


def _row(cue: Cue, before: Iterable[Cue], names: frozenset[str], file: str, cut: Cut) -> Row:
    def text_of(said: Cue) -> str:
        return said.acted or said.text if cut.keep_actions else said.text

    def named(said: Cue) -> str:
        if not cut.context or not said.speakers:
            return text_of(said)
        return f"{said.speaker}{'：' if HAS_CJK.search(said.speaker + said.text) else ': '}{text_of(said)}"

    *earlier, prompt = before
    messages: list[Row] = []
    for said in earlier:
        if names & set(said.speakers):
            messages.append({"role": "assistant", "content": text_of(said), "weight": 0})
        else:
            messages.append({"role": "user", "content": named(said)})
    messages.append({"role": "user", "content": named(prompt)})
    messages.append({"role": "assistant", "content": text_of(cue)})
    return {
        "messages": _merged(messages),
        "source": {"file": file, "line": cue.line, "scene": cue.scene},
        "confidence": round(cue.confidence, 2),
    }


def _merged(messages: list[Row]) -> list[Row]:
    """Turns of one side running become one message, so that the sides alternate; the user begins."""
    merged: list[Row] = []
    for message in messages:
        if not merged and message["role"] == "assistant":
            continue
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += "\n" + message["content"]
        else:
            merged.append(dict(message))
    return merged
