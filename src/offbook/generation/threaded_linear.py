"""A linear layer that computes a few rows, a new token of each reply, at the speed that the processor has.

The library that torch gives a float32 product to (MKL) multiplies a matrix and one vector with a single thread, however
many there are. The same product, written as a batch of as many parts of the matrix as there are threads, is shared
among them. For a few rows it takes up to twice as long as oneDNN, which torch brings as well, under no public name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

MIN_WEIGHTS = 2**18
"""Weights of a layer from which sharing a row's work costs less than it saves (measured with two threads)."""

ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class ThreadedLinear(nn.Linear):
    """A linear layer whose float32 products are faster without gradients; anything else is computed as ever."""

    @classmethod
    def sharing(cls, layer: nn.Linear) -> ThreadedLinear:
        """A layer with the very parameters of `layer`."""
        threaded = cls(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
        threaded.weight, threaded.bias = layer.weight, layer.bias
        return threaded.train(layer.training)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The product with `hidden`, (…, in_features)."""
        if not hidden.numel() or self.weight.dtype != torch.float32 or not _is_inference(hidden):
            return super().forward(hidden)
        if hidden.numel() == self.in_features:
            return self._of_one_row(hidden)
        if ONEDNN and self.weight.is_contiguous():  # any other layout it computes a thousand times slower
            output: torch.Tensor = torch.ops.mkldnn._linear_pointwise(hidden, self.weight, self.bias, "none", [], "")
            return output
        return super().forward(hidden)

    def _of_one_row(self, hidden: torch.Tensor) -> torch.Tensor:
        parts = _parts(self.out_features) if self.weight.numel() >= MIN_WEIGHTS else 1
        if parts == 1:
            return super().forward(hidden)
        row = hidden.reshape(1, 1, -1).expand(parts, 1, -1)
        blocks = self.weight.view(parts, -1, self.in_features)
        output = torch.bmm(row, blocks.transpose(1, 2)).reshape(*hidden.shape[:-1], self.out_features)
        return output if self.bias is None else output + self.bias


def use_threaded_linear(model: Any) -> list[tuple[nn.Module, str, nn.Linear]]:
    """Exchange the linear layers of a model on a CPU; a second call changes nothing more.

    Returns:
        What was exchanged: (parent, name, the layer that stood there).
    """
    exchanged = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if type(layer) is nn.Linear and layer.weight.device.type == "cpu"
    ]
    for parent, name, layer in exchanged:
        setattr(parent, name, ThreadedLinear.sharing(layer))
    return exchanged


@contextmanager
def threaded_linear(model: Any) -> Iterator[None]:
    """Context manager: a model with its linear layers exchanged, afterwards with those that it had."""
    exchanged = use_threaded_linear(model)
    try:
        yield
    finally:
        for parent, name, layer in exchanged:
            setattr(parent, name, layer)


def _is_inference(row: torch.Tensor) -> bool:
    return row.device.type == "cpu" and row.dtype == torch.float32 and not torch.is_grad_enabled()


def _parts(rows: int) -> int:
    """The number of threads, or the next smaller number that divides the rows."""
    return next(parts for parts in range(torch.get_num_threads(), 0, -1) if rows % parts == 0)
