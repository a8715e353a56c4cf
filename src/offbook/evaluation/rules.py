"""The rules of the verdict: conditions on a scorecard, each with the setting to change where it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from offbook.evaluation import conditions as when
from offbook.evaluation.conditions import DRIFTED, KL
from offbook.evaluation.verdict_inputs import Numbers, VerdictInputs

Tone = Literal["good", "note", "bad"]


class Change(StrEnum):
    """What a piece of advice comes down to. Two that pull in opposite directions never stand side by side."""

    OTHER_BASE = "another base model"
    TRAIN_MORE = "more training"
    TRAIN_LESS = "less training"
    MORE_LINES = "more lines"
    NO_MORE_LINES = "no more lines of this kind"
    HOLD_OUT_MORE = "a larger held-out share"
    OTHER_ROWS = "other held-out rows"
    BETTER_ROWS = "cleaner rows"
    MORE_REPLIES = "more replies"
    REPLAY = "the base model's own answers mixed in"
    PENALTY = "a higher repetition penalty"
    RAISE_LIMIT = "a higher limit on replies"
    LOWER_LIMIT = "a lower limit on replies"


OVERRULES: dict[Change, frozenset[Change]] = {
    Change.OTHER_BASE: frozenset(Change) - {Change.OTHER_BASE},
    Change.NO_MORE_LINES: frozenset({Change.MORE_LINES}),
    Change.MORE_LINES: frozenset({Change.HOLD_OUT_MORE, Change.MORE_REPLIES, Change.TRAIN_MORE}),
    Change.TRAIN_MORE: frozenset({Change.MORE_REPLIES}),
    Change.TRAIN_LESS: frozenset({Change.TRAIN_MORE, Change.MORE_REPLIES}),
    Change.RAISE_LIMIT: frozenset({Change.LOWER_LIMIT}),
}
"""Which advice is left out where the first is given."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, and what to change where it holds; the sentences stand in wording.*.json.

    `holds` gives the numbers that the sentences name (the first of them stands behind the finding), or None.
    """

    tone: Tone
    applies: Callable[[VerdictInputs], Numbers | None]
    option: str | None = None
    change: Change | None = None


RULES: dict[str, Rule] = {
    "gibberish": Rule(
        "bad", lambda seen: when.speaks_gibberish(seen, base_too=True), "model.source", Change.OTHER_BASE
    ),
    "broken": Rule(
        "bad", lambda seen: when.speaks_gibberish(seen, base_too=False), "train.learning_rate", Change.TRAIN_LESS
    ),
    "unchanged": Rule("bad", when.unchanged, "train.learning_rate", Change.TRAIN_MORE),
    "learned": Rule("good", when.learned),
    "barely": Rule("bad", when.barely, "train.epochs", Change.TRAIN_MORE),
    "not_learned": Rule("bad", when.not_learned, "train.epochs", Change.TRAIN_MORE),
    "harmed": Rule("bad", when.harmed, "train.learning_rate", Change.TRAIN_LESS),
    "lines_help": Rule("note", when.lines_help, "data.source", Change.MORE_LINES),
    "lines_suffice": Rule("note", when.lines_suffice, "data.source", Change.NO_MORE_LINES),
    "too_few_lines": Rule(
        "note", lambda seen: when.few(seen, lines_too=True, hardly_any=True), "data.source", Change.MORE_LINES
    ),
    "too_few_rows": Rule(
        "note", lambda seen: when.few(seen, lines_too=False, hardly_any=True), "data.heldout", Change.HOLD_OUT_MORE
    ),
    "few_lines": Rule(
        "note", lambda seen: when.few(seen, lines_too=True, hardly_any=False), "data.source", Change.MORE_LINES
    ),
    "few_rows": Rule(
        "note", lambda seen: when.few(seen, lines_too=False, hardly_any=False), "data.heldout", Change.HOLD_OUT_MORE
    ),
    "overfits": Rule("bad", when.overfits, "train.keep", Change.TRAIN_LESS),
    "other_script": Rule("bad", when.other_script, "model.source", Change.OTHER_BASE),
    "sounds_right": Rule("good", lambda seen: when.sounds(seen, "right")),
    "sounds_closer": Rule("note", lambda seen: when.sounds(seen, "closer"), "train.epochs", Change.TRAIN_MORE),
    "sounds_alike": Rule("note", lambda seen: when.sounds(seen, "alike"), "evaluate.prompts", Change.MORE_REPLIES),
    "sounds_wrong": Rule("bad", lambda seen: when.sounds(seen, "wrong"), "data.source", Change.BETTER_ROWS),
    "fidelity_weak": Rule("note", when.weak_judges, "data.heldout", Change.HOLD_OUT_MORE),
    "fidelity_few": Rule("note", when.few_for_judges, "data.heldout", Change.HOLD_OUT_MORE),
    "copies": Rule("bad", when.copies, "train.epochs", Change.TRAIN_LESS),
    "learned_before": Rule("note", when.learned_before, "data.heldout_source", Change.OTHER_ROWS),
    "forgets": Rule("bad", lambda seen: when.drift(seen, KL), "data.replay", Change.REPLAY),
    "drifts": Rule("note", lambda seen: when.drift(seen, DRIFTED, KL), "data.replay", Change.REPLAY),
    "endless": Rule("bad", when.endless, "train.epochs", Change.TRAIN_MORE),
    "cut_off": Rule("note", when.cut_off, "generation.max_new_tokens", Change.RAISE_LIMIT),
    "loops": Rule("bad", when.loops, "generation.repetition_penalty", Change.PENALTY),
    "empty": Rule("bad", when.empty, "data.source", Change.BETTER_ROWS),
    "long": Rule("note", when.long, "generation.max_new_tokens", Change.LOWER_LIMIT),
}
"""In the order of their sentences, which stand in wording.*.json under the same names."""
