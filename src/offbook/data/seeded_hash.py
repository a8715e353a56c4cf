"""Decisions that look random, yet depend on nothing but a seed and a text."""

from __future__ import annotations

from hashlib import blake2b


def stable_uniform(seed: int, text: str) -> float:
    """A number in [0, 1), evenly spread over texts; the same on every machine and whatever else is drawn."""
    digest = blake2b(f"{seed}\n{text}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48
