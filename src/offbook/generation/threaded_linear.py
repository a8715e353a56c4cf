"""A linear layer that multiplies a single row (one new token) with all threads.

The library behind torch multiplies a matrix and one vector with a single thread, however many there are. The same
product, written as a batch of as many parts of the matrix as there are threads, is shared among them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

MIN_WEIGHTS = 2**18
"""Weights of a layer from which sharing its work costs less than it saves (measured with two threads)."""


class ThreadedLinear(nn.Linear):
    """A linear layer that shares a single float32 row's work among the threads; anything else is computed as ever."""

    @classmethod
    def sharing(cls, layer: nn.Linear) -> ThreadedLinear:
        """A layer with the very parameters of `layer`."""
        threaded = cls(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
        threaded.weight, threaded.bias = layer.weight, layer.bias
        return threaded.train(layer.training)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """The product with `hidden`, (…, in_features)."""
        parts = _parts(self.out_features) if hidden.numel() == self.in_features and _is_inference(hidden) else 1
        if parts == 1 or self.weight.dtype != torch.float32:
            return super().forward(hidden)
        rows = hidden.reshape(1, 1, -1).expand(parts, 1, -1)
        blocks = self.weight.view(parts, -1, self.in_features)
        output = torch.bmm(rows, blocks.transpose(1, 2)).reshape(*hidden.shape[:-1], self.out_features)
        return output if self.bias is None else output + self.bias


def use_threaded_linear(model: Any) -> None:
    """Exchange the linear layers of a model on a CPU that are large enough; a second call changes nothing more."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            is_plain = type(layer) is nn.Linear and layer.weight.device.type == "cpu"
            if is_plain and layer.weight.numel() >= MIN_WEIGHTS:
                setattr(parent, name, ThreadedLinear.sharing(layer))


def _is_inference(row: torch.Tensor) -> bool:
    return row.device.type == "cpu" and row.dtype == torch.float32 and not torch.is_grad_enabled()


def _parts(rows: int) -> int:
    """The number of threads, or the next smaller number that divides the rows."""
    return next(parts for parts in range(torch.get_num_threads(), 0, -1) if rows % parts == 0)
