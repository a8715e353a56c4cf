"""Float32 products from bfloat16 weights: a number's pieces are all of it, and the products as exact as float32's."""

import pytest
import torch

from offbook.core import bfloat16x3
from offbook.core.bfloat16x3 import Pieces

SHAPES = [
    *[(1, 1, 1), (3, 256, 8), (7, 8, 300), (8, 5, 64), (65, 130, 33)],
    *[(bfloat16x3.FEW_ROWS, 16, 9), (bfloat16x3.FEW_ROWS + 1, 16, 9), (5, 16, bfloat16x3.COLUMNS_AT_ONCE + 7)],
]
"""Rows, inner size and columns: on both sides of what is computed in one go."""

needs_mkl = pytest.mark.skipif(bfloat16x3._gemm() is None, reason="this machine's torch brings no MKL")


def apart(result: torch.Tensor, exact: torch.Tensor) -> float:
    return ((result.double() - exact).norm() / exact.norm()).item()


@pytest.mark.parametrize("size", [1e-25, 1e-3, 1.0, 1e30])
def test_a_number_is_the_sum_of_its_pieces(size: float) -> None:
    x = torch.randn(bfloat16x3.ROWS_AT_ONCE + 9, 50) * size
    parts = Pieces(x).parts
    assert torch.equal(parts.double().sum(0), x.double())


@needs_mkl
@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("turned", [False, True])
def test_the_product_and_the_sum(rows: int, inner: int, columns: int, turned: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(inner, rows).t() if turned else torch.randn(rows, inner)
    weight = (torch.randn(inner, columns).t() if turned else torch.randn(columns, inner)).bfloat16()
    start = torch.randn(rows, columns)
    exact = x.double() @ weight.double().t()
    assert apart(bfloat16x3.product(Pieces(x), weight), exact) < 1e-6
    result = bfloat16x3.add_product(start.clone(), Pieces(x), weight)
    assert apart(result, exact + start) < 1e-6


@needs_mkl
def test_a_part_of_a_wider_matrix_is_added_to_alone() -> None:
    x, weight, y = torch.randn(9, 64), torch.randn(30, 64).bfloat16(), torch.ones(9, 100)
    bfloat16x3.add_product(y[:, 20:50], Pieces(x), weight)
    assert apart(y[:, 20:50] - 1, x.double() @ weight.double().t()) < 1e-6
    assert (y[:, :20] == 1).all()
    assert (y[:, 50:] == 1).all()


@needs_mkl
def test_what_is_not_kept_may_be_anything() -> None:
    x, weight, y = torch.randn(9, 64), torch.randn(30, 64).bfloat16(), torch.full((9, 30), torch.nan)
    bfloat16x3.add_product(y, Pieces(x), weight, keep=False)
    assert apart(y, x.double() @ weight.double().t()) < 1e-6


@needs_mkl
def test_no_rows_give_no_rows() -> None:
    assert bfloat16x3.product(Pieces(torch.ones(0, 6)), torch.ones(7, 6).bfloat16()).shape == (0, 7)


def test_other_devices_and_processors_without_matrix_units_do_not_compute_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not bfloat16x3.computes(torch.device("meta"))
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert not bfloat16x3.computes(torch.device("cpu"))
