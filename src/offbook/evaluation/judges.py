"""The judges of fidelity: small classifiers that learn to tell a character from impostors.

Judges learn to tell the character's held-out lines from four kinds of impostor: what others say to it, plain answers
to everyday requests, the base model's replies to the same prompts, and lines with their words shuffled. How often they
rank a line that they have not seen above an impostor that they have not seen (AUC) says how far to trust them. The
lines that a model was trained on teach nobody: whoever recites them must not win by it, and a model that was trained
on somebody else's must not be judged by them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from offbook.core.text import is_chinese
from offbook.evaluation.responses import ModelOutputs
from offbook.evaluation.sides import Side
from offbook.evaluation.words import words

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

FOLDS = 5
LINES = 1000
"""Lines of each kind that a judge sees at most."""
SHOWN = 200
"""Characters of a text that a judge sees: the end of a long reply must not outweigh all else."""
ENOUGH_LINES = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """The judges' opinion of each text, 0 to 1.

    A judge ranks a text by the share of its own kind of impostor that the text lies above; it has seen neither these
    impostors nor the text, nor the base model's reply to the same prompt. An impostor need be found out by one judge
    alone, so a text's score is its lowest rank; one that says nothing scores 0.
    """

    auc: float
    """Mean rank of the character's own lines, over all judges."""
    against: dict[str, float]
    """The same for each judge."""
    base: list[float]
    tuned: list[float]
    reference: list[float]


def shuffled(text: str) -> str:
    """The same words (characters, where words are not spaced) in another order, the same in every run."""
    units, join = (text.split(), " ") if " " in text.strip() else (list(text), "")
    random.Random(text).shuffle(units)
    return join.join(units)


def impostors(outputs: ModelOutputs, lines: Sequence[str], base: Sequence[str]) -> dict[str, Sequence[str]]:
    """Each kind of impostor's lines, of which there are enough to learn from."""
    language = "zh" if sum(map(is_chinese, lines)) > len(lines) / 2 else "en"
    kinds = {
        "others": distinct([turn.text for turn in row.turns if turn.role == "user"] for row in outputs.heldout),
        "plain": distinct([item.answer] for item in outputs.general if item.language == language),
        "base": base,
        "shuffled": [shuffled(text) for text in lines[:LINES]],
    }
    return {kind: texts[:LINES] for kind, texts in kinds.items() if len(texts) >= FOLDS}


def judge(
    lines: Sequence[str], kinds: Mapping[str, Sequence[str]], base: Sequence[str], tuned: Sequence[str]
) -> JudgeScores | None:
    """Cross-validated opinion of every reply; None where there is too little to learn from."""
    if len(lines) < ENOUGH_LINES:
        return None
    texts = {Side.REFERENCE: lines[:LINES], Side.BASE: base, Side.TUNED: tuned}
    ranks = {side: np.zeros((len(judged), len(kinds))) for side, judged in texts.items()}
    for fold in range(FOLDS):
        for column, (kind, unseen) in enumerate(kinds.items()):
            model = _fit(*_training_texts(kind, texts[Side.REFERENCE], kinds, fold))
            beaten = _scores(model, unseen[fold::FOLDS])
            for side, judged in texts.items():
                ranks[side][fold::FOLDS, column] = _ranks(_scores(model, judged[fold::FOLDS]), beaten)
    for side, judged in texts.items():
        ranks[side][[not words(text) for text in judged]] = 0
    true = ranks[Side.REFERENCE]
    return JudgeScores(
        auc=float(true.mean()),
        against=dict(zip(kinds, true.mean(0).tolist(), strict=True)),
        **{side.value: side_ranks.min(1).tolist() for side, side_ranks in ranks.items()},
    )


def _training_texts(
    kind: str, lines: Sequence[str], kinds: Mapping[str, Sequence[str]], fold: int
) -> tuple[list[str], list[str]]:
    """What the judge of a kind learns from: right and wrong, without the fold that it will be asked about."""
    right = _without(lines, fold)
    if kind != "shuffled":
        return right, _without(kinds[kind], fold)
    spoken = [*right, *_without(kinds.get("others", []), fold)]  # the order of words is anybody's
    return spoken, [shuffled(text) for text in spoken]


def _without(texts: Sequence[str], fold: int) -> list[str]:
    return [text for place, text in enumerate(texts) if place % FOLDS != fold]


def _fit(right: Sequence[str], wrong: Sequence[str]) -> Pipeline:
    """Logistic regression on runs of one to four characters; both sides weigh the same, however many they are."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # brings pandas along: not before it is needed
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    grams = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 4), lowercase=False, sublinear_tf=True, min_df=2, max_features=50_000
    )
    model = make_pipeline(grams, LogisticRegression(C=3, class_weight="balanced", max_iter=1000))
    fitted: Pipeline = model.fit([text[:SHOWN] for text in [*right, *wrong]], [*[1] * len(right), *[0] * len(wrong)])
    return fitted


def _scores(model: Pipeline, texts: Sequence[str]) -> Floats:
    return np.asarray(model.decision_function([text[:SHOWN] for text in texts])) if texts else np.zeros(0)


def _ranks(scores: Floats, others: Floats) -> Floats:
    """Share of the others that each score lies above, ties counting half."""
    above, level = scores[:, None] > others, scores[:, None] == others
    return np.asarray(above.mean(1) + level.mean(1) / 2)


def distinct(groups: Iterable[Sequence[str]]) -> list[str]:
    """Texts that differ in more than case and punctuation, in an order that is the same in every run but mixed."""
    first: dict[tuple[str, ...], str] = {}
    for text in (text for group in groups for text in group):
        if spoken := tuple(words(text)):
            first.setdefault(spoken, text)
    return sorted(first.values(), key=lambda text: sha256(text.encode()).digest())
