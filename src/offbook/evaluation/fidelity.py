"""Fidelity: does a reply sound like the character?

Judges learn to tell the character's held-out lines from four kinds of impostor: what others say to it, plain answers
to everyday requests, the base model's replies to the same prompts, and lines with their words shuffled. How often they
rank a line that they have not seen above an impostor that they have not seen (AUC) comes first; where that is weak,
their opinion of a reply is worth nothing and is withheld. The lines that a model was trained on teach nobody: whoever
recites them must not win by it, and a model that was trained on somebody else's must not be judged by them.

To be unlike the base model is not enough: noise is, too. So a reply must get past every judge, and is set beside what
the character's own unseen lines get.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from statistics import median
from typing import Any

import numpy as np
from sacrebleu.metrics import CHRF
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from offbook.evaluation import confidence
from offbook.evaluation.metric_result import MetricResult
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.words import words

FOLDS = 5
LINES = 1000
"""Lines of each kind that a judge sees at most."""
SHOWN = 200
"""Characters of a text that a judge sees: the end of a long reply must not outweigh all else."""
ENOUGH_LINES = 20
WEAK_AUC = 0.7
"""0.5 is guessing, 1 never wrong; below this the score is withheld."""


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """The judges' opinion. A judge ranks a text by the share of its own kind of impostor that the text lies above; it
    has seen neither these impostors nor the text, nor the base model's reply to the same prompt. An impostor need be
    found out by one judge alone, so a text's score is its lowest rank; one that says nothing scores 0."""

    auc: float
    """Mean rank of the character's own lines, over all judges."""
    against: dict[str, float]
    """The same for each judge."""
    own: list[float]
    base: list[float]
    tuned: list[float]


def measure(evidence: ModelOutputs) -> MetricResult:
    """Score, chrF against the true line, length and vocabulary of both models' replies, beside the character's own."""
    own = _distinct(row.replies for row in evidence.heldout)
    replies = {who: [getattr(pair, who).text for pair in evidence.exchanges] for who in ("base", "tuned")}
    judged = _judge(own, _impostors(evidence, own, replies["base"]), **replies)
    trusted = judged if judged and judged.auc >= WEAK_AUC else None
    known = {word for row in evidence.train for line in row.replies for word in words(line)}
    said = {**replies, "own": own}
    room = min(sum(len(words(text)) for text in texts) for texts in said.values())
    summary: dict[str, Any] = {"classifier": _classifier(judged, trusted, len(own))}
    items: list[dict[str, Any]] = [{} for _ in evidence.exchanges]
    for who, texts in replies.items():
        likeness = [_chrf(text, pair.reference) for text, pair in zip(texts, evidence.exchanges, strict=True)]
        scores = getattr(trusted, who) if trusted else []
        chrf = confidence.entry("value", confidence.mean(likeness))
        summary[who] = {**_score(scores), "chrf": chrf, **_style(texts, known, room)}
        for item, like, score in zip(items, likeness, scores or [None] * len(items), strict=True):
            item[who] = {"chrf": round(like, 6), "fidelity": None if score is None else round(score, 6)}
    summary["own"] = {**_score(trusted.own if trusted else []), **_style(own, known, room)}
    if trusted:
        summary["difference"] = confidence.entry("score", confidence.difference(trusted.tuned, trusted.base))
        summary["from_own"] = confidence.entry("score", confidence.gap(trusted.tuned, trusted.own))
    return MetricResult(summary, {"replies": items})


def _impostors(evidence: ModelOutputs, own: Sequence[str], base: Sequence[str]) -> dict[str, Sequence[str]]:
    """Each kind of impostor's lines, of which there are enough to learn from."""
    language = "zh" if sum(map(_is_chinese, own)) > len(own) / 2 else "en"
    kinds = {
        "others": _distinct([turn.text for turn in row.turns if turn.role == "user"] for row in evidence.heldout),
        "plain": _distinct([item.answer] for item in evidence.general if item.language == language),
        "base": base,
        "shuffled": [_shuffled(text) for text in own[:LINES]],
    }
    return {kind: texts[:LINES] for kind, texts in kinds.items() if len(texts) >= FOLDS}


def _judge(
    own: Sequence[str], impostors: Mapping[str, Sequence[str]], base: Sequence[str], tuned: Sequence[str]
) -> JudgeScores | None:
    """Cross-validated opinion of every reply; None where there is too little to learn from."""
    if len(own) < ENOUGH_LINES:
        return None
    judged = {"own": own[:LINES], "base": base, "tuned": tuned}
    ranks = {who: np.zeros((len(texts), len(impostors))) for who, texts in judged.items()}
    for fold in range(FOLDS):
        for column, (kind, unseen) in enumerate(impostors.items()):
            judge = _fit(*_training_texts(kind, judged["own"], impostors, fold))
            beaten = _scores(judge, unseen[fold::FOLDS])
            for who, texts in judged.items():
                ranks[who][fold::FOLDS, column] = _ranks(_scores(judge, texts[fold::FOLDS]), beaten)
    for who, texts in judged.items():
        ranks[who][[not words(text) for text in texts]] = 0
    against = dict(zip(impostors, ranks["own"].mean(0).tolist(), strict=True))
    return JudgeScores(
        float(ranks["own"].mean()), against, **{who: found.min(1).tolist() for who, found in ranks.items()}
    )


def _training_texts(
    kind: str, own: Sequence[str], impostors: Mapping[str, Sequence[str]], fold: int
) -> tuple[list[str], list[str]]:
    """What the judge of a kind learns from: right and wrong, without the fold that it will be asked about."""
    right = _without(own, fold)
    if kind != "shuffled":
        return right, _without(impostors[kind], fold)
    spoken = [*right, *_without(impostors.get("others", []), fold)]  # the order of words is anybody's
    return spoken, [_shuffled(text) for text in spoken]


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


def _is_chinese(text: str) -> bool:
    said = words(text)
    return sum("\u4e00" <= word <= "\u9fff" for word in said) > len(said) / 2


def _distinct(groups: Iterable[Sequence[str]]) -> list[str]:
    """Texts that differ in more than case and punctuation, in an order that is the same in every run but mixed."""
    first: dict[tuple[str, ...], str] = {}
    for text in (text for group in groups for text in group):
        if said := tuple(words(text)):
            first.setdefault(said, text)
    return sorted(first.values(), key=lambda text: sha256(text.encode()).digest())


def _classifier(judged: JudgeScores | None, trusted: JudgeScores | None, lines: int) -> dict[str, Any]:
    """Its own accuracy, and why the score is withheld, if it is: "few lines" or "weak"."""
    if judged is None:
        return {"auc": None, "against": {}, "lines": lines, "withheld": "few lines"}
    against = {kind: round(auc, 6) for kind, auc in judged.against.items()}
    return {"auc": round(judged.auc, 6), "against": against, "lines": lines, "withheld": None if trusted else "weak"}


def _score(scores: Sequence[float]) -> dict[str, Any]:
    return confidence.entry("score", confidence.mean(scores)) if scores else {"score": None, "interval": None}


def _chrf(text: str, reference: str) -> float:
    """chrF2 (Popović 2015): shared character n-grams, 0–100."""
    return CHRF().sentence_score(text, [reference]).score


def _style(texts: Sequence[str], known: set[str], room: int) -> dict[str, Any]:
    """Length in words, how varied the first `room` of them are (the more words, the more stand there twice), and how
    many of them stand in the training lines too."""
    said = [words(text) for text in texts]
    everything = [word for text in said for word in text]
    count = max(len(everything), 1)
    return {
        "words": median(map(len, said)) if said else 0,
        "distinct_share": round(len(set(everything[:room])) / max(room, 1), 6),
        "known_share": round(sum(word in known for word in everything) / count, 6),
    }
