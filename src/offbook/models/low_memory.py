"""Half the memory for frozen weights: they are kept in bfloat16 and widened to float32 when they are read.

The products are those of a float32 model whose weights were rounded to bfloat16 once; nothing else is rounded. Only
one layer's weights are wide at any time, and none is kept for the backward pass.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel


class UpcastingLinear(nn.Linear):
    """A frozen linear layer whose weight is narrower than what it computes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _Widened.apply(x, self.weight, self.bias)


class UpcastingEmbedding(nn.Embedding):
    """A frozen embedding whose rows are widened as they are looked up."""

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return super().forward(ids).float()


class _Widened(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(weight)
        return nn.functional.linear(x, weight.to(x.dtype), bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        (weight,) = ctx.saved_tensors
        return dy @ weight.to(dy.dtype), None, None


KINDS: dict[type[nn.Module], type[nn.Module]] = {nn.Linear: UpcastingLinear, nn.Embedding: UpcastingEmbedding}


def store_in_bfloat16(model: PreTrainedModel) -> PreTrainedModel:
    """Keep the weights of linear layers and embeddings in bfloat16, and compute in float32 all the same.

    To be called before an adapter is put in; the model (float32 or bfloat16) is changed in place, frozen and returned.
    An embedding of a special kind stays in float32, and so does a head that shares its weight.
    """
    wide = {id(p) for module in model.modules() if type(module) not in KINDS for p in module.parameters(recurse=False)}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            narrow = type(module) in KINDS and name == "weight" and id(parameter) not in wide
            parameter.data = parameter.data.to(torch.bfloat16 if narrow else torch.float32)
            parameter.requires_grad_(False)
            if narrow:
                module.__class__ = KINDS[type(module)]
    return model
