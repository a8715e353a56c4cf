"""report.html: the whole verdict on one page that needs nothing else, not even a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from offbook.core.html import charts, page
from offbook.core.i18n import translated
from offbook.core.metrics_log import best_step, points
from offbook.evaluation.comparison import difference
from offbook.evaluation.confidence import Interval
from offbook.evaluation.copying import Copying
from offbook.evaluation.fidelity import Fidelity
from offbook.evaluation.messages import wording
from offbook.evaluation.metric import ReportedMetric
from offbook.evaluation.metrics import REPORTED
from offbook.evaluation.scorecard import Scorecard
from offbook.evaluation.sides import MODELS, Side
from offbook.evaluation.stopping import Stopping
from offbook.evaluation.verdict import Verdict
from offbook.evaluation.words import words


def render(
    card: Scorecard,
    verdict: Verdict,
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
        card: what was found.
        verdict: what it means, in the same language.
        lang: en or zh.
        metrics: the lines of metrics.jsonl.
        lines: the character's training lines, for the length histogram.
        data: the data report of the run (`data/report.json`).
        config: the resolved config as YAML.
        environment: what the run ran on (`environment.json`).
        commands: what somebody would type to get the same.

    Raises:
        UsageError: there are no sentences in that language.
    """
    return page.render(
        "offbook.evaluation",
        "report.html.jinja",
        lang=lang,
        t=wording(lang)["page"],
        about=card.about,
        verdict=verdict,
        reported=[_reported(metric, card, lang) for metric in REPORTED.values()],
        card=card,
        **card.sections,
        curve=_curve(metrics),
        best=best_step(metrics),
        lengths=_lengths(card, lines),
        replies=_replies(card),
        data=data,
        config=config,
        environment=json.dumps(environment, ensure_ascii=False, indent=2) if environment else "",
        commands=commands,
    )


def _reported(metric: ReportedMetric[Any], card: Scorecard, lang: str) -> dict[str, Any]:
    """A row of the scorecard: the value of each side with its interval, where it has them."""
    estimates: dict[str, tuple[float | None, Interval | None]] = {
        side.value: (value, card.interval(metric, side) if value is not None else None)
        for side in Side
        for value in [card.value(metric, side)]
    }
    change = difference(metric, card.items(metric), card.items(metric, Side.BASE))
    improved = None
    if change.significant and change.difference is not None:
        improved = (change.difference > 0) == (metric.better == "higher")
    return {
        "title": translated(metric.words.title, lang),
        "meaning": translated(metric.words.meaning, lang),
        "unit": metric.unit,
        "better": metric.better,
        "estimates": estimates,
        "strip": charts.strip(estimates),
        "improved": improved,
    }


def _curve(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    return charts.line_chart({"loss": points(metrics, "loss"), "heldout_loss": points(metrics, "heldout_loss")})


def _lengths(card: Scorecard, lines: Sequence[str]) -> dict[str, Any] | None:
    """Words of the character's lines and of both models' replies."""
    texts = {side.value: [reply.of(side).text for reply in card.replies] for side in MODELS}
    return charts.histogram(
        {name: [len(words(text)) for text in group] for name, group in {Side.REFERENCE.value: lines, **texts}.items()}
    )


def _replies(card: Scorecard) -> list[dict[str, Any]]:
    """Each prompt with both replies, cut into (text, is lifted) pieces, and what was measured of them."""
    copying, fidelity = card.section(Copying).items, card.section(Fidelity).items
    stops = card.section(Stopping).items
    return [
        {
            "prompt": reply.prompt,
            "reference": reply.reference,
            **{
                side.value: {
                    "pieces": _pieces(reply.of(side).text, copied.of(side).marks),
                    "tokens": reply.of(side).tokens,
                    "stopped": reply.of(side).stopped,
                    "lifted": copied.of(side).lifted_share,
                    "fidelity": voice.of(side).score,
                    "loop": end.of(side).loop,
                }
                for side in MODELS
            },
        }
        for reply, copied, voice, end in zip(card.replies, copying, fidelity, stops, strict=True)
    ]


def _pieces(text: str, marks: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    pieces, place = [], 0
    for start, end in marks:
        pieces += [(text[place:start], False), (text[start:end], True)]
        place = end
    return [piece for piece in [*pieces, (text[place:], False)] if piece[0]]
