"""Base and tuned model on the same text: losses and divergence, against their definitions."""

from __future__ import annotations

import pytest
import torch

from offbook.core.types import NO_LABEL, Example, Origin
from offbook.generation import scoring
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
