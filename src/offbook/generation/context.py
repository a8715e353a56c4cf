"""How long a conversation may be: what the model knows, bounded by memory."""

from __future__ import annotations

from typing import Any

import psutil

MEMORY_SHARE = 4
"""Key-value caches may take one part in so many of the memory that is free."""
DEFAULT_CONTEXT = 8192
"""Tokens of context of a model that has no limit of its own (its positions are relative, or its state is finite)."""
SHORTEST = 2048
"""Tokens of context that are granted however little memory is free, where the model knows as many."""


def cache_bytes_per_token(config: Any, bytes_per_value: int) -> int:
    """Bytes of a key-value cache for each token, from a transformers model's config.

    Args:
        config: of a transformers model; layers without attention keep a state that does not grow.
        bytes_per_value: of the cache's number format: 4 for float32, 2 for float16.
    """
    config = config.get_text_config()
    by_layer = getattr(config, "per_layer_config", None)  # Gemma 4: heads of two sizes
    if not getattr(by_layer[0] if by_layer else config, "num_attention_heads", None):
        return 1  # no attention: its state does not grow with the text
    kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
    growing = [index for index, kind in enumerate(kinds) if "attention" in kind and kind != "linear_attention"]
    layers = [by_layer[index] if by_layer else config for index in growing or range(len(kinds))]
    return 2 * sum(_keys_of(layer) for layer in layers) * bytes_per_value


def _keys_of(config: Any) -> int:
    """How many values the keys of one token have in an attention layer."""
    heads: int = config.num_attention_heads
    head_size: int = getattr(config, "head_dim", None) or config.hidden_size // heads
    key_heads: int = getattr(config, "num_key_value_heads", None) or heads
    return key_heads * head_size


def longest_context(config: Any) -> int:
    """How many tokens of prompt and reply a transformers model knows; DEFAULT_CONTEXT where its config does not say."""
    return stated_context(config) or DEFAULT_CONTEXT


def stated_context(config: Any) -> int | None:
    """How many tokens a transformers model's config says that it knows; None where it says nothing."""
    config = config.get_text_config()
    named = (getattr(config, name, None) for name in ("max_position_embeddings", "max_seq_len", "n_positions"))
    return next((length for length in named if isinstance(length, int) and length > 0), None)


def context_length(longest: int, bytes_per_token: int, slots: int = 1) -> int:
    """Tokens of prompt and reply together.

    Args:
        longest: how many the model knows.
        bytes_per_token: of a key-value cache.
        slots: conversations that are held at once, each with a cache of its own.
    """
    affordable = psutil.virtual_memory().available // MEMORY_SHARE // (bytes_per_token * slots)
    return min(longest, max(affordable // 256 * 256, SHORTEST))
