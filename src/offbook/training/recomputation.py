"""Activations that are computed again in the backward pass in place of being kept for it.

What a decoder layer's matrix products read is cheap to compute from tensors that are kept anyway: a norm from its
input, silu(gate) ∘ up from its factors, attention in the order of the tokens from attention in blocks. It is a third of
all that a pass keeps, and computing it again takes about a hundredth of the pass's time (selective activation
recomputation, Korthikanti et al., 2022, arXiv:2205.05198).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


class Recomputed:
    """The value of a function of tensors, and the way to compute it again.

    Args:
        function: (tensors …) → the value; the same each time, with or without autograd.
        tensors: its arguments.
    """

    def __init__(self, function: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> None:
        self.function = function
        self.tensors = tensors
        self.value = function(*tensors)
        """What the function gives, part of autograd's graph."""

    def save_for_backward(self, ctx: Any, *others: torch.Tensor | None) -> Saved:
        """Save the function's arguments and other tensors in the context of an autograd function.

        Returns:
            What turns the context's `saved_tensors` into the value, computed again, and the other tensors.
        """
        ctx.save_for_backward(*(tensor.detach() for tensor in self.tensors), *others)
        return Saved(self.function, len(self.tensors))


@dataclass(frozen=True, slots=True)
class Saved:
    """How to read what `Recomputed.save_for_backward` has saved."""

    function: Callable[..., torch.Tensor]
    count: int

    def __call__(self, tensors: Sequence[Any]) -> tuple[Any, ...]:
        """The context's `saved_tensors` → the value and the other tensors."""
        return self.function(*tensors[: self.count]), *tensors[self.count :]


def kept(x: torch.Tensor) -> Recomputed:
    """A tensor that is kept as it is."""
    return Recomputed(_itself, x)


def _itself(x: torch.Tensor) -> torch.Tensor:
    return x
