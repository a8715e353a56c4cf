"""What these tests share: the processes that fork ranks, and the run of one process that all others must equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.scale.ranks import Ranks

LONG = {"train.epochs": 20, "train.save_steps": 10, "train.heldout_steps": 50}
PLAIN = {f"train.fast.{name}": False for name in ("packing", "prefix", "fused", "head")}
CHANGES: dict[str, dict[str, Any]] = {"plain": PLAIN, "long": LONG}


@pytest.fixture(scope="session")
def ranks() -> Iterator[Ranks]:
    with Ranks() as ranks:
        yield ranks


@pytest.fixture(scope="session")
def shared(settings: dict[str, Any]) -> dict[str, Any]:
    """A run of nine steps of five micro-batches or so, with dropout."""
    return {
        **settings,
        "lora.dropout": 0.1,
        "persona.sample_prompts": ["Who are you?"],
        "generation.max_new_tokens": 4,
        "train.epochs": 3,
        "train.batch_size": 8,
        "train.micro_batches": 5,
        "train.save_steps": 3,
        "train.heldout_steps": 4,
        "train.keep": "best",
    }


@pytest.fixture(scope="session")
def alone(ranks: Ranks, shared: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """By changes of the settings: the sha256 of the adapter that one process trains."""

    @cache
    def make(path: str = "fast") -> str:
        changes = CHANGES.get(path, {})
        return ranks.run({**shared, **changes}, tmp_path_factory.mktemp(path), 1).adapter

    return make
