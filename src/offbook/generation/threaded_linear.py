"""A linear layer on a single row (one new token) with all threads.

The library behind torch multiplies a matrix and one vector with a single thread, however many there are. The same
product, written as a batch of as many parts of the matrix as there are threads, is shared among them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

WORTH = 2**18
"""Weights of a layer from which sharing it costs less than it saves (measured with two threads)."""


class RowLinear(nn.Linear):
    """A linear layer that shares a single row's work among the threads; everything else is as ever."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        parts = _parts(self.out_features) if input.numel() == self.in_features and _plain(input) else 1
        if parts == 1 or self.weight.dtype != torch.float32:
            return super().forward(input)
        rows = input.reshape(1, 1, -1).expand(parts, 1, -1)
        blocks = self.weight.view(parts, -1, self.in_features)
        output = torch.bmm(rows, blocks.transpose(1, 2)).reshape(*input.shape[:-1], self.out_features)
        return output if self.bias is None else output + self.bias


def use_threaded_linear(model: Any) -> None:
    """Let the plain linear layers of a model that are worth it work so from now on; weights and results stay."""
    for part in model.modules():
        if type(part) is nn.Linear and part.weight.numel() >= WORTH:
            part.__class__ = RowLinear


def _plain(input: torch.Tensor) -> bool:
    return input.device.type == "cpu" and input.dtype == torch.float32 and not torch.is_grad_enabled()


def _parts(rows: int) -> int:
    """The number of threads, or the next smaller number that divides the rows."""
    return next(parts for parts in range(torch.get_num_threads(), 0, -1) if rows % parts == 0)
