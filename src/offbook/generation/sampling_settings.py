"""What a request may ask of sampling, and how its seed is hashed: no torch, so that programs ahead of it can look."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from pydantic import Field

from offbook.core.config.schema import GenerationConfig

GREEDY_BELOW = 1e-5
"""A temperature below this means 0: dividing logits by it would overflow float32, for no other choice of token."""


class SamplingSettings(GenerationConfig):
    """A character's sampling, and what only a single request may add to it."""

    top_k: int = Field(0, ge=0)
    """Sample from so many of the likeliest tokens; 0 for all."""
    min_p: float = Field(0, ge=0, le=1)
    """Leave out tokens less likely than this share of the likeliest one's probability."""
    presence_penalty: float = Field(0, ge=-2, le=2)
    """Subtracted from the logit of every token that the reply holds already."""
    frequency_penalty: float = Field(0, ge=-2, le=2)
    """Subtracted from the logit of a token, once for each time that the reply holds it."""

    @classmethod
    def of(cls, settings: GenerationConfig) -> SamplingSettings:
        """`settings` with nothing added to them; SamplingSettings are returned as they are."""
        return settings if isinstance(settings, cls) else cls(**settings.model_dump())


def hash_seed(seed: int, prompt: Sequence[int] = ()) -> int:
    """Hash a seed and a prompt to 32 bits, which is as far as torch and llama.cpp look.

    The largest number, by which llama.cpp means "any seed", is left out.
    """
    digest = sha256(f"{seed} {list(prompt)}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**32 - 1)
