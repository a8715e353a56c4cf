"""Frozen weights in fewer bytes than float32: stored in bfloat16, int8 or NF4, and upcast when they are read.

The products are those of a float32 model whose weights were rounded once; nothing else is rounded, only one layer's
weights are in float32 at any time, and none is kept for the backward pass. Or the products themselves are computed in
bfloat16 (`compute`), between activations in float32.

    bfloat16    2 bytes a weight          all linear layers and embeddings
    int8        1 byte                    a scale for each row: its largest absolute value is 127 (arXiv:2208.07339)
    nf4         4.5 bits                  see `offbook.models.nf4`

In int8 and NF4 the output layer and the embeddings, which round worst, stay in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import nn
from torch.autograd.function import once_differentiable
from transformers import PreTrainedModel

from offbook.core import bfloat16x3
from offbook.core.bfloat16 import bfloat16_linear
from offbook.core.config.schema import Storage
from offbook.models import nf4
from offbook.models.mapped_memory import release

INT8_MAX = 127
PEFT_PREFIX, PEFT_SUFFIX = "base_model.model.", ".base_layer"
"""What peft puts around the name of a layer that has an adapter."""


class StoredLinear(nn.Linear):
    """A frozen linear layer whose weight is stored in bfloat16."""

    compute_dtype: torch.dtype | None = None
    """Format in which the product is computed; None for that of the input. The result has the format of the input."""

    @classmethod
    def of(cls, layer: nn.Linear) -> StoredLinear:
        """The layer that stores the weight of `layer`; in bfloat16 already, it is the very parameter."""
        stored = cls(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
        stored.bias = layer.bias
        with torch.no_grad():
            stored._store(cast(nn.Parameter, layer.weight))
        return stored.train(layer.training)

    def _store(self, weight: nn.Parameter) -> None:
        self.weight = weight

    def dense_weight(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight (out, in) in a number format."""
        return self.weight.to(dtype)

    def weight_for(self, compute: torch.dtype) -> torch.Tensor:
        """The weight (out, in) for a product that is computed in a number format: as stored, where that is exact."""
        is_bfloat16 = self.weight.dtype == torch.bfloat16
        if is_bfloat16 and compute == torch.float32 and bfloat16x3.computes(self.weight.device):
            return self.weight
        return self.dense_weight(compute)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product with `x`, (…, in_features)."""
        product: torch.Tensor = _StoredLinear.apply(x, self, self.bias, self.compute_dtype or x.dtype)
        return product


class Int8Linear(StoredLinear):
    """A frozen linear layer whose weight is stored as int8, with a scale for each row."""

    scales: torch.Tensor
    """(out, 1) float32."""

    def _store(self, weight: nn.Parameter) -> None:
        wide = weight.float()
        scales = wide.abs().amax(1, keepdim=True) / INT8_MAX
        codes = (wide / scales.where(scales > 0, 1.0)).round_().to(torch.int8)
        self.weight = nn.Parameter(codes, requires_grad=False)
        self.register_buffer("scales", scales)

    def dense_weight(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight (out, in) in a number format."""
        return self.weight.float().mul_(self.scales).to(dtype)


class NF4Linear(StoredLinear):
    """A frozen linear layer whose weight is stored in NF4, two values a byte."""

    scales: torch.Tensor
    """(out · in / BLOCK,) float32."""

    def _store(self, weight: nn.Parameter) -> None:
        packed, scales = nf4.quantize(weight)
        self.weight = nn.Parameter(packed.view(self.out_features, -1), requires_grad=False)
        self.register_buffer("scales", scales)

    def dense_weight(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight (out, in) in a number format."""
        shape = (self.out_features, self.in_features)
        return nf4.dequantize(self.weight.flatten(), self.scales, shape).to(dtype)


class StoredEmbedding(nn.Embedding):
    """A frozen embedding that is stored in bfloat16, and whose rows are upcast to float32 as they are looked up."""

    @classmethod
    def of(cls, layer: nn.Embedding) -> StoredEmbedding:
        """An embedding with the very weight of `layer`."""
        stored = cls(layer.num_embeddings, layer.embedding_dim, layer.padding_idx, device="meta")
        stored.weight = layer.weight
        return stored.train(layer.training)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The rows of `ids`, (…) int64, as (…, embedding_dim) float32."""
        return super().forward(ids).float()


class _StoredLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, layer: StoredLinear, bias: torch.Tensor | None, compute: torch.dtype
    ) -> torch.Tensor:
        ctx.layer, ctx.compute = layer, compute
        weight = layer.dense_weight(compute)
        if compute == x.dtype:
            return nn.functional.linear(x, weight, bias)
        y = bfloat16_linear(x.to(compute), weight).to(x.dtype)
        return y if bias is None else y.add_(bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:
        weight = ctx.layer.dense_weight(ctx.compute)
        if ctx.compute == dy.dtype:
            return dy @ weight, None, None, None
        return bfloat16_linear(dy.to(ctx.compute), weight.t()).to(dy.dtype), None, None, None


QUANTIZED: dict[Storage, type[StoredLinear]] = {"int8": Int8Linear, "nf4": NF4Linear}
"""Storage in less than bfloat16 → what takes the place of a linear layer."""

REPLACED: dict[type[nn.Module], Callable[[Any], nn.Module]] = {
    nn.Linear: StoredLinear.of,
    nn.Embedding: StoredEmbedding.of,
}
"""Kind of layer that is stored in bfloat16 → what takes its place."""

COMPARED_ROWS = 1024
"""Rows of a weight that are rounded at once, to see whether that changes them."""

STORABLE = (*REPLACED, StoredLinear, StoredEmbedding, Int8Linear, NF4Linear)
"""Kinds of layers that can be stored in fewer bytes, or are already."""


def store(model: PreTrainedModel, storage: Storage = "bfloat16", compute: torch.dtype | None = None) -> PreTrainedModel:
    """Keep the weights of linear layers and embeddings in fewer bytes, between activations in float32.

    To be called before an adapter is put in; the model (float32 or bfloat16) is changed in place, frozen and returned.
    An embedding of a special kind stays in float32, and so does a head that shares its weight. Layers that are stored
    already stay as they are, but for `compute`.

    Args:
        model: the base model.
        storage: how the weights of its linear layers are kept.
        compute: format in which the products with these weights are computed; None for float32.
    """
    if storage in QUANTIZED:
        _quantize(model, QUANTIZED[storage])
    for parameter, is_stored in _stored_weights(model):
        parameter.requires_grad_(False)
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(torch.bfloat16 if is_stored else torch.float32)
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) in REPLACED and layer.weight.dtype == torch.bfloat16:
                setattr(parent, name, REPLACED[type(layer)](layer))
    for layer in model.modules():
        if isinstance(layer, StoredLinear):
            layer.compute_dtype = compute
    return model


def loses_nothing(model: PreTrainedModel) -> bool:
    """Whether `store` would round no weight: those of a model that was published in bfloat16 are such numbers."""
    return all(
        torch.equal(part, part.bfloat16().float())
        for parameter, is_stored in _stored_weights(model)
        if is_stored
        for part in parameter.detach().split(COMPARED_ROWS)
    )


def _stored_weights(model: nn.Module) -> Iterator[tuple[nn.Parameter, bool]]:
    """Every parameter, and whether `store` keeps it in bfloat16."""
    in_float32 = {
        id(parameter)
        for module in model.modules()
        if type(module) not in STORABLE
        for parameter in module.parameters(recurse=False)
    }
    for parent in model.modules():
        for name, parameter in parent.named_parameters(recurse=False):
            yield parameter, type(parent) in STORABLE and name == "weight" and id(parameter) not in in_float32


def _quantize(model: PreTrainedModel, kind: type[StoredLinear]) -> None:
    """Replace all linear layers but the output layer; one whose values do not fill blocks is left."""
    output = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear and layer is not output and layer.weight.numel() % nf4.BLOCK == 0:
                setattr(parent, name, kind.of(layer))
                release(layer.weight)


def store_in_float32(model: nn.Module) -> None:
    """Undo `store` in place, the adapter included or not; what the rounding took stays lost."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, StoredLinear | StoredEmbedding):
                setattr(parent, name, _ordinary(layer))


def _ordinary(layer: StoredLinear | StoredEmbedding) -> nn.Module:
    """The ordinary layer, in float32, of a stored one; layers that share a bfloat16 weight go on sharing it."""
    if isinstance(layer, StoredEmbedding):
        layer.weight.data = layer.weight.data.float()
        embedding = nn.Embedding(layer.num_embeddings, layer.embedding_dim, layer.padding_idx, device="meta")
        embedding.weight = layer.weight
        return embedding.train(layer.training)
    linear = nn.Linear(layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta")
    if layer.weight.is_floating_point():
        layer.weight.data = layer.dense_weight(torch.float32)
        linear.weight = layer.weight
    else:
        linear.weight = nn.Parameter(layer.dense_weight(torch.float32), requires_grad=False)
    linear.bias = layer.bias
    return linear.train(layer.training)


def unquantize(model: nn.Module, original: nn.Module) -> None:
    """Give a quantized model, in place, the layers of the same base as it was pulled; its adapter stays.

    Args:
        model: kept in int8 or NF4, with an adapter of peft's or without.
        original: the same base, kept in bfloat16 or in full.
    """
    for name, parent in list(model.named_modules()):
        for child, layer in list(parent.named_children()):
            if isinstance(layer, StoredLinear | StoredEmbedding):
                path = f"{name}.{child}".removeprefix(".").removeprefix(PEFT_PREFIX).removesuffix(PEFT_SUFFIX)
                setattr(parent, child, original.get_submodule(path).requires_grad_(False))


def is_quantized(model: nn.Module) -> bool:
    """Whether linear layers of the model are kept in int8 or NF4."""
    return any(isinstance(layer, tuple(QUANTIZED.values())) for layer in model.modules())


def is_stored(model: nn.Module) -> bool:
    """Whether weights of the model are kept in fewer bytes than it computes in."""
    return any(isinstance(layer, StoredLinear) for layer in model.modules())


def stored_parameters(model: nn.Module) -> int:
    """How many weights the model has, however they are stored; tied ones count once."""
    halved = sum(layer.weight.numel() for layer in model.modules() if isinstance(layer, NF4Linear))
    return sum(parameter.numel() for parameter in model.parameters()) + halved
