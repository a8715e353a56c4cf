"""The conditions of the verdict's rules.

Each gives the numbers that the rule's sentences name (the first of them stands behind the finding), or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal

from offbook.core.text import script
from offbook.evaluation import confidence
from offbook.evaluation.forgetting import Forgetting
from offbook.evaluation.heldout_loss import HeldoutLoss
from offbook.evaluation.language import Language
from offbook.evaluation.sides import Side
from offbook.evaluation.verdict_inputs import Numbers, VerdictInputs

SMALL_GAIN = 0.02
"""Share of the base's loss: what fell by less is next to nothing, however clear."""
FEW_ROWS = 30
"""Held-out rows below which every interval is wide."""
FEW_LINES = 200
"""Rows in all, below which more of them helps more than another split."""
USUAL_SHARE = 0.15
"""Share of the rows that is held out where they are few."""
OVERFIT = 0.02
"""Nats by which the last held-out loss may lie above the best one."""
COPIED = 0.1
"""Share of replies that may copy a line beyond what the character's own unseen lines do."""
STOCK = 0.2
"""Share of the held-out lines that may be training lines, too: more than that are no stock phrases."""
WORTH = 0.01
"""Share of the base's loss that twice as many lines have to bring to be worth the trouble."""
DRIFTED, KL = 0.2, 0.5
"""Nats per token of drift on everyday requests: from the first on it is mentioned, above the second it is a fault."""
ENDED = 0.9
LOOPING = 0.1
TOO_LONG = 2.5
"""How many times the length of the character's lines a reply may have."""
KNOWN = 0.5
"""Share of the character's own known words below which replies are gibberish."""
SILENT = 0.5
"""Share of empty replies from which on there is nothing to praise."""
SAME_SCRIPT, OTHER_SCRIPT = 0.8, 0.5
"""Share of the character's own lines that are in one script, and of the replies that must be in it, too."""

Place = Literal["right", "closer", "alike", "wrong"]


def _sign(interval_of_difference: Sequence[float], items: int) -> int:
    """Whether a difference is clearly above zero (1), clearly below (-1), or neither: few items make nothing clear."""
    low, high = interval_of_difference
    return 0 if items < confidence.ENOUGH else int(low > 0) - int(high < 0)


def _loss_sign(seen: VerdictInputs) -> int:
    return _sign(seen.heldout.difference.interval, seen.heldout.rows)


def _losses(seen: VerdictInputs) -> Numbers:
    heldout = seen.heldout
    low, high = heldout.gain.interval
    return {
        "gain": heldout.gain.share,
        "low": low,
        "high": high,
        "base": heldout.base.loss,
        "tuned": heldout.tuned.loss,
        "rows": heldout.rows,
    }


def _gibberish(seen: VerdictInputs, side: Side) -> bool:
    """Few of its words are known, or letter statistics expect the character's lines better than the model does."""
    language = seen.card.section(Language)
    known_words, above = language.of(side), language.above_letters.of(side)
    return above.interval[0] > 0 or (
        known_words.words > 0 and known_words.interval[1] < KNOWN * language.reference.share
    )


def speaks_gibberish(seen: VerdictInputs, *, base_too: bool) -> Numbers | None:
    """Condition that the tuned model speaks gibberish, and so does the base, or does not."""
    if not _gibberish(seen, Side.TUNED) or _gibberish(seen, Side.BASE) != base_too:
        return None
    language = seen.card.section(Language)
    shares = {"known": language.tuned.share, "reference": language.reference.share, "letters": language.letter_loss}
    return {**shares, **_losses(seen)}


def unchanged(seen: VerdictInputs) -> Numbers | None:
    """Condition that the tuned model predicts everywhere what the base predicts: its adapter does nothing."""
    forgetting = seen.card.section(Forgetting)
    same = not forgetting.kl and all(item.base == item.tuned for item in seen.heldout.items)
    return _losses(seen) if same else None


def other_script(seen: VerdictInputs) -> Numbers | None:
    """Condition that the character's lines are in one script, and clearly less than half of the replies are in it."""
    lines = [script(pair.reference, letters=1) for pair in seen.card.replies]
    usual = max(set(lines) - {None}, key=lines.count, default=None)
    spoken = [name == usual for pair in seen.card.replies if (name := script(pair.tuned.text, letters=1))]
    if usual is None or lines.count(usual) < SAME_SCRIPT * len(lines) or len(spoken) < confidence.ENOUGH:
        return None
    share = confidence.share(spoken)
    return {"other": 1 - share.value} if share.interval[1] < OTHER_SCRIPT else None


def learned(seen: VerdictInputs) -> Numbers | None:
    """Condition that the loss fell clearly, and not by next to nothing, and that there are replies."""
    if _loss_sign(seen) >= 0 or seen.heldout.gain.share < SMALL_GAIN or _gibberish(seen, Side.TUNED):
        return None
    if seen.stops.tuned.empty > SILENT:
        return None
    return _losses(seen)


def barely(seen: VerdictInputs) -> Numbers | None:
    """Condition that the loss fell clearly, but by next to nothing."""
    if _loss_sign(seen) >= 0 or seen.heldout.gain.share >= SMALL_GAIN or _gibberish(seen, Side.TUNED):
        return None
    return _losses(seen)


def not_learned(seen: VerdictInputs) -> Numbers | None:
    """Condition that the loss neither fell nor rose clearly, though the model is not the base."""
    if unchanged(seen) or _loss_sign(seen) or seen.heldout.rows < confidence.ENOUGH or _gibberish(seen, Side.TUNED):
        return None
    return _losses(seen)


def harmed(seen: VerdictInputs) -> Numbers | None:
    """Condition that the loss rose clearly."""
    return _losses(seen) if _loss_sign(seen) > 0 else None


def few(seen: VerdictInputs, *, lines_too: bool, hardly_any: bool) -> Numbers | None:
    """Few rows are held out: because there are few lines, or although there are many."""
    rows, lines = seen.heldout.rows, seen.lines
    if rows >= FEW_ROWS or (lines < FEW_LINES) != lines_too or (rows < confidence.ENOUGH) != hardly_any:
        return None
    needed = rows_needed(seen.heldout)
    share = max(rows / lines, USUAL_SHARE)
    return {
        "lines": lines,
        "needed": 50 * ceil(needed / share / 50),
        "share": ceil(100 * needed / lines) / 100,
        **_losses(seen),
    }


def rows_needed(heldout: HeldoutLoss) -> int:
    """Held-out rows from which the verdict can be told.

    FEW_ROWS, or as many as narrow an interval that holds zero until it no longer does (it narrows with the root of
    their number), up to 100.
    """
    low, high = heldout.difference.interval
    if low > 0 or high < 0 or not heldout.difference.loss:
        return FEW_ROWS
    wanted = heldout.rows * ((high - low) / 2 / abs(heldout.difference.loss)) ** 2
    return ceil(min(max(wanted, FEW_ROWS), 100))


def lines_help(seen: VerdictInputs) -> Numbers | None:
    """Condition that, by the curve over fewer lines, twice as many would lower the loss by what is worth it."""
    numbers = _doublings(seen)
    return numbers if numbers and numbers["gain"] >= WORTH * seen.heldout.base.loss else None


def lines_suffice(seen: VerdictInputs) -> Numbers | None:
    """Condition that, by the curve over fewer lines, twice as many would clearly lower it by less."""
    numbers = _doublings(seen)
    curve = seen.fewer_lines
    if numbers is None or curve is None or len(curve.tokens) < confidence.ENOUGH:
        return None
    return numbers if numbers["high"] < WORTH * seen.heldout.base.loss else None


def _doublings(seen: VerdictInputs) -> Numbers | None:
    """The curve over fewer lines, and what two doublings would bring; None without one, or of a model that babbles."""
    curve = seen.fewer_lines
    if curve is None or _gibberish(seen, Side.TUNED):
        return None
    once, twice = curve.gain(1), curve.gain(2)
    (first, second, third), (few, more, lines) = curve.means, curve.rows
    return {
        "gain": once.value,
        "low": once.interval[0],
        "high": once.interval[1],
        "gain_of_four": twice.value,
        "low_of_four": twice.interval[0],
        "high_of_four": twice.interval[1],
        "few": few,
        "more": more,
        "lines": lines,
        "double": 2 * lines,
        "four": 4 * lines,
        "first": first,
        "second": second,
        "third": third,
        "rows": len(curve.tokens),
    }


def overfits(seen: VerdictInputs) -> Numbers | None:
    """Condition that the adapter was taken after the held-out loss had risen again."""
    curve = seen.curve
    return {"rise": curve.rise, "best": curve.best, "last": curve.last} if curve and curve.rise > OVERFIT else None


def sounds(seen: VerdictInputs, place: Place) -> Numbers | None:
    """Where the tuned model's fidelity lies between the base's and that of the character's own unseen lines."""
    fidelity = seen.fidelity
    if fidelity.difference is None or _place(seen) != place:
        return None
    numbers = {
        "tuned": fidelity.tuned.score or 0.0,
        "base": fidelity.base.score or 0.0,
        "reference": fidelity.reference.score or 0.0,
        "replies": len(seen.card.replies),
    }
    if fidelity.reached is not None:
        low, high = fidelity.reached.interval
        names = {"reached": fidelity.reached.share, "reached_low": low, "reached_high": high}
        numbers |= {name: min(max(share, 0.0), 1.0) for name, share in names.items()}
    return numbers


def _place(seen: VerdictInputs) -> Place | None:
    """Which of the `sounds_*` rules holds.

    A model that expects the character's lines less than the base does, or speaks gibberish, is granted no likeness:
    the judges know spelling, not sense.
    """
    fidelity, replies = seen.fidelity, len(seen.card.replies)
    if fidelity.difference is None or fidelity.from_reference is None:
        return None
    above_base = _sign(fidelity.difference.interval, replies)
    if above_base < 0:
        return "wrong"
    if not above_base or fidelity.reached is None:
        return "alike"
    if _loss_sign(seen) > 0 or _gibberish(seen, Side.TUNED):
        return None
    return "closer" if _sign(fidelity.from_reference.interval, replies) < 0 else "right"


def weak_judges(seen: VerdictInputs) -> Numbers | None:
    """Condition that the judges cannot tell the character from impostors."""
    classifier = seen.fidelity.classifier
    return {"auc": classifier.auc or 0.0} if classifier.withheld == "weak" else None


def few_for_judges(seen: VerdictInputs) -> Numbers | None:
    """Condition that there are too few held-out lines to train the judges."""
    classifier = seen.fidelity.classifier
    return {"lines": classifier.lines} if classifier.withheld == "few lines" else None


def copies(seen: VerdictInputs) -> Numbers | None:
    """Clearly more than the character's own unseen lines do, and much more."""
    copying = seen.copying
    if copying.excess <= COPIED or copying.excess_interval[0] <= 0:
        return None
    return {"tuned": copying.tuned.near_verbatim_share, "reference": copying.reference.near_verbatim_share}


def learned_before(seen: VerdictInputs) -> Numbers | None:
    """Condition that many of the held-out lines are training lines, too."""
    share = seen.copying.reference.verbatim_share
    return {"reference": share} if share > STOCK else None


def drift(seen: VerdictInputs, above: float, up_to: float = float("inf")) -> Numbers | None:
    """Condition that the drift on everyday requests lies between two bounds."""
    forgetting = seen.card.section(Forgetting)
    if not above < forgetting.kl <= up_to:
        return None
    return {"kl": forgetting.kl, "other": 1 - forgetting.same_token_share}


def endless(seen: VerdictInputs) -> Numbers | None:
    """Fewer replies end than the limit has room for among the character's own lines: clearly, not by chance."""
    stops = seen.stops
    if stops.tuned.interval[1] >= min(ENDED, stops.reference.share):
        return None
    return {"tuned": stops.tuned.share, "base": stops.base.share}


def cut_off(seen: VerdictInputs) -> Numbers | None:
    """Condition that the limit on replies cuts the character's own lines."""
    room = seen.stops.reference
    return {"share": room.share, "limit": room.limit or 0} if room.share < ENDED else None


def loops(seen: VerdictInputs) -> Numbers | None:
    """Condition that clearly too many replies repeat themselves."""
    tuned = seen.stops.tuned
    return {"loops": tuned.loops} if tuned.loops_interval[0] > LOOPING else None


def empty(seen: VerdictInputs) -> Numbers | None:
    """Condition that a reply is empty."""
    return {"empty": seen.stops.tuned.empty} if seen.stops.tuned.empty > 0 else None


def long(seen: VerdictInputs) -> Numbers | None:
    """Condition that replies are much longer than the character's lines."""
    tuned, reference = seen.fidelity.tuned.words, seen.fidelity.reference.words
    if not reference or tuned <= TOO_LONG * reference:
        return None
    return {"times": tuned / reference, "tuned": tuned, "reference": reference}
