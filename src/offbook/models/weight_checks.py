"""What is wrong, or left over, in a model's weights once they are loaded."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import torch
from transformers import PreTrainedModel

from offbook.core.errors import UsageError
from offbook.core.i18n import marked
from offbook.core.progress import fill


def refuse_nonfinite(model: PreTrainedModel) -> None:
    """See that every weight is a number: one NaN in the embedding of a rare token spoils a run without a sign.

    Raises:
        UsageError: naming the first weight that holds something else.
    """
    scales = ((name, buffer) for name, buffer in model.named_buffers() if name.endswith(".scales"))  # of stored weights
    for name, numbers in chain(model.named_parameters(), scales):
        if numbers.is_floating_point() and not _is_finite(numbers.detach()):
            raise UsageError(
                "the base model's weight {name} holds NaN or infinity",
                "Pull it again, or choose another base model.",
                name=name,
            )


def _is_finite(numbers: torch.Tensor) -> bool:
    """Whether no value is NaN or infinite, seen from the extremes: they are found without a copy, and NaN is one."""
    return numbers.numel() == 0 or all(bool(extreme.isfinite()) for extreme in numbers.aminmax())


def notes_on_unused_weights(model: Any) -> list[str]:
    """A sentence on tensors of the model's files that it has no place for: of a layer too many, say.

    Args:
        model: as `load_model` gives it.
    """
    names = list(dict.fromkeys(re.sub(r"\.\d+\.", ".*.", name) for name in getattr(model, "unused_weights", ())))
    if not names:
        return []
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    text = marked("the model's files hold weights for which its config.json has no place; they are left out: {names}")
    return [fill(text, {"names": shown})]
