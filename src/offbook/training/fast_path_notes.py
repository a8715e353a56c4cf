"""What is said of the parts of the fast path that a model does without."""

from __future__ import annotations

from typing import Any

from offbook.core.i18n import marked
from offbook.core.progress import fill
from offbook.training.adapted_linear import linear_spec
from offbook.training.forward import FastPath


def notes_on_mismatch(base: Any, supported: FastPath, selected: FastPath) -> list[str]:
    """What an untested architecture lost because its losses came out different."""
    kind, notes = type(base).__name__, []
    if supported.head and not selected.head:
        notes.append(marked("{kind} computes logits in a way of its own: they are computed whole, by its own code."))
    if supported.packing and not selected.packing:
        notes.append(marked("{kind} cannot be computed in packed micro-batches: its examples are computed one by one."))
    elif supported.fused and not selected.fused:
        notes.append(marked("{kind} has layers of an unknown form: they are computed by transformers' own code."))
    return [fill(note, {"kind": kind}) for note in notes]


def notes_on_the_rest(base: Any, path: FastPath) -> list[str]:
    """What the selected path leaves to peft, or leaves out."""
    notes = []
    if path.fused:
        special = [
            name for name, module in base.named_modules() if hasattr(module, "lora_A") and linear_spec(module) is None
        ]
        if special:
            text = marked("{count} layers with a special adapter ({name} …) are computed by peft's own code.")
            notes.append(fill(text, {"count": len(special), "name": special[0]}))
    if path.packing and (rate := getattr(base.config.get_text_config(), "attention_dropout", 0.0)):
        text = marked("The model's own dropout on attention ({rate:g}) is left out; the adapter's stays.")
        notes.append(fill(text, {"rate": rate}))
    return notes
