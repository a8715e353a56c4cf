"""The backward pass's product: right at every shape and layout, and never by the slow way."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from offbook.training import matmul

SHAPES = [(1, 1, 1), (3, 256, 8), (7, 8, 300), (8, 5, 64), (65, 130, 33)]


def apart(result: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, start: torch.Tensor | None = None) -> float:
    reference = x.double() @ weight.double().t() + (0 if start is None else start.double())
    return ((result.double() - reference).norm() / reference.norm()).item()


@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("onednn", [False, matmul.ONEDNN])
def test_the_product_and_the_sum(
    monkeypatch: pytest.MonkeyPatch, rows: Any, inner: Any, columns: Any, turned: Any, onednn: Any
) -> None:
    monkeypatch.setattr(matmul, "ONEDNN", onednn)
    monkeypatch.setattr(matmul, "AVX512", True)
    monkeypatch.setattr(matmul, "MATRIX_UNITS", False)
    torch.manual_seed(0)
    x = torch.randn(inner, rows).t() if turned else torch.randn(rows, inner)
    weight = torch.randn(inner, columns).t() if turned else torch.randn(columns, inner)
    start = torch.randn(rows, columns)
    assert apart(matmul.product(x, weight), x, weight) < 2e-6
    assert apart(matmul.add_product(start.clone(), x, weight), x, weight, start) < 2e-6


@pytest.mark.parametrize(("avx512", "columns"), [(True, 8), (True, 300), (False, 8)])
def test_onednn_computes_where_it_is_the_faster_one(monkeypatch: pytest.MonkeyPatch, avx512: Any, columns: Any) -> None:
    monkeypatch.setattr(matmul, "ONEDNN", True)
    monkeypatch.setattr(matmul, "AVX512", avx512)
    monkeypatch.setattr(matmul, "MATRIX_UNITS", False)
    assert matmul._onednn_computes(torch.ones(7, 256), torch.ones(columns, 256))
    monkeypatch.setattr(matmul, "MATRIX_UNITS", True)
    assert not matmul._onednn_computes(torch.ones(7, 256), torch.ones(columns, 256))


def test_without_avx512_a_large_product_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul, "ONEDNN", True)
    monkeypatch.setattr(matmul, "AVX512", False)
    assert not matmul._onednn_computes(torch.ones(7, 256), torch.ones(300, 256))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_formats_are_torch_s_own(dtype: Any) -> None:
    x, weight = torch.randn(5, 6, dtype=dtype), torch.randn(7, 6, dtype=dtype)
    assert torch.equal(matmul.product(x, weight), x @ weight.t())


def test_no_rows_give_no_rows() -> None:
    assert matmul.product(torch.ones(0, 6), torch.ones(7, 6)).shape == (0, 7)


def test_a_part_of_a_matrix_is_not_given_to_onednn() -> None:
    """It would compute it a thousand times slower."""
    x, weight = torch.randn(5, 6), torch.randn(7, 12)[:, :6]
    assert not matmul._onednn_computes(x, weight)
    assert apart(matmul.product(x, weight), x, weight) < 2e-6
