"""What offbook says of data: the English sentences stand in wording.json and beside the checks.

The catalogues have those of other languages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from offbook.core.i18n import languages, marked, translated, translated_tree
from offbook.core.registry import lookup

FEW_DISTINCT = marked("{rows} different rows are few for a character")


def wording(lang: str) -> dict[str, Any]:
    """The sentences of a language: `page` and `rows_page` (label → text).

    Raises:
        UsageError: there are none in that language.
    """
    lookup(dict.fromkeys(languages()), lang, "language")
    return translated_tree(sentences(), lang)


@cache
def sentences() -> dict[str, Any]:
    """The English sentences."""
    return dict(json.loads(files("offbook.data").joinpath("wording.json").read_text(encoding="utf-8")))


def localized(report: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The data report, which is in English, with its findings, reasons and verdict in a language."""
    if lang == "en" or "findings" not in report:
        return dict(report)
    page = wording(lang)["page"]
    findings = [
        {**finding, **{name: translated(finding[name], lang) for name in ("title", "effect", "fix")}}
        for finding in report["findings"]
    ]
    reasons = [f"{finding['count']} {finding['title']}" for finding in findings if finding["level"] != "good"]
    if len(report["reasons"]) > len(reasons):
        reasons.insert(0, translated(FEW_DISTINCT, lang).format(rows=report["distinct_rows"]))
    level = page["levels"][report["level"]]
    verdict = f"{level}{page['colon']}{page['semicolon'].join(reasons)}" if reasons else level
    return {**report, "findings": findings, "reasons": reasons, "verdict": verdict}
