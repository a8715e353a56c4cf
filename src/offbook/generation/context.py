"""How long a conversation may be: what the model knows, bounded by memory."""

from __future__ import annotations

from typing import Any

import psutil

MEMORY_SHARE = 4
"""Key-value caches may take one part in so many of the memory that is free."""
SHORTEST = 2048
"""Tokens of context that are granted however little memory is free, where the model knows as many."""


def cache_bytes_per_token(config: Any, bytes_per_value: int) -> int:
    """Bytes of a key-value cache for each token, from a transformers model's config.

    Args:
        config: a decoder's config.
        bytes_per_value: of the cache's number format: 4 for float32, 2 for float16.
    """
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    size: int = 2 * config.num_hidden_layers * heads * head_size * bytes_per_value
    return size


def context_length(longest: int, bytes_per_token: int, slots: int = 1) -> int:
    """Tokens of prompt and reply together.

    Args:
        longest: how many the model knows.
        bytes_per_token: of a key-value cache.
        slots: conversations that are held at once, each with a cache of its own.
    """
    affordable = psutil.virtual_memory().available // MEMORY_SHARE // (bytes_per_token * slots)
    return min(longest, max(affordable // 256 * 256, SHORTEST))
