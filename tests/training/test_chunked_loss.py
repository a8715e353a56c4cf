from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from offbook.core.types import NO_LABEL
from offbook.training import chunked_loss


def parts(labels: Any = 23, size: Any = 16, vocabulary: Any = 97, dtype: Any = torch.float32) -> Any:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(labels, size, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(vocabulary, size, generator=generator).to(dtype)
    bias = torch.randn(vocabulary, generator=generator).to(dtype)
    return hidden, weight, bias, torch.randint(vocabulary, (labels,), generator=generator)


def full_loss(hidden: Any, weight: Any, bias: Any, targets: Any, cap: Any) -> Any:
    logits = (hidden.double() @ weight.double().t()) + (0 if bias is None else bias.double())
    logits = logits if cap is None else cap * torch.tanh(logits / cap)
    return cross_entropy(logits, targets, reduction="none")


@pytest.mark.parametrize("cap", [None, 3.0])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("rows_at_once", [1, 5, 1000])
def test_loss_and_gradient_are_those_of_the_whole_logits(
    monkeypatch: pytest.MonkeyPatch, cap: Any, with_bias: Any, rows_at_once: Any
) -> None:
    monkeypatch.setattr(chunked_loss, "CHUNK_BYTES", rows_at_once * 4 * 97)
    hidden, weight, bias, targets = parts()
    bias = bias if with_bias else None
    expected = full_loss(hidden, weight, bias, targets, cap)
    (reference,) = torch.autograd.grad(expected.sum() / 7, hidden)
    total = chunked_loss.loss_sum(hidden, weight, bias, targets, cap)
    (result,) = torch.autograd.grad(total / 7, hidden)
    assert total.item() == pytest.approx(expected.sum().item(), rel=1e-6)
    assert (result - reference).norm() / reference.norm() < 1e-6
    each = chunked_loss.token_losses(hidden, weight, bias, targets, cap)
    assert torch.allclose(each.double(), expected, atol=1e-5)


def test_a_position_without_a_target_has_no_loss_and_no_gradient() -> None:
    hidden, weight, bias, targets = parts()
    some = targets.clone()
    some[[0, 7, -1]] = NO_LABEL
    total = chunked_loss.loss_sum(hidden, weight, bias, some)
    each = chunked_loss.token_losses(hidden, weight, bias, targets)
    each[some == NO_LABEL] = 0
    assert total.item() == pytest.approx(each.sum().item(), rel=1e-6)
    assert torch.equal(chunked_loss.token_losses(hidden, weight, bias, some), each)
    (gradient,) = torch.autograd.grad(total, hidden)
    (full,) = torch.autograd.grad(chunked_loss.loss_sum(hidden, weight, bias, targets), hidden)
    assert torch.equal(gradient, full * (some != NO_LABEL)[:, None])


def test_huge_logits_do_not_overflow() -> None:
    hidden, weight, _, targets = parts()
    total = chunked_loss.loss_sum(hidden * 1e4, weight, None, targets)
    assert torch.isfinite(total)
    assert total.item() == pytest.approx(full_loss(hidden * 1e4, weight, None, targets, None).sum().item(), rel=1e-5)


def test_a_head_kept_in_bfloat16_is_widened_not_its_logits_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_loss, "UPCAST_ROWS", 10)
    hidden, weight, bias, targets = parts()
    narrow = weight.bfloat16()
    result = chunked_loss.loss_sum(hidden, narrow, bias, targets)
    expected = full_loss(hidden, narrow.float(), bias, targets, None).sum()
    assert result.item() == pytest.approx(expected.item(), rel=1e-6)
    (one,), (other,) = torch.autograd.grad(result, hidden), torch.autograd.grad(expected, hidden)
    assert (one - other).norm() / other.norm() < 1e-6


def test_logits_never_exist_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_loss, "CHUNK_BYTES", 4 * 8 * 97)
    seen: list[torch.Tensor] = []
    original = chunked_loss._logits

    def watched(*args: Any) -> torch.Tensor:
        seen.append(original(*args))
        return seen[-1]

    monkeypatch.setattr(chunked_loss, "_logits", watched)
    hidden, weight, bias, targets = parts()
    chunked_loss.loss_sum(hidden, weight, bias, targets)
    assert max(len(logits) for logits in seen) <= 8
    assert sum(len(logits) for logits in seen) == 24


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 9])
def test_a_few_labels_are_as_exact_as_many(rows: Any) -> None:
    """Some libraries compute the rows beyond a multiple of four by a coarser kernel."""
    torch.manual_seed(0)
    hidden, weight = torch.randn(rows, 256).requires_grad_(), torch.randn(20_000, 256) * 0.1
    targets = torch.arange(rows)
    chunked_loss.loss_sum(hidden, weight, None, targets).backward()
    wide = hidden.detach().double().requires_grad_()
    torch.nn.functional.cross_entropy(wide @ weight.double().t(), targets, reduction="sum").backward()
    assert hidden.grad is not None
    assert wide.grad is not None
    assert (hidden.grad - wide.grad).norm() / wide.grad.norm() < 3e-6
