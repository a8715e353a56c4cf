"""The verdict: a few sentences that follow from the scorecard by the rules in docs/evaluation.md, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from offbook.core.metrics_log import best_step, points
from offbook.evaluation.learning_curve import LearningCurve
from offbook.evaluation.messages import wording
from offbook.evaluation.rules import OVERRULES, RULES, Change, Tone
from offbook.evaluation.scorecard import Scorecard
from offbook.evaluation.verdict_inputs import Curve, VerdictInputs


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding of the verdict."""

    rule: str
    tone: Tone
    text: str
    """What was found, with its number, and what to do about it."""
    number: float
    option: str | None
    """The setting to change; None where there is nothing to change, or another finding says what."""
    headline: str
    """Its short form, for the first line of the verdict ("" where it is not said there)."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in eval.json."""
        return {
            "text": self.text,
            "number": self.number,
            "option": self.option,
            "rule": self.rule,
            "tone": self.tone,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line that says it all, and the findings behind it."""

    headline: str
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The keys that it adds to eval.json."""
        return {"headline": self.headline, "verdict": [finding.to_json() for finding in self.findings]}


def judge(
    card: Scorecard,
    metrics: Sequence[Mapping[str, Any]] = (),
    lang: str = "en",
    fewer_lines: LearningCurve | None = None,
) -> Verdict:
    """What the rules say of a scorecard, in their order.

    Advice is given once, and none that pulls the other way than a graver one does.

    Args:
        card: the scorecard.
        metrics: the lines of metrics.jsonl, for what only the curve tells.
        lang: en or zh.
        fewer_lines: the losses after training on fewer of the lines, where that was tried.
    """
    seen = VerdictInputs(card, _curve(metrics, card.about.step), fewer_lines)
    numbers = {name: figures for name, rule in RULES.items() if (figures := rule.applies(seen)) is not None}
    advised = _advised(list(numbers))
    words = wording(lang)
    findings = []
    for name, figures in numbers.items():
        forms = {form: text.format(**figures) for form, text in words["verdict"][name].items()}
        text = forms["text"]
        if forms["advice"] and name in advised:
            text = words["join"].format(text=text, advice=forms["advice"])
        finding = Finding(
            name, RULES[name].tone, text, next(iter(figures.values())), RULES[name].option, forms["headline"]
        )
        findings.append(finding if name in advised else replace(finding, option=None))
    return Verdict(_headline(findings, lang), tuple(findings))


def _advised(names: Sequence[str]) -> set[str]:
    """The rules whose advice is given: of several that advise the same, the first; none that another overrules."""
    changes = {RULES[name].change for name in names}
    overruled = {weaker for change in changes if change for weaker in OVERRULES.get(change, ())}
    given: dict[Change, str] = {}
    for name in names:
        change = RULES[name].change
        if change is not None and change not in overruled:
            given.setdefault(change, name)
    return set(given.values())


def _headline(findings: Sequence[Finding], lang: str) -> str:
    """What it learned, then at what price; where even the base model speaks gibberish, that alone."""
    sentence = wording(lang)["headline"]
    findings = [finding for finding in findings if finding.rule == "gibberish"] or findings
    good = [finding.headline for finding in findings if finding.headline and finding.tone != "bad"]
    bad = [finding.headline for finding in findings if finding.headline and finding.tone == "bad"]
    parts = [sentence["and"].join(part) for part in (good, bad) if part]
    line = sentence["but"].join(parts) or sentence["nothing"]
    return str(line[:1].upper() + line[1:] + sentence["stop"])


def _curve(metrics: Sequence[Mapping[str, Any]], step: int | None) -> Curve | None:
    """How far the held-out loss at `step`, where the adapter was taken (None: at the end), lies above the best one."""
    losses = dict(points(metrics, "heldout_loss"))
    best = best_step(metrics)
    last = step if step in losses else max(losses, default=None)
    if best is None or last is None:
        return None
    return Curve(losses[last] - losses[best], best, last)
