"""Cues of scripts and books into rows: the character's as `assistant`, what was said before them as `user`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from offbook.data.extract.cue import SURE, Cue, Skipped
from offbook.data.extract.script.names import HAS_CJK
from offbook.data.extract.word_lists import load_all, one_of

Row = dict[str, Any]

SETTINGS = ("stage direction", "narration", "heading")
"""What may stand before a scene's first cue."""
NARRATOR = re.compile(rf"\W*{one_of(load_all('script')['narrator'])}\s*[:：]\s*", re.IGNORECASE)
"""How a line begins that a narrator says, which may stand there, too: other notes (time, music) do not."""
LONGEST_SETTING = 200
UNANSWERED = "opens a conversation, answers nobody"


@dataclass(frozen=True, slots=True)
class RowOptions:
    """How cues are cut into rows."""

    context: int = 0
    """Turns before the prompt that a row carries along."""
    min_confidence: float = SURE
    keep_actions: bool = False


def to_rows(
    items: Iterable[Cue | Skipped], names: frozenset[str], file: str, options: RowOptions
) -> Iterator[Row | Skipped]:
    """A row for every cue that one of `names` speaks, in the form that OpenAI's fine-tuning takes.

    One cue is one reply, and what stands right before it in the scene is its prompt, whoever said it: a character who
    speaks twice running has two replies. The prompt of a cue that opens its scene is the direction, the narration or
    the heading that it follows, in brackets; where there is none, it answers nobody and is left out.
    With context, speakers are named in the prompt, the character's earlier lines stand there as `assistant` with
    `weight` 0: they are read and not learned, since each of them is another row's reply.
    """
    before: deque[Cue] = deque(maxlen=options.context + 1)
    scene: str | None = None
    settings: list[Skipped] = []
    for item in items:
        if isinstance(item, Skipped):
            settings += [item] if item.reason in SETTINGS or NARRATOR.match(item.text) else []
            yield item
            continue
        if item.scene != scene:
            before.clear()
            scene = item.scene
        scene_setting = [] if before else _setting(settings, item)
        if names & set(item.speakers):
            if item.confidence < options.min_confidence:
                yield Skipped("not sure who speaks", item.text, item.line)
            elif not before and not scene_setting:
                yield Skipped(UNANSWERED, item.text, item.line)
            else:
                yield _row(item, before or scene_setting, names, file, options)
        before.append(item)
        # A reader hands out a cue when it has ended, so a direction in its midst comes first.
        settings = [setting for setting in settings if setting.line > item.line]


def _setting(settings: list[Skipped], cue: Cue) -> list[Cue]:
    """The direction, narration or heading right before a scene's first cue, in the place of a cue before it."""
    before = [setting for setting in settings if setting.line < cue.line]
    if not before:
        return []
    text = NARRATOR.sub("", before[-1].text, count=1).strip("（()）[]【】〔〕_*△▲ ")
    text = text if len(text) <= LONGEST_SETTING else f"…{text[-LONGEST_SETTING:]}"
    return [Cue((), f"（{text}）" if HAS_CJK.search(text) else f"({text})", before[-1].line, cue.scene)]


def with_name(cue: Cue, text: str) -> str:
    """A cue's text after its speaker's name, as in a script: `Ann: Hi`, `阿澈：在吗`."""
    return f"{cue.speaker}{'：' if HAS_CJK.search(cue.speaker + cue.text) else ': '}{text}"


def _row(cue: Cue, before: Iterable[Cue], names: frozenset[str], file: str, options: RowOptions) -> Row:
    def text_of(earlier: Cue) -> str:
        return earlier.acted or earlier.text if options.keep_actions else earlier.text

    def prompt_of(earlier: Cue) -> str:
        return with_name(earlier, text_of(earlier)) if options.context and earlier.speakers else text_of(earlier)

    *context, prompt = before
    messages: list[Row] = []
    for earlier in context:
        if names & set(earlier.speakers):
            messages.append({"role": "assistant", "content": text_of(earlier), "weight": 0})
        else:
            messages.append({"role": "user", "content": prompt_of(earlier)})
    messages.append({"role": "user", "content": prompt_of(prompt)})
    messages.append({"role": "assistant", "content": text_of(cue)})
    return {
        "messages": _merged(messages),
        "source": {"file": file, "line": cue.line, "scene": cue.scene},
        "confidence": round(cue.confidence, 2),
    }


def _merged(messages: list[Row]) -> list[Row]:
    """Consecutive turns of one side as one message, so that the sides alternate; the user begins."""
    merged: list[Row] = []
    for message in messages:
        if not merged and message["role"] == "assistant":
            continue
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1]["content"] += "\n" + message["content"]
        else:
            merged.append(dict(message))
    return merged
