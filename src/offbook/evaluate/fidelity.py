"""Fidelity: does a reply sound like the character?

A classifier learns to tell the character's lines from three kinds of impostor: what others say, what the base model
replies, and the character's own lines with their words shuffled. How well it does on lines it has not seen (AUC) comes
first; where that is weak, its opinion of a reply is worth nothing and is withheld.
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
from sklearn.metrics import roc_auc_score
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
ENOUGH_LINES = 30
WEAK_AUC = 0.7
"""0.5 is guessing, 1 never wrong; below this the score is withheld."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The classifier's opinion. A score is the probability that the character said it, by a classifier that has seen
    neither the text nor, for a model's reply, the other model's reply to that prompt."""

    auc: float
    against: dict[str, float]
    own: list[float]
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
    judged = _judge(lines, own, cues, replies["base"], replies["tuned"])
    believed = judged if judged and judged.auc >= WEAK_AUC else None
    known = {word for line in lines for word in words(line)}
    summary: dict[str, Any] = {"classifier": _classifier(judged, believed, len(lines) + len(own))}
    items: list[dict[str, Any]] = [{} for _ in evidence.exchanges]
    for who, texts in replies.items():
        likeness = [_chrf(text, pair.reference) for text, pair in zip(texts, evidence.exchanges, strict=True)]
        scores = getattr(believed, who) if believed else []
        chrf = interval.entry("value", interval.mean(likeness))
        summary[who] = {**_score(scores), "chrf": chrf, **_style(texts, known)}
        for item, like, score in zip(items, likeness, scores or [None] * len(items), strict=True):
            item[who] = {"chrf": round(like, 6), "fidelity": None if score is None else round(score, 6)}
    summary["own"] = {**_score(believed.own if believed else []), **_style(own, known)}
    if believed:
        summary["difference"] = interval.entry("score", interval.difference(believed.tuned, believed.base))
    return Measured(summary, {"replies": items})


def _judge(
    lines: Sequence[str], own: Sequence[str], cues: Sequence[str], base: Sequence[str], tuned: Sequence[str]
) -> Judged | None:
    """Cross-validated opinion of every text; None where there is too little to learn from."""
    voice = [*own, *lines][:LINES]
    kinds = {
        "voice": voice,
        "others": list(cues)[:LINES],
        "base": list(base),
        "shuffled": [_shuffled(t) for t in voice],
    }
    if len(voice) < ENOUGH_LINES or any(len(texts) < FOLDS for texts in kinds.values()):
        return None
    scores = {kind: np.zeros(len(texts)) for kind, texts in kinds.items()}
    said = np.zeros(len(tuned))
    for fold in range(FOLDS):
        classifier = _fit(
            {kind: [t for i, t in enumerate(texts) if i % FOLDS != fold] for kind, texts in kinds.items()}
        )
        for kind, texts in kinds.items():
            scores[kind][fold::FOLDS] = _likelihood(classifier, texts[fold::FOLDS])
        said[fold::FOLDS] = _likelihood(classifier, tuned[fold::FOLDS])
    against = {kind: _auc(scores["voice"], scores[kind]) for kind in kinds if kind != "voice"}
    own_scores = scores["voice"][: min(len(own), LINES)]
    auc = sum(against.values()) / len(against)
    return Judged(auc, against, own_scores.tolist(), scores["base"].tolist(), said.tolist())


def _fit(kinds: dict[str, list[str]]) -> Pipeline:
    """Logistic regression on character n-grams. The voice weighs as much as all impostors, each kind of these alike."""
    texts = [text[:SHOWN] for kind in kinds.values() for text in kind]
    is_voice = np.array([kind == "voice" for kind, found in kinds.items() for _ in found])
    share = {kind: 0.5 if kind == "voice" else 0.5 / (len(kinds) - 1) for kind in kinds}
    weight = np.array([share[kind] / len(found) for kind, found in kinds.items() for _ in found]) * len(texts)
    grams = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 4), lowercase=False, sublinear_tf=True, min_df=2, max_features=50_000
    )
    classifier = make_pipeline(grams, LogisticRegression(C=10, max_iter=1000))
    return classifier.fit(texts, is_voice, logisticregression__sample_weight=weight)


def _likelihood(classifier: Pipeline, texts: Sequence[str]) -> np.ndarray:
    return classifier.predict_proba([text[:SHOWN] for text in texts])[:, 1] if texts else np.zeros(0)


def _auc(voice: np.ndarray, impostors: np.ndarray) -> float:
    labels = [*[1] * len(voice), *[0] * len(impostors)]
    return float(roc_auc_score(labels, [*voice, *impostors]))


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
