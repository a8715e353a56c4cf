"""Base and tuned model on the same text: losses and divergence, against their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from offbook.core.types import NO_LABEL, Example, Origin, Score
from offbook.generation import scoring
from offbook.generation.cache import logits_at
from tests.generation.conftest import peft_model


def test_score_is_the_loss_over_label_tokens_and_the_divergence_there() -> None:
    model = peft_model(trained=True)
    ids = [1, 60, 61, 62, 70, 71, 72, 2]
    labels = [*[NO_LABEL] * 3, 62, NO_LABEL, 71, 72, 2]
    result = scoring.score(model, [[Example(ids, labels, Origin("x", 1))]])[0]
    at = torch.tensor([2, 4, 5, 6])
    with torch.no_grad():
        with model.disable_adapter():
            p = model(input_ids=torch.tensor([ids])).logits[0, at].double().log_softmax(-1)
        q = model(input_ids=torch.tensor([ids])).logits[0, at].double().log_softmax(-1)
    targets = torch.tensor([62, 71, 72, 2])
    assert result.tokens == 4
    assert result.base == pytest.approx(-p[range(4), targets].sum().item(), rel=1e-5)
    assert result.tuned == pytest.approx(-q[range(4), targets].sum().item(), rel=1e-5)
    assert result.kl == pytest.approx((p.exp() * (p - q)).sum().item(), rel=1e-4)
    assert result.agreed == int((p.argmax(-1) == q.argmax(-1)).sum())


def test_score_sums_the_examples_of_a_conversation_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    model = peft_model(trained=True)
    ids = [1, *range(60, 90)]
    example = Example(ids, [*[NO_LABEL] * 5, *ids[5:]], Origin("x", 1))
    (one,) = scoring.score(model, [[example]])
    (two,) = scoring.score(model, [[example, example]])
    monkeypatch.setattr(scoring, "CHUNK", 4)
    (limited,) = scoring.score(model, [[example]])
    assert (two.tokens, two.agreed) == (2 * one.tokens, 2 * one.agreed)
    for name in ("base", "tuned", "kl"):
        assert getattr(two, name) == pytest.approx(2 * getattr(one, name))
        assert getattr(limited, name) == pytest.approx(getattr(one, name), rel=1e-4)


def test_an_adapter_that_does_nothing_diverges_by_nothing() -> None:
    ids = [1, 60, 61, 62]
    (result,) = scoring.score(peft_model(trained=False), [[Example(ids, [NO_LABEL, NO_LABEL, 61, 62], Origin("x", 1))]])
    assert (result.kl, result.agreed, result.tokens) == (0.0, 2, 2)
    assert result.base == result.tuned


def examples_of_many_lengths() -> list[Example]:
    """Some that begin alike, some that do not, one alone; labels at the end, in the middle, and right at the start."""
    beginning = [1, *range(40, 52)]
    bodies = [[70, 71], [72, 73, 74, 75, 76, 77], [78], [79, 80, 81], [60] * 9]
    rows = [[*beginning, *body, 2] for body in bodies]
    rows += [[1, 90, 91, 92], [1, *range(60, 80), 2], [1, 90, 93, 94, 95]]
    labels = [[NO_LABEL] * (len(ids) // 2) + ids[len(ids) // 2 :] for ids in rows]
    labels[2][-2] = NO_LABEL
    labels[4][3] = rows[4][3]  # learned within what all begin with
    return [Example(ids, row, Origin("x", number)) for number, (ids, row) in enumerate(zip(rows, labels, strict=True))]


@pytest.mark.parametrize("chunk", [scoring.CHUNK, 40])
def test_side_by_side_every_conversation_gets_the_score_that_it_gets_alone(
    monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    model, examples = peft_model(trained=True), examples_of_many_lengths()
    alone = [scoring.score(model, [[example]])[0] for example in examples]
    sizes = []
    score = scoring._score

    def counted(model: Any, batch: Sequence[Example]) -> list[Score]:
        sizes.append(len(batch))
        return score(model, batch)

    monkeypatch.setattr(scoring, "CHUNK", chunk)
    monkeypatch.setattr(scoring, "_score", counted)
    together = scoring.score(model, [[example] for example in examples])
    assert max(sizes) > 1
    assert sum(sizes) == len(examples)
    for one, many in zip(alone, together, strict=True):
        assert (one.tokens, one.agreed) == (many.tokens, many.agreed)
        assert many.base == pytest.approx(one.base, rel=1e-5)
        assert many.tuned == pytest.approx(one.tuned, rel=1e-5)
        assert many.kl == pytest.approx(one.kl, rel=1e-3, abs=1e-6)


def test_what_all_begin_with_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, beginning, read = peft_model(trained=True), [1, *range(40, 52)], []
    rows = [[*beginning, *range(60, 60 + count), 2] for count in (2, 4, 5, 3)]
    examples = [Example(ids, [*[NO_LABEL] * 13, *ids[13:]], Origin("x", 1)) for ids in rows]

    def counted(model: Any, positions: torch.Tensor | int, **inputs: Any) -> torch.Tensor:
        read.append(inputs["input_ids"].numel())
        return logits_at(model, positions, **inputs)

    alone = [scoring.score(model, [[example]])[0] for example in examples]
    monkeypatch.setattr(scoring, "logits_at", counted)
    together = scoring.score(model, [[example] for example in examples])
    for one, many in zip(alone, together, strict=True):
        assert (many.base, many.tuned) != (0.0, 0.0)
        assert many.base == pytest.approx(one.base, rel=1e-5)
        assert many.tuned == pytest.approx(one.tuned, rel=1e-5)
    # All but the last token of the beginning, whose prediction is scored; then the rest up to the last but one.
    assert read == [12, 4 * (18 - 12)] * 2
