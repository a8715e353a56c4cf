"""The small micro-batch on which the fast path is compared with a model's own code before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModel

from offbook.training.packing import MicroBatch
from offbook.training.prefix_tree import flat_runs


def probe(base: Any) -> MicroBatch:
    """A micro-batch with a prefix and two examples, of tokens from all over the vocabulary."""
    ids = torch.linspace(3, base.config.get_text_config().vocab_size - 1, 14).long()
    return MicroBatch(
        input_ids=ids[None],
        position_ids=torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7, 3, 4, 5, 6, 7, 8]]),
        runs=flat_runs(3, (5, 6)),
        leaves=(1, 2),
        label_positions=torch.tensor([4, 6, 7, 9, 10, 13]),
        targets=ids[:6],
        example_index=torch.tensor([0, 0, 0, 1, 1, 1]),
    ).to(base.device)


@contextmanager
def evaluation_mode(model: PeftModel) -> Iterator[None]:
    """Context manager: evaluation mode, so no dropout."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
