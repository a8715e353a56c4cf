"""What check found, as one self-contained page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from offbook.core.sequences import histogram


def render(known: Mapping[str, Any], title: str) -> str:
    """The page of a check, as HTML; whatever the rows say stands in it as text.

    Args:
        known: the JSON of `offbook check`; without a model it has no `lengths`.
    """
    page = Environment(
        loader=PackageLoader("offbook.data", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("page.html.jinja")
    pictures = {"Letters in a reply": known["reply_lengths"]}
    if "lengths" in known:
        pictures["Tokens in a training sequence"] = [asdict(each) for each in histogram(known["lengths"])]
    return page.render(
        title=title, known=known, pictures={name: _bars(bins) for name, bins in pictures.items() if bins}
    )


def _bars(bins: Sequence[Mapping[str, int]]) -> list[dict[str, Any]]:
    """Bins with the height of their bar, in percent of the highest."""
    highest = max(each["count"] for each in bins)
    return [{**each, "height": round(100 * each["count"] / highest, 1)} for each in bins]
