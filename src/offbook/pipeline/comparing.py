"""Runs side by side, from what their evaluations have written: no model is loaded."""

from __future__ import annotations

import json
from collections.abc import Sequence

from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir, find_run
from offbook.core.shell import offbook_command
from offbook.evaluation.comparison import Comparison, compare
from offbook.evaluation.scorecard import Scorecard


def compare_runs(names: Sequence[str], lang: str = "en") -> Comparison:
    """Compare evaluated runs, pair by pair; see `offbook.evaluation.comparison`.

    Raises:
        UsageError: fewer than two runs, or one that was not evaluated, or whose verdict is damaged.
    """
    cards = {}
    runs = [find_run(name) for name in names]
    for run in runs:
        if not run.eval.is_file():
            raise UsageError(
                "the run '{name}' is not evaluated yet",
                "Evaluate it: {command}",
                name=run.name,
                command=offbook_command("eval", run.path),
            )
        namesakes = sum(other.name == run.name for other in runs)
        cards[run.name if namesakes == 1 else str(run.path)] = _card(run)
    return compare(cards, lang)


def _card(run: RunDir) -> Scorecard:
    """The scorecard that a run's evaluation has written."""
    try:
        return Scorecard.from_json(json.loads(run.eval.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            "{path} is damaged",
            "Evaluate the run again: {command}",
            path=run.eval,
            command=offbook_command("eval", run.path),
        ) from None
