"""The next run that a verdict advises: which value to try for the setting that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from offbook.core.config.schema import BASE, options
from offbook.evaluation.rules import RULES, Change

MORE, LESS = 2.0, 0.5
MOST_HELD_OUT = 0.3


def _times(factor: float) -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        changed = value * factor
        return max(1, round(changed)) if isinstance(value, int) else float(f"{changed:.3g}")

    return change


CHANGES: dict[tuple[Change, str], Callable[[Any], Any]] = {
    (Change.TRAIN_MORE, "train.epochs"): _times(MORE),
    (Change.TRAIN_LESS, "train.epochs"): _times(LESS),
    (Change.TRAIN_LESS, "train.learning_rate"): _times(LESS),
    (Change.TRAIN_LESS, "train.keep"): lambda _: "best",
    (Change.HOLD_OUT_MORE, "data.heldout"): lambda value: min(MOST_HELD_OUT, max(0.1, value * MORE)),
    (Change.MORE_REPLIES, "evaluate.prompts"): _times(MORE),
    (Change.REPLAY, "data.replay"): lambda _: BASE,
    (Change.PENALTY, "generation.repetition_penalty"): lambda value: round(value + 0.1, 2),
    (Change.RAISE_LIMIT, "generation.max_new_tokens"): _times(MORE),
    (Change.LOWER_LIMIT, "generation.max_new_tokens"): _times(LESS),
}
"""(advice, setting) → its next value. What is not here is a person's choice: another base, more lines."""


def suggestion(rule: str, option: str, settings: Mapping[str, Any]) -> Any:
    """The value to try next.

    Args:
        rule: name of the verdict's rule.
        option: dotted name of the setting that it names.
        settings: those of the run, as nested mappings.

    Returns:
        A value other than the run's; None where there is none to advise.
    """
    advice = RULES[rule].change if rule in RULES else None
    change = CHANGES.get((advice, option)) if advice else None
    if change is None:
        return None
    section, _, leaf = option.partition(".")
    part = settings.get(section)
    value = part.get(leaf) if isinstance(part, Mapping) else None
    value = dict(options())[option].default if value is None else value
    try:
        new = change(value)
    except TypeError:
        return None
    return new if new != value else None
