"""Linear layers with an adapter, computed as one function each where that is possible, by their own code elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.lora import LoraLayer
from peft.tuners.lora.variants import DoraLinearVariant
from torch import nn

from offbook.training.fused_dora import dora_linear
from offbook.training.fused_lora import LinearSpec, lora_linear
from offbook.training.recomputation import Recomputed, kept


def fused_linear(x: torch.Tensor | Recomputed, modules: Sequence[nn.Module]) -> tuple[torch.Tensor, ...]:
    """Outputs of several linear modules for one input: x (T, in) → a tuple of (T, out), as each would give alone.

    Modules without a `linear_spec` are called one by one, and keep what they like for their backward pass.
    """
    x = x if isinstance(x, Recomputed) else kept(x)
    specs = [linear_spec(module) for module in modules]
    if any(spec is None for spec in specs):
        return tuple(module(x.value[None])[0] for module in modules)
    linears = [spec for spec in specs if spec is not None]
    if any(spec.magnitude is not None for spec in linears):
        return tuple(lora_linear(x, [spec])[0] if spec.magnitude is None else dora_linear(x, spec) for spec in linears)
    return lora_linear(x, linears)


def linear_spec(module: Any) -> LinearSpec | None:
    """The spec of a linear module, or None where only the module's own forward computes what it should.

    That is so with a bias of the adapter, a variant of LoRA other than DoRA, several active adapters, trained base
    weights. The module is read anew at every call, so that merging, disabling or switching an adapter is never missed.
    """
    if isinstance(module, nn.Linear):
        return None if _trained(module) else LinearSpec(_weight_of(module), module.bias, compute=_compute_of(module))
    if type(module) is not LoraLinear or not isinstance(module.base_layer, nn.Linear) or _trained(module.base_layer):
        return None
    base = module.base_layer
    active = [name for name in module.active_adapters if name in module.lora_A]
    if module.merged or module.disable_adapters or not active:
        return LinearSpec(_weight_of(base), base.bias, compute=_compute_of(base))
    name = active[0]
    variant = module.lora_variant.get(name)
    is_dora = isinstance(variant, DoraLinearVariant)
    if len(active) > 1 or (variant is not None and not is_dora) or module.lora_bias[name] or module.fan_in_fan_out:
        return None
    drop = module.lora_dropout[name]
    rate = drop.p if isinstance(drop, nn.Dropout) and drop.training else 0.0
    a: Any = module.lora_A[name].weight
    b: Any = module.lora_B[name].weight
    magnitude: Any = module.lora_magnitude_vector[name].weight if is_dora else None
    return LinearSpec(_weight_of(base), base.bias, a, b, module.scaling[name], _compute_of(base), rate, magnitude)


def adapted_layers(model: nn.Module) -> list[LoraLayer]:
    """The layers of a model that have an adapter."""
    return [module for module in model.modules() if isinstance(module, LoraLayer)]


def adapter_state(layers: Sequence[LoraLayer]) -> tuple[Any, ...]:
    """All that decides how adapted layers are computed, but for the contents of their weights."""
    return tuple(
        (layer.merged, layer.disable_adapters, *layer.active_adapters, *layer.scaling.values()) for layer in layers
    )


def _weight_of(layer: nn.Linear) -> Callable[[torch.dtype], torch.Tensor]:
    """What gives a frozen layer's weight; a layer that stores it in fewer bytes says itself how it is read."""
    return getattr(layer, "weight_for", layer.weight.to)


def _compute_of(layer: nn.Linear) -> torch.dtype | None:
    """The format in which a frozen layer says that its product is computed; None where it says nothing."""
    return getattr(layer, "compute_dtype", None)


def _trained(module: nn.Module) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters(recurse=False))
