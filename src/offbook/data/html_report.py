"""What check found, as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from offbook.core.html import charts, page
from offbook.core.i18n import languages
from offbook.core.outputs import is_branded
from offbook.core.sequences import histogram
from offbook.core.text import format_bytes
from offbook.data.messages import localized, wording


def render(report: Mapping[str, Any], title: str, lang: str = "en") -> str:
    """The page of a check, as HTML; whatever the rows say stands in it as text.

    Args:
        report: the JSON of `offbook check`; without a model it has neither `lengths` nor `first_row`.
        title: what stands at its head.
        lang: its language.
    """
    drawings = {"reply_lengths": charts.bar_chart(report["reply_lengths"], "reference")}
    if "lengths" in report:
        drawings["lengths"] = charts.bar_chart([asdict(each) for each in histogram(report["lengths"])], "tuned")
    return page.render(
        "offbook.data",
        "check.html.jinja",
        lang=lang,
        t=wording(lang)["page"],
        title=title,
        report=localized(report, lang),
        figures=_figures(report),
        row=report.get("first_row"),
        charts={name: chart for name, chart in drawings.items() if chart},
    )


def is_page(path: Path) -> bool:
    """Whether a file is such a page."""
    return is_branded(path, [f"offbook · {wording(lang)['page']['brand']}" for lang in languages()])


def _figures(report: Mapping[str, Any]) -> dict[str, str]:
    """The numbers at the head of the page, as people read them; only some are known without a model."""
    counts = (
        "rows",
        "heldout_rows",
        "dropped",
        "tokens",
        "label_tokens",
        "parameters",
        "trainable_parameters",
        "steps",
    )
    figures = {name: f"{report[name]:,}" for name in counts if name in report}
    if "stop" in report:
        figures["stop"] = f"{report['stop']['token']} {'✓' if report['stop']['proved'] else '✕'}"
    if "estimate" in report:
        figures["memory"] = format_bytes(report["estimate"]["peak_bytes"])
    if "disk_bytes" in report:
        figures["disk"] = format_bytes(report["disk_bytes"])
    return figures
