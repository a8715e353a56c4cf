"""In which number format this machine multiplies fastest, measured on products as a training step has them."""

from __future__ import annotations

import time
from functools import cache
from typing import Literal, TypeAlias

import torch

from offbook.core import bfloat16, bfloat16x3
from offbook.training.matmul import frozen_product, frozen_product_gradient

Format: TypeAlias = Literal["float32", "bfloat16"]

MIN_SPEEDUP = 1.3
"""bfloat16 is taken where its products are at least so many times as fast as float32's."""

MIN_HIDDEN_SIZE = 256
"""The hidden size of a model below which the conversions cost what the faster products save."""

ROWS, INNER, COLUMNS = 512, 1024, 3072
"""A micro-batch of a model of half a billion parameters: tokens, hidden size, inner size of the MLP."""

REPEATS = 4

CLEAR = 2
"""A format that is so many times as slow at first is not tried again: without kernels of its own it is a hundred."""


def choose_compute(hidden_size: int, device: torch.device) -> Format:
    """The format for the products of frozen weights with float32 activations.

    Args:
        hidden_size: of the model.
        device: where it is.

    Returns:
        bfloat16 where a GPU multiplies in it, or where the processor has instructions for it and they are measured to
        pay; else float32.
    """
    if hidden_size < MIN_HIDDEN_SIZE:
        return "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type != "cpu" or not bfloat16.has_instructions(device):
        return "float32"
    rates = product_rates()
    return "bfloat16" if rates["bfloat16"] >= MIN_SPEEDUP * rates["float32"] else "float32"


def splits_float32(hidden_size: int, device: torch.device) -> bool:
    """Whether products in float32 are faster, and no less exact, with weights that are stored in bfloat16."""
    return hidden_size >= MIN_HIDDEN_SIZE and bfloat16x3.computes(device)


@cache
def product_rates() -> dict[Format, float]:
    """GFLOP/s of a forward and a backward product, conversions included, by format; measured once in a process."""
    x, weight, dy = torch.randn(ROWS, INNER), torch.randn(COLUMNS, INNER), torch.randn(ROWS, COLUMNS)
    seconds: dict[Format, list[float]] = {"float32": [], "bfloat16": []}
    for _ in range(REPEATS):  # in turn, so that a machine that is slow for a while is slow for both
        for name, times in seconds.items():
            times.append(_seconds(x, weight, dy, getattr(torch, name)))
        if seconds["bfloat16"][-1] > CLEAR * seconds["float32"][-1]:
            break
    work = 2 * 2 * ROWS * INNER * COLUMNS / 1e9
    return {name: round(work / min(times), 1) for name, times in seconds.items()}


@torch.no_grad()
def _seconds(x: torch.Tensor, weight: torch.Tensor, dy: torch.Tensor, compute: torch.dtype) -> float:
    """Seconds of a product and its gradient with a weight that is stored in `compute`."""
    stored = weight.to(compute)
    start = time.perf_counter()
    frozen_product(x.to(compute), stored, None, x.dtype)
    frozen_product_gradient(None, dy, stored, compute)
    return time.perf_counter() - start
