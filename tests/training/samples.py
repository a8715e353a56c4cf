"""Examples and adapted tiny models for the tests of the fast path."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.nn.functional import cross_entropy

from offbook.core.types import NO_LABEL, Example, Origin
from tests.tiny import tiny_model

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def example(*parts: tuple[Sequence[int], bool], line: int = 1) -> Example:
    """An Example from runs of ids, each said by the character (True) or not."""
    ids = [token for run, _ in parts for token in run]
    labels = [token if texts else NO_LABEL for run, texts in parts for token in run]
    return Example(ids, labels, Origin("rows.json", line))


def examples(count: int = 9, seed: int = 0) -> list[Example]:
    """Rows with two system prompts, one or two replies each, and a last row that repeats the second one's prompt."""
    rng = random.Random(seed)

    def run(low: int, high: int) -> list[int]:
        return [rng.randrange(3, 512) for _ in range(rng.randint(low, high))]

    systems = [run(11, 11), run(40, 40)]
    rows = []
    for line in range(count):
        parts: list[tuple[list[int], bool]] = [(systems[line % 4 > 0], False)]
        for _ in range(rng.choice([1, 1, 2])):
            parts += [(run(1, 12), False), (run(1, 14), True)]
        rows.append(example(*parts, line=line + 1))
    return [*rows, rows[1]]


def adapted(
    architecture: str = "llama",
    *,
    dropout: float = 0.0,
    seed: int = 0,
    base: Mapping[str, object] = MappingProxyType({}),
    **changes: Any,
) -> PeftModel:
    """A tiny model (`base` changes its config) with an adapter on seven modules whose B is not zero."""
    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "lora_dropout": dropout, "target_modules": MODULES, **changes})
    model = get_peft_model(tiny_model(architecture, seed=seed, **base), config)
    torch.manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(0, 0.1)
    return model


def plain_gradients(model: PeftModel, rows: Sequence[Example]) -> tuple[dict[str, torch.Tensor], float]:
    """Gradients and sum of the losses of the rows, one at a time, whole logits, nothing of offbook's."""
    total = 0.0
    for row in rows:
        logits = (
            model(input_ids=torch.tensor([row.ids])).logits[0, :-1].double()
        )  # exact: float32's softmax is what is judged
        loss = cross_entropy(logits, torch.tensor(row.labels[1:]), reduction="sum")
        loss.backward()
        total += loss.item()
    return gradients(model), total


def gradients(model: PeftModel) -> dict[str, torch.Tensor]:
    """The gradients that have accumulated, taken off the model."""
    result = {name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    model.zero_grad()
    return result


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest ‖one − other‖ / ‖other‖ of any tensor."""
    assert one.keys() == other.keys()
    return max(((one[name] - other[name]).norm() / other[name].norm()).item() for name in other)
