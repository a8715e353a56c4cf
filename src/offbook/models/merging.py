"""Folding an adapter into the weights of its base model."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

from peft import PeftModel
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import nn
from transformers import PreTrainedModel


def merge(model: PeftModel) -> PreTrainedModel:
    """The base model with the adapter folded into its weights (in place: the wrapper is used up).

    Raises:
        RuntimeError: `can_merge` says no.
    """
    _separate_shared_weights(model.get_base_model())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Input and output embeddings are no longer tied")  # as it has to be
        return model.merge_and_unload()


def can_merge(model: PeftModel) -> bool:
    """Whether the base model has a place for everything: an adapter's bias needs a layer that has one."""
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer) and any(layer.lora_bias.values())]
    return all(getattr(layer.get_base_layer(), "bias", None) is not None for layer in layers)


def _separate_shared_weights(base: Any) -> None:
    """Give layers that share a weight with an adapted one weights of their own.

    An adapter on the output layer of a model that ties it to the embeddings changes the output alone: folded into the
    one weight, it would change both.
    """
    parameters = list(base.named_parameters(remove_duplicate=False))
    uses = Counter(id(weight) for _, weight in parameters)
    adapted = [layer.get_base_layer() for layer in base.modules() if isinstance(layer, BaseTunerLayer)]
    if all(uses[id(weight)] == 1 for layer in adapted for weight in layer.parameters()):
        return
    seen = set()
    for name, weight in parameters:
        if id(weight) in seen:
            owner, _, attribute = name.rpartition(".")
            setattr(base.get_submodule(owner), attribute, nn.Parameter(weight.detach().clone(), requires_grad=False))
        seen.add(id(weight))
    for config in (base.config, base.config.get_text_config()):
        config.tie_word_embeddings = False
