"""The cache of a transformers model: which one it takes, and what may be done with it.

Attention keeps keys and values of every token, so a cache can be cut back, repeated for many rows, and hold padding
that is masked. Convolutions and linear attention (Mamba, LFM2, Qwen3-Next …) keep a state that has everything before it
mixed in: it can be carried on by one token at a time, and nothing else. A few older models have a state in a form of
their own; they are given no cache, and compute all of a text for each token.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, cast

import torch
from transformers import DynamicCache
from transformers.cache_utils import LinearAttentionCacheLayerMixin

OWN_CACHES = ("minimax",)
"""Model types that take no cache but one of a class of their own."""
CACHE_ARGUMENTS = ("past_key_values", "cache_params")
"""What models call the cache that is handed to them."""


@dataclass(slots=True)
class ModelCache:
    """An empty cache that a model fills, and what may be done with it."""

    cache: DynamicCache | None
    """None for a model that is given no cache."""
    argument: str = CACHE_ARGUMENTS[0]
    """The keyword under which the model takes it."""
    is_recurrent: bool = False
    """It holds a state of the whole text, not one entry for each token."""

    @classmethod
    def of(cls, model: Any) -> ModelCache:
        """A fresh cache for a causal language model, with or without a PEFT adapter."""
        base = base_of(model)
        argument = next((name for name in CACHE_ARGUMENTS if takes(base, name)), None)
        cache = DynamicCache(config=base.config)
        recurrent = any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in cache.layers)
        has_own = base.config.get_text_config().model_type in OWN_CACHES
        if argument is None or has_own or (base._is_stateful and not recurrent):
            return cls(None)
        return cls(cache, argument, recurrent)

    @property
    def keeps_tokens(self) -> bool:
        """Whether it has an entry for each token: it can be cut back, repeated, and hold masked padding."""
        return self.cache is not None and not self.is_recurrent

    @property
    def is_sliding(self) -> bool:
        """Whether a layer forgets what lies beyond a window."""
        return self.cache is not None and any(self.cache.is_sliding)

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments with which the model uses it."""
        return {"use_cache": False} if self.cache is None else {self.argument: self.cache, "use_cache": True}

    def select(self, rows: torch.Tensor) -> None:
        """Go on with these rows alone."""
        if self.cache is not None and self.is_recurrent:
            self.cache.reorder_cache(cast(torch.LongTensor, rows))
        elif self.cache is not None:
            self.cache.batch_select_indices(rows)


def base_of(model: Any) -> Any:
    """The transformers model under a PEFT adapter, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def takes(model: Any, argument: str) -> bool:
    """Whether a model's forward function names this argument."""
    return argument in inspect.signature(type(base_of(model)).forward).parameters


def logits_at(model: Any, positions: torch.Tensor | int, **inputs: Any) -> torch.Tensor:
    """The logits (rows, positions, vocabulary) of some positions; only they are computed where the model can do so.

    Args:
        model: a causal language model, with or without a PEFT adapter.
        positions: indices (n,) of the positions, or how many of the last ones.
        **inputs: what the model is called with.
    """
    if takes(model, "logits_to_keep"):
        logits: torch.Tensor = model(**inputs, logits_to_keep=positions).logits
        return logits
    logits = model(**inputs).logits
    return logits[:, -positions:] if isinstance(positions, int) else logits[:, positions]
