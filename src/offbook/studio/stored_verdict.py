"""The verdict of a run in the reader's language, whichever it was written in: it follows from the figures beside it."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from offbook.core.errors import OffbookError, UsageError
from offbook.core.i18n import base_language, language
from offbook.core.metrics_log import read
from offbook.core.rundir import RunDir
from offbook.evaluation.learning_curve import LearningCurve
from offbook.evaluation.scorecard import Scorecard
from offbook.evaluation.verdict import judge
from offbook.studio.json_files import objects, read_object

HEAD = 500
LANGUAGE = re.compile(r'<html[^>]*\blang="([^"]+)"')
"""The language that a report is written in, among its first `HEAD` letters."""


def stored_verdict(run: RunDir) -> dict[str, Any]:
    """The keys `headline` and `verdict` of a run's eval.json; empty where there is none."""
    try:
        status = run.eval.stat()
    except OSError:
        return {}
    return _worded(run.path, f"{status.st_mtime_ns}-{status.st_size}", language())


def stored_report(run: RunDir) -> str | None:
    """A run's report.html in the reader's language; None where it is in that already, or cannot be told anew."""
    with suppress(OSError), run.report.open(encoding="utf-8", errors="replace") as file:
        written = LANGUAGE.search(file.read(HEAD))
        if written is None or base_language(written[1]) == language():
            return None
        status = run.eval.stat()
        return _reported(run.path, f"{status.st_mtime_ns}-{status.st_size}", language())
    return None


@lru_cache(4)
def _reported(folder: Path, _version: str, lang: str) -> str | None:
    from offbook.pipeline.evaluating import Evaluation, render_report

    run = RunDir(folder)
    stored = read_object(run.eval)
    try:
        card = Scorecard.from_json(stored)
        verdict = judge(card, read(run.metrics), lang, LearningCurve.load(run.learning_curve))
        is_same = _rules(verdict.to_json()) == _rules(stored)
        return render_report(run, Evaluation(card, verdict), lang) if is_same else None
    except (OffbookError, OSError, ArithmeticError, ValueError, LookupError, TypeError, AttributeError):
        return None  # of another version of offbook, or damaged


@lru_cache(256)
def _worded(folder: Path, _version: str, lang: str) -> dict[str, Any]:
    run = RunDir(folder)
    stored = read_object(run.eval)
    verdict: dict[str, Any] = {key: stored[key] for key in ("headline", "verdict") if key in stored}
    try:
        card = Scorecard.from_json(stored)
        anew = judge(card, read(run.metrics), lang, LearningCurve.load(run.learning_curve)).to_json()
    except (UsageError, ArithmeticError, ValueError):
        return verdict
    # Another version of offbook may have judged by other rules: what it said stays.
    is_same = _rules(anew) == _rules(verdict)
    return anew if is_same else verdict


def _rules(verdict: dict[str, Any]) -> list[Any]:
    return [each.get("rule") for each in objects(verdict.get("verdict"))]
