"""Fidelity: does a reply sound like the character?

The judges of `judges` answer that; how well they judge comes first, and where that is badly, the score is withheld.
To be unlike the base model is not enough: noise is, too. So a reply must get past every judge, and its score is set
beside what the character's own unseen lines get.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from offbook.evaluation import confidence
from offbook.evaluation.confidence import Estimate, Interval
from offbook.evaluation.judges import JudgeScores, distinct, impostors, judge
from offbook.evaluation.metric import Metric, ReportedMetric, Weighted, Words
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import MODELS, Paired, Side
from offbook.evaluation.words import words

WEAK_AUC = 0.7
"""0.5 is guessing, 1 never wrong; below this the score is withheld."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """How far the judges can be trusted."""

    auc: float | None
    """Mean over the judges; None where there are too few lines to train them."""
    against: dict[str, float]
    """Kind of impostor → AUC of its judge."""
    lines: int
    """Different held-out lines of the character's."""
    withheld: Literal["few lines", "weak"] | None
    """Why no score is given, if none is."""


@dataclass(frozen=True, slots=True)
class VoiceOf:
    """What some texts sound like: a model's replies, or the character's own held-out lines."""

    score: float | None
    """Mean fidelity, 0 to 1; None where it is withheld."""
    interval: Interval | None
    chrf: Estimate | None
    """chrF against the true line, 0 to 100; None for the true lines themselves."""
    words: float
    """Median length in words."""
    distinct_share: float
    """How varied the first words are, of as many as every side has."""
    known_share: float
    """How many of the words stand in the training lines, too."""


@dataclass(frozen=True, slots=True)
class ScoreDifference:
    """A difference of two mean scores."""

    score: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class ReachedShare:
    """Share of the way from the base model's score to that of the character's own unseen lines."""

    share: float
    """0: no better than the base model; 1: like the character; it may lie outside."""
    interval: Interval


@dataclass(frozen=True, slots=True)
class ReplyVoice:
    """What one reply sounds like."""

    score: float | None
    chrf: float


@dataclass(frozen=True, slots=True)
class PairedVoice(Paired[ReplyVoice]):
    """What both replies to a prompt sound like."""

    base: ReplyVoice
    tuned: ReplyVoice


@dataclass(frozen=True, slots=True)
class Fidelity(Paired[VoiceOf]):
    """The section `fidelity` of eval.json."""

    base: VoiceOf
    tuned: VoiceOf
    reference: VoiceOf
    classifier: Classifier
    difference: ScoreDifference | None
    """Tuned less base, paired by prompt; None where the score is withheld."""
    from_reference: ScoreDifference | None
    """Tuned less the character's own unseen lines."""
    reached: ReachedShare | None
    """How far the tuned model has come; None where the character's own lines do not clearly score above the base."""
    items: tuple[PairedVoice, ...]
    """One for each of the scorecard's replies."""


def measure(outputs: ModelOutputs) -> Fidelity:
    """Score, chrF against the true line, length and vocabulary of both models' replies, beside the character's own."""
    reference_lines = distinct(row.replies for row in outputs.heldout)
    base, tuned = ([pair.of(side).text for pair in outputs.replies] for side in MODELS)
    judged = judge(reference_lines, impostors(outputs, reference_lines, base), base, tuned)
    trusted = judged if judged and judged.auc >= WEAK_AUC else None
    vocabulary = {word for row in outputs.train for line in row.replies for word in words(line)}
    room = min(sum(len(words(text)) for text in texts) for texts in (base, tuned, reference_lines))
    true = [pair.reference for pair in outputs.replies]
    base_voices = _reply_voices(base, true, trusted.base if trusted else None)
    tuned_voices = _reply_voices(tuned, true, trusted.tuned if trusted else None)
    return Fidelity(
        base=_voice(base, trusted.base if trusted else [], vocabulary, room, base_voices),
        tuned=_voice(tuned, trusted.tuned if trusted else [], vocabulary, room, tuned_voices),
        reference=_voice(reference_lines, trusted.reference if trusted else [], vocabulary, room),
        classifier=_classifier(judged, trusted, len(reference_lines)),
        difference=_difference(confidence.difference(trusted.tuned, trusted.base)) if trusted else None,
        from_reference=_difference(confidence.gap(trusted.tuned, trusted.reference)) if trusted else None,
        reached=_reached(trusted) if trusted else None,
        items=tuple(map(PairedVoice, base_voices, tuned_voices)),
    )


def _classifier(judged: JudgeScores | None, trusted: JudgeScores | None, lines: int) -> Classifier:
    if judged is None:
        return Classifier(None, {}, lines, "few lines")
    against = {kind: round(auc, 6) for kind, auc in judged.against.items()}
    return Classifier(round(judged.auc, 6), against, lines, None if trusted else "weak")


def _reply_voices(texts: Sequence[str], references: Sequence[str], scores: Sequence[float] | None) -> list[ReplyVoice]:
    chrf = [_chrf(text, reference) for text, reference in zip(texts, references, strict=True)]
    if scores is None:
        return [ReplyVoice(None, round(like, 6)) for like in chrf]
    return [ReplyVoice(round(score, 6), round(like, 6)) for score, like in zip(scores, chrf, strict=True)]


def _voice(
    texts: Sequence[str], scores: Sequence[float], vocabulary: set[str], room: int, voices: Sequence[ReplyVoice] = ()
) -> VoiceOf:
    """The voice of some texts.

    Args:
        texts: replies or lines.
        scores: their fidelity; empty where it is withheld.
        vocabulary: the words of the training lines.
        room: words that every side has: of more words, more stand there twice.
        voices: of the replies, for chrF.
    """
    spoken = [words(text) for text in texts]
    everything = [word for text in spoken for word in text]
    score = confidence.mean(scores) if scores else None
    return VoiceOf(
        score=score.value if score else None,
        interval=score.interval if score else None,
        chrf=confidence.mean([voice.chrf for voice in voices]) if voices else None,
        words=median(map(len, spoken)) if spoken else 0,
        distinct_share=round(len(set(everything[:room])) / max(room, 1), 6),
        known_share=round(sum(word in vocabulary for word in everything) / max(len(everything), 1), 6),
    )


def _difference(estimate: Estimate) -> ScoreDifference:
    return ScoreDifference(estimate.value, estimate.interval)


def _reached(scores: JudgeScores) -> ReachedShare | None:
    if confidence.gap(scores.reference, scores.base).interval[0] <= 0:
        return None
    reached = confidence.progress(scores.tuned, scores.base, scores.reference)
    return ReachedShare(reached.value, reached.interval)


def _chrf(text: str, reference: str) -> float:
    """chrF2 (Popović 2015): shared character n-grams, 0–100."""
    from sacrebleu.metrics.chrf import CHRF  # slow to import, and seldom needed

    return float(CHRF().sentence_score(text, [reference]).score)


def _score_of(section: Fidelity, side: Side) -> float | None:
    return (section.of(side) if side in MODELS else section.reference).score


def _chrf_of(section: Fidelity, side: Side) -> float | None:
    estimate = section.of(side).chrf if side in MODELS else None
    return None if estimate is None else estimate.value


def _score_items(section: Fidelity, side: Side) -> Sequence[Weighted | None]:
    scores = [item.of(side).score for item in section.items]
    return [None if score is None else (score, 1.0) for score in scores]


def _chrf_items(section: Fidelity, side: Side) -> Sequence[Weighted | None]:
    return [(item.of(side).chrf, 1.0) for item in section.items]


METRIC = Metric(
    "fidelity",
    Fidelity,
    measure,
    [
        ReportedMetric(
            "fidelity.tuned.score",
            Fidelity,
            _score_of,
            _score_items,
            table="replies",
            better="higher",
            unit="number",
            comparable=lambda first, other: first.classifier.against == other.classifier.against,
            words=Words(
                "Fidelity",
                "How often the judge that trusts a reply least ranks it above an impostor's line, 0 to 1. The "
                "score of the character's own unseen lines is what can be expected.",
            ),
        ),
        ReportedMetric(
            "fidelity.tuned.chrf.value",
            Fidelity,
            _chrf_of,
            _chrf_items,
            table="replies",
            better="higher",
            unit="number",
            words=Words(
                "chrF",
                "Letters in common with what the character really answered there, 0 to 100. Low for all free talk.",
            ),
        ),
    ],
)
