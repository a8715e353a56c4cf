"""Fidelity: does a reply sound like the character?

Three judges learn to tell the character's held-out lines from three kinds of impostor: what others say, the base
model's replies to the same prompts, and lines with their words shuffled. How often they rank a line that they have not
seen above an impostor that they have not seen (AUC) comes first; where that is weak, their opinion of a reply is worth
nothing and is withheld. The lines that the model was trained on are left out: whoever recites them must not win by it,
and a model that was trained on somebody else's must not be judged by those.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import median
from typing import Any

import numpy as np
from sacrebleu.metrics import CHRF
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from offbook.evaluate import interval
from offbook.evaluate.evidence import Evidence
from offbook.evaluate.measured import Measured
from offbook.evaluate.words import words

FOLDS = 5
LINES = 1000
"""Lines of each kind that the classifier sees at most."""
SHOWN = 200
"""Characters of a text that it sees: a long reply must not be known by its length."""
ENOUGH_LINES = 20
WEAK_AUC = 0.7
"""0.5 is guessing, 1 never wrong; below this the score is withheld."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The judges' opinion. A text's score is the share of impostors that it is ranked above, each kind counting alike,
    by judges that have seen neither these impostors nor, for a model's reply, the other model's reply to that prompt.
    The mean score of the character's own lines is therefore the AUC."""

    auc: float
    against: dict[str, float]
    base: list[float]
    tuned: list[float]


def measure(evidence: Evidence) -> Measured:
    """Score, chrF against the true line, length and vocabulary of both models' replies, beside the character's own."""
    lines = _distinct(row.replies for row in evidence.train)
    own = _distinct(row.replies for row in evidence.heldout)
    cues = _distinct(
        [turn.text for turn in row.turns if turn.role == "user"] for row in [*evidence.train, *evidence.heldout]
    )
    replies = {who: [getattr(pair, who).text for pair in evidence.exchanges] for who in ("base", "tuned")}
    judged = _judge(own, cues, replies["base"], replies["tuned"])
    believed = judged if judged and judged.auc >= WEAK_AUC else None
    known = {word for line in lines for word in words(line)}
    summary: dict[str, Any] = {"classifier": _classifier(judged, believed, len(own))}
    items: list[dict[str, Any]] = [{} for _ in evidence.exchanges]
    for who, texts in replies.items():
        likeness = [_chrf(text, pair.reference) for text, pair in zip(texts, evidence.exchanges, strict=True)]
        scores = getattr(believed, who) if believed else []
        chrf = interval.entry("value", interval.mean(likeness))
        summary[who] = {**_score(scores), "chrf": chrf, **_style(texts, known)}
        for item, like, score in zip(items, likeness, scores or [None] * len(items), strict=True):
            item[who] = {"chrf": round(like, 6), "fidelity": None if score is None else round(score, 6)}
    summary["own"] = {"score": round(believed.auc, 6) if believed else None, **_style(own, known)}
    if believed:
        summary["difference"] = interval.entry("score", interval.difference(believed.tuned, believed.base))
    return Measured(summary, {"replies": items})


def _judge(own: Sequence[str], cues: Sequence[str], base: Sequence[str], tuned: Sequence[str]) -> Judged | None:
    """Cross-validated opinion of every reply; None where there is too little to learn from."""
    voice, others = own[:LINES], cues[:LINES]
    impostors = {"others": others, "base": base, "shuffled": [_shuffled(text) for text in voice]}
    if len(voice) < ENOUGH_LINES or any(len(texts) < FOLDS for texts in impostors.values()):
        return None
    judged = {"own": voice, "base": base, "tuned": tuned}
    ranks = {who: np.zeros((len(texts), len(impostors))) for who, texts in judged.items()}
    for fold in range(FOLDS):
        mine, theirs = _without(voice, fold), _without(others, fold)
        spoken = [*mine, *theirs]  # the order of words is anybody's: all lines teach it
        lessons = [(mine, theirs), (mine, _without(base, fold)), (spoken, [_shuffled(text) for text in spoken])]
        for column, ((right, wrong), unseen) in enumerate(zip(lessons, impostors.values(), strict=True)):
            judge = _fit(right, wrong)
            beaten = _scores(judge, unseen[fold::FOLDS])
            for who, texts in judged.items():
                ranks[who][fold::FOLDS, column] = _ranks(_scores(judge, texts[fold::FOLDS]), beaten)
    against = dict(zip(impostors, ranks["own"].mean(0).tolist(), strict=True))
    base_scores, tuned_scores = (ranks[who].mean(1).tolist() for who in ("base", "tuned"))
    return Judged(float(ranks["own"].mean()), against, base_scores, tuned_scores)


def _without(texts: Sequence[str], fold: int) -> list[str]:
    return [text for place, text in enumerate(texts) if place % FOLDS != fold]


def _fit(right: Sequence[str], wrong: Sequence[str]) -> Pipeline:
    """Logistic regression on runs of one to four characters; both sides weigh the same, however many they are."""
    grams = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 4), lowercase=False, sublinear_tf=True, min_df=2, max_features=50_000
    )
    judge = make_pipeline(grams, LogisticRegression(C=3, class_weight="balanced", max_iter=1000))
    return judge.fit([text[:SHOWN] for text in [*right, *wrong]], [*[1] * len(right), *[0] * len(wrong)])


def _scores(judge: Pipeline, texts: Sequence[str]) -> np.ndarray:
    return judge.decision_function([text[:SHOWN] for text in texts]) if texts else np.zeros(0)


def _ranks(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of the others that each score lies above, ties counting half."""
    above, level = scores[:, None] > others, scores[:, None] == others
    return above.mean(1) + level.mean(1) / 2


def _shuffled(text: str) -> str:
    """The same words (characters, where words are not spaced) in another order."""
    units, join = (text.split(), " ") if " " in text.strip() else (list(text), "")
    random.Random(text).shuffle(units)
    return join.join(units)


def _distinct(groups: Iterable[Sequence[str]]) -> list[str]:
    """Texts that differ in more than case and punctuation, in an order that is the same in every run but mixed."""
    first: dict[tuple[str, ...], str] = {}
    for text in (text for group in groups for text in group):
        if said := tuple(words(text)):
            first.setdefault(said, text)
    return sorted(first.values(), key=lambda text: sha256(text.encode()).digest())


def _classifier(judged: Judged | None, believed: Judged | None, lines: int) -> dict[str, Any]:
    """Its own accuracy, and why the score is withheld, if it is: "few lines" or "weak"."""
    if judged is None:
        return {"auc": None, "against": {}, "lines": lines, "withheld": "few lines"}
    against = {kind: round(auc, 6) for kind, auc in judged.against.items()}
    return {"auc": round(judged.auc, 6), "against": against, "lines": lines, "withheld": None if believed else "weak"}


def _score(scores: Sequence[float]) -> dict[str, Any]:
    return interval.entry("score", interval.mean(scores)) if scores else {"score": None, "interval": None}


def _chrf(text: str, reference: str) -> float:
    """chrF2 (Popović 2015): shared character n-grams, 0–100."""
    return CHRF().sentence_score(text, [reference]).score


def _style(texts: Sequence[str], known: set[str]) -> dict[str, Any]:
    """Length in words, how varied they are, and how many of them the character uses too."""
    said = [words(text) for text in texts]
    everything = [word for text in said for word in text]
    count = max(len(everything), 1)
    return {
        "words": median(map(len, said)) if said else 0,
        "distinct_share": round(len(set(everything)) / count, 6),
        "known_share": round(sum(word in known for word in everything) / count, 6),
    }
