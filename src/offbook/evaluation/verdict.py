"""The verdict: a few sentences that follow from the scorecard by the rules in docs/evaluation.md, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from offbook.core.metrics_log import best_step, points
from offbook.evaluation import confidence
from offbook.evaluation.messages import wording
from offbook.evaluation.scorecard import value

FEW_ROWS = 30
"""Held-out rows below which every interval is wide."""
OVERFIT = 0.02
"""Nats by which the last held-out loss may lie above the best one."""
COPIED = 0.1
"""Share of replies that may copy a line beyond what the character's own unseen lines do."""
STOCK = 0.2
"""Share of the held-out lines that may be training lines, too: more than that are no stock phrases."""
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
    line = said["but"].join(parts) or said["nothing"]
    return line[:1].upper() + line[1:] + said["stop"]


def _curve(metrics: Sequence[Mapping[str, Any]], step: int | None) -> Numbers | None:
    """How far the held-out loss at `step`, where the adapter was taken (None: at the end), lies above the best one."""
    taken = dict(points(metrics, "heldout_loss"))
    best = best_step(metrics)
    last = step if step in taken else max(taken, default=None)
    if best is None or last is None:
        return None
    return {"rise": taken[last] - taken[best], "best": best, "last": last}


def _sign(interval_of_difference: Sequence[float], items: int) -> int:
    """Whether a difference is clearly above zero (1), clearly below (-1), or neither: few items make nothing clear."""
    low, high = interval_of_difference
    return 0 if items < confidence.ENOUGH else int(low > 0) - int(high < 0)


def _learned(card: Mapping[str, Any], sign: int) -> Numbers | None:
    """The loss clearly fell (sign -1), clearly rose (1), or neither (0)."""
    rows, difference = card["heldout"]["rows"], card["heldout"]["difference"]
    if _sign(difference["interval"], rows) != sign:
        return None
    low, high = difference["interval"]
    losses = {who: card["heldout"][who]["loss"] for who in ("base", "tuned")}
    return {"change": difference["loss"], **losses, "low": low, "high": high, "rows": rows}


def _unclear(card: Mapping[str, Any], few: bool) -> Numbers | None:
    """No difference in the loss can be seen, because the rows are few, or although they are not."""
    numbers = _learned(card, 0)
    return numbers if numbers is not None and (numbers["rows"] < confidence.ENOUGH) == few else None


def _sounds(card: Mapping[str, Any], place: Literal["right", "closer", "alike", "wrong"]) -> Numbers | None:
    """Where the tuned model's fidelity lies between the base's and that of the character's own unseen lines. To one
    that expects those lines less than the base does, no likeness is granted: the judges know spelling, not sense."""
    fidelity, replies = card["fidelity"], len(card["replies"])
    if "difference" not in fidelity:
        return None
    above_base, above_own = (_sign(fidelity[name]["interval"], replies) for name in ("difference", "from_own"))
    found = "wrong" if above_base < 0 else "alike" if not above_base else "closer" if above_own < 0 else "right"
    if found in ("closer", "right") and _learned(card, 1):
        return None
    return (
        {**{who: fidelity[who]["score"] for who in ("tuned", "base", "own")}, "replies": replies}
        if found == place
        else None
    )


def _withheld(card: Mapping[str, Any], reason: str) -> Numbers | None:
    classifier = card["fidelity"]["classifier"]
    if classifier["withheld"] != reason:
        return None
    return {"auc": classifier["auc"]} if reason == "weak" else {"lines": classifier["lines"]}


def _copies(card: Mapping[str, Any]) -> Numbers | None:
    """Clearly more than the character's own unseen lines do, and much more."""
    copying = card["copying"]
    tuned, own = (copying[who]["near_verbatim_share"] for who in ("tuned", "own"))
    return {"tuned": tuned, "own": own} if copying["excess"] > COPIED and copying["excess_interval"][0] > 0 else None


def _learned_before(card: Mapping[str, Any]) -> Numbers | None:
    own = card["copying"]["own"]["verbatim_share"]
    return {"own": own} if own > STOCK else None


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
    """Fewer replies end than the limit has room for among the character's own lines: clearly, not by chance."""
    tuned, base, own = (card["stops"][who]["share"] for who in ("tuned", "base", "own"))
    most = card["stops"]["tuned"]["interval"][1]
    return {"tuned": tuned, "base": base} if most < min(ENDED, own) else None


def _cut_off(card: Mapping[str, Any]) -> Numbers | None:
    own, limit = card["stops"]["own"]["share"], card["stops"]["own"]["limit"]
    return {"own": own, "limit": limit} if own < ENDED else None


def _loops(card: Mapping[str, Any]) -> Numbers | None:
    tuned = card["stops"]["tuned"]
    return {"value": tuned["loops"]} if tuned["loops_interval"][0] > LOOPING else None


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
    "not_learned": Rule("bad", lambda card: _unclear(card, few=False), "train.epochs"),
    "unclear": Rule("note", lambda card: _unclear(card, few=True), "data.heldout"),
    "harmed": Rule("bad", lambda card: _learned(card, 1), "train.learning_rate"),
    "overfits": Rule("bad", _overfits, "train.keep"),
    "sounds_right": Rule("good", lambda card: _sounds(card, "right")),
    "sounds_closer": Rule("note", lambda card: _sounds(card, "closer"), "train.epochs"),
    "sounds_alike": Rule("note", lambda card: _sounds(card, "alike"), "evaluate.prompts"),
    "sounds_wrong": Rule("bad", lambda card: _sounds(card, "wrong"), "data.source"),
    "fidelity_weak": Rule("note", lambda card: _withheld(card, "weak"), "data.heldout"),
    "fidelity_few": Rule("note", lambda card: _withheld(card, "few lines"), "data.heldout"),
    "copies": Rule("bad", _copies, "train.epochs"),
    "learned_before": Rule("note", _learned_before, "data.heldout"),
    "forgets": Rule("bad", _above("forgetting.kl", KL), "data.replay"),
    "drifts": Rule("note", _drifts, "data.replay"),
    "endless": Rule("bad", _endless, "train.epochs"),
    "cut_off": Rule("note", _cut_off, "generation.max_new_tokens"),
    "loops": Rule("bad", _loops, "generation.repetition_penalty"),
    "empty": Rule("bad", _above("stops.tuned.empty", 0), "data.source"),
    "long": Rule("note", _long, "generation.max_new_tokens"),
    "few_rows": Rule("note", _few_rows, "data.heldout"),
}
"""In the order of their sentences, which stand in wording.*.json under the same names."""
