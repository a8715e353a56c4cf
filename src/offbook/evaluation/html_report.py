"""report.html: the whole verdict on one page that needs nothing else, not even a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from offbook.core.metrics_log import best_step, points
from offbook.evaluation import charts
from offbook.evaluation.comparison import NONE, difference
from offbook.evaluation.messages import wording
from offbook.evaluation.metrics import FIGURES, ReportedMetric
from offbook.evaluation.scorecard import value
from offbook.evaluation.verdict import findings, headline
from offbook.evaluation.words import words

SIDES: tuple[Literal["base", "tuned", "own"], ...] = ("base", "tuned", "own")


def render(
    card: Mapping[str, Any],
    *,
    lang: str = "en",
    metrics: Sequence[Mapping[str, Any]] = (),
    lines: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
    config: str = "",
    environment: Mapping[str, Any] | None = None,
    commands: Sequence[str] = (),
) -> str:
    """The page of one evaluation, as HTML. Whatever the data or a model said stands in it as text.

    Args:
        card: what eval.json holds, `about` included.
        lang: en or zh.
        metrics: the lines of metrics.jsonl.
        lines: the character's training lines, for the length histogram.
        data: the data report of the run (`data/report.json`).
        config: the resolved config as YAML.
        environment: what the run ran on (`environment.json`).
        commands: what somebody would type to get the same.

    Raises:
        UsageError: offbook does not speak that language.
    """
    said = wording(lang)
    found = findings(card, metrics, lang)
    page = Environment(
        loader=PackageLoader("offbook.evaluation", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.jinja")
    return page.render(
        lang={"en": "en", "zh": "zh-CN"}[lang],
        t=said["page"],
        about=card["about"],
        headline=headline(found, lang),
        findings=found,
        figures=[_figure(figure, card, said["figures"][figure.path]) for figure in FIGURES],
        card=card,
        curve=_curve(metrics),
        best=best_step(metrics),
        lengths=_lengths(card, lines),
        replies=[_reply(item) for item in card["replies"]],
        data=data,
        config=config,
        environment=json.dumps(environment, ensure_ascii=False, indent=2) if environment else "",
        commands=commands,
    )


def _figure(figure: ReportedMetric, card: Mapping[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    """A row of the scorecard: the value of each side with its interval, where it has them."""
    estimates: dict[str, tuple[float | None, Sequence[float] | None]] = {}
    for side in SIDES:
        path = figure.path.replace("tuned", side)
        known = value(card, path) if side == "tuned" or path != figure.path else None
        estimates[side] = (known, figure.interval(card, side) if known is not None and side != "own" else None)
    change = (
        difference(figure, figure.items(card), figure.items(card, "base")) if estimates["base"][0] is not None else NONE
    )
    improved = (change["difference"] > 0) == (figure.better == "higher") if change["clear"] else None
    return {
        **said,
        "style": figure.style,
        "better": figure.better,
        "estimates": estimates,
        "strip": charts.strip(estimates),
        "improved": improved,
    }


def _curve(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    return charts.line_chart({"loss": points(metrics, "loss"), "heldout_loss": points(metrics, "heldout_loss")})


def _lengths(card: Mapping[str, Any], lines: Sequence[str]) -> dict[str, Any] | None:
    """Words of the character's lines and of both models' replies."""
    said = {side: [item[side]["text"] for item in card["replies"]] for side in ("base", "tuned")}
    return charts.histogram(
        {side: [len(words(text)) for text in texts] for side, texts in {"own": lines, **said}.items()}
    )


def _reply(item: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt with both replies cut into (text, is lifted) pieces, and the numbers that the list is sorted by."""
    tuned = item["tuned"]
    return {
        **item,
        "copied": tuned["lifted"] / tuned["words"] if tuned["words"] else 0.0,
        "pieces": {side: _pieces(item[side]["text"], item[side]["marks"]) for side in ("base", "tuned")},
    }


def _pieces(text: str, marks: Sequence[Sequence[int]]) -> list[tuple[str, bool]]:
    pieces, place = [], 0
    for start, end in marks:
        pieces += [(text[place:start], False), (text[start:end], True)]
        place = end
    return [piece for piece in [*pieces, (text[place:], False)] if piece[0]]
