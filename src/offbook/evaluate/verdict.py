"""The verdict: a few sentences that follow from the scorecard by the rules in docs/evaluation.md, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from offbook.evaluate.curve import best_step, points
from offbook.evaluate.scorecard import value
from offbook.evaluate.wording import wording

FEW_ROWS = 30
"""Held-out rows below which every interval is wide."""
OVERFIT = 0.02
"""Nats by which the last held-out loss may lie above the best one."""
COPIED = 0.1
"""Share of replies that may copy a line beyond what the character's own unseen lines do."""
DRIFTED, KL = 0.2, 0.5
"""Nats per token of drift on everyday requests: from the first on it is mentioned, above the second it is a fault."""
ENDED = 0.9
LOOPING = 0.1
TOO_LONG = 2.5
"""How many times the length of the character's lines a reply may have."""

Numbers = dict[str, float]
Tone = Literal["good", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the verdict."""

    rule: str
    tone: Tone
    text: str
    headline: str
    """Its short form, for the first line of the verdict ("" where it is not said there)."""
    number: float
    option: str | None
    """The setting to change, None where there is nothing to mend."""

    def as_json(self) -> dict[str, Any]:
        """As it stands in eval.json."""
        return {
            "text": self.text,
            "number": self.number,
            "option": self.option,
            "rule": self.rule,
            "tone": self.tone,
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on the scorecard, and what is said where it holds.

    `holds` gives the numbers that the sentences name (the first of them stands behind the finding), or None.
    """

    tone: Tone
    holds: Callable[[Mapping[str, Any]], Numbers | None]
    option: str | None = None


def findings(card: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]] = (), lang: str = "en") -> list[Finding]:
    """What the rules say of a scorecard, in the order of the rules.

    Args:
        metrics: the lines of metrics.jsonl, for what only the curve tells.
        lang: en or zh.
    """
    said = wording(lang)["verdict"]
    seen = {**card, "curve": _curve(metrics, value(card, "about.step"))}
    found = []
    for name, rule in RULES.items():
        numbers = rule.holds(seen)
        if numbers is not None:
            text, short = (said[name][form].format(**numbers) for form in ("text", "headline"))
            found.append(Finding(name, rule.tone, text, short, next(iter(numbers.values())), rule.option))
    return found


def headline(found: Sequence[Finding], lang: str = "en") -> str:
    """The verdict in one line: what it learned, then at what price."""
    said = wording(lang)["headline"]
    good = [finding.headline for finding in found if finding.headline and finding.tone == "good"]
    bad = [finding.headline for finding in found if finding.headline and finding.tone == "bad"]
    parts = [said["comma"].join(part) for part in (good, bad) if part]
    line = said["but"].join(parts)
    return line[:1].upper() + line[1:] + said["stop"]


def _curve(metrics: Sequence[Mapping[str, Any]], step: int | None) -> Numbers | None:
    """How far the held-out loss at `step`, where the adapter was taken (None: at the end), lies above the best one."""
    taken = dict(points(metrics, "heldout_loss"))
    best = best_step(metrics)
    last = step if step in taken else max(taken, default=None)
    if best is None or last is None:
        return None
    return {"rise": taken[last] - taken[best], "best": best, "last": last}


def _learned(card: Mapping[str, Any], sign: int) -> Numbers | None:
    """The loss clearly fell (sign −1), clearly rose (1), or neither (0): one row alone makes nothing clear."""
    change, (low, high) = card["heldout"]["difference"]["loss"], card["heldout"]["difference"]["interval"]
    seen = 0 if card["heldout"]["rows"] < 2 else -1 if high < 0 else 1 if low > 0 else 0
    base, tuned = card["heldout"]["base"]["loss"], card["heldout"]["tuned"]["loss"]
    return {"change": change, "base": base, "tuned": tuned, "low": low, "high": high} if seen == sign else None


def _sounds(card: Mapping[str, Any], sign: int) -> Numbers | None:
    """The fidelity clearly rose (sign 1), or not (0)."""
    change = value(card, "fidelity.difference")
    if change is None:
        return None
    seen = 1 if change["interval"][0] > 0 else 0
    scores = {who: card["fidelity"][who]["score"] for who in ("tuned", "base")}
    return {**scores, "auc": card["fidelity"]["classifier"]["auc"]} if seen == sign else None


def _withheld(card: Mapping[str, Any], reason: str) -> Numbers | None:
    classifier = card["fidelity"]["classifier"]
    if classifier["withheld"] != reason:
        return None
    return {"auc": classifier["auc"]} if reason == "weak" else {"lines": classifier["lines"]}


def _copies(card: Mapping[str, Any]) -> Numbers | None:
    tuned, own = (card["copying"][who]["near_verbatim_share"] for who in ("tuned", "own"))
    return {"tuned": tuned, "own": own} if tuned - own > COPIED else None


def _drifts(card: Mapping[str, Any]) -> Numbers | None:
    found, same = card["forgetting"]["kl"], card["forgetting"]["same_token_share"]
    return {"value": found, "other": 1 - same} if DRIFTED < found <= KL else None


def _above(path: str, bound: float) -> Callable[[Mapping[str, Any]], Numbers | None]:
    """Holds where the value at `path` is above `bound`."""

    def holds(card: Mapping[str, Any]) -> Numbers | None:
        found = value(card, path)
        return {"value": found} if found is not None and found > bound else None

    return holds


def _endless(card: Mapping[str, Any]) -> Numbers | None:
    tuned, base = (card["stops"][who]["share"] for who in ("tuned", "base"))
    return {"tuned": tuned, "base": base} if tuned < ENDED else None


def _long(card: Mapping[str, Any]) -> Numbers | None:
    tuned, own = (card["fidelity"][who]["words"] for who in ("tuned", "own"))
    return {"times": tuned / own, "tuned": tuned, "own": own} if own and tuned > TOO_LONG * own else None


def _overfits(card: Mapping[str, Any]) -> Numbers | None:
    return card["curve"] if card["curve"] and card["curve"]["rise"] > OVERFIT else None


def _few_rows(card: Mapping[str, Any]) -> Numbers | None:
    rows = card["heldout"]["rows"]
    return {"rows": rows} if rows < FEW_ROWS else None


RULES: dict[str, Rule] = {
    "learned": Rule("good", lambda card: _learned(card, -1)),
    "not_learned": Rule("bad", lambda card: _learned(card, 0), "train.epochs"),
    "harmed": Rule("bad", lambda card: _learned(card, 1), "train.learning_rate"),
    "overfits": Rule("bad", _overfits, "train.keep"),
    "sounds_right": Rule("good", lambda card: _sounds(card, 1)),
    "sounds_wrong": Rule("bad", lambda card: _sounds(card, 0), "train.epochs"),
    "fidelity_weak": Rule("note", lambda card: _withheld(card, "weak"), "data.heldout"),
    "fidelity_few": Rule("note", lambda card: _withheld(card, "few lines"), "data.heldout"),
    "copies": Rule("bad", _copies, "train.epochs"),
    "forgets": Rule("bad", _above("forgetting.kl", KL), "data.mix_in"),
    "drifts": Rule("note", _drifts, "data.mix_in"),
    "endless": Rule("bad", _endless, "generation.max_new_tokens"),
    "loops": Rule("bad", _above("stops.tuned.loops", LOOPING), "generation.repetition_penalty"),
    "empty": Rule("bad", _above("stops.tuned.empty", 0), "data.source"),
    "long": Rule("note", _long, "train.epochs"),
    "few_rows": Rule("note", _few_rows, "data.heldout"),
}
"""In the order of their sentences, which stand in wording.*.json under the same names."""
