"""What offbook says of data, in English and Chinese.

The English sentences of the checks stand beside the checks; wording.zh.json has the Chinese ones under the same names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from offbook.core.registry import lookup

LANGUAGES = {"en": "English", "zh": "中文"}


@cache
def wording(lang: str) -> dict[str, Any]:
    """The sentences of a language: `page` (label → text), and where they are not English, `checks` and `verdict`.

    Raises:
        UsageError: there are none in that language.
    """
    lookup(LANGUAGES, lang, "language")
    return dict(json.loads(files("offbook.data").joinpath(f"wording.{lang}.json").read_text(encoding="utf-8")))


def localized(report: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """The data report with its findings, reasons and verdict in a language."""
    sentences = wording(lang)
    if "checks" not in sentences or "findings" not in report:
        return dict(report)
    findings = [{**finding, **sentences["checks"].get(finding["name"], {})} for finding in report["findings"]]
    reasons = [f"{finding['count']} {finding['title']}" for finding in findings if finding["level"] != "good"]
    if len(report["reasons"]) > len(reasons):
        reasons.insert(0, sentences["verdict"]["few_rows"].format(rows=report["distinct_rows"]))
    level = sentences["page"]["levels"][report["level"]]
    verdict = f"{level}{sentences['page']['colon']}{sentences['page']['semicolon'].join(reasons)}" if reasons else level
    return {**report, "findings": findings, "reasons": reasons, "verdict": verdict}
