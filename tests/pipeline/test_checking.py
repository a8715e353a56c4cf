"""What check tells of a training sequence."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoTokenizer

from offbook.core.persona import StopToken
from offbook.core.types import NO_LABEL, Example, Origin
from offbook.pipeline.checking import masked_text, notes_on_stop
from tests.tiny import tiny_model


def test_the_masked_row_is_the_sequence_in_runs_of_learned_tokens_and_others(tiny: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    prompt, reply = (tokenizer.encode(text, add_special_tokens=False) for text in ("Who goes there?", " A friend."))
    example = Example(prompt + reply, [NO_LABEL] * len(prompt) + reply, Origin("guard.jsonl", 1))
    assert masked_text(example, tokenizer) == [
        {"text": "Who goes there?", "learned": False},
        {"text": " A friend.", "learned": True},
    ]


def test_another_ending_is_offered_only_where_the_base_model_knows_one() -> None:
    model = tiny_model()
    stop, end_of_text = StopToken(token="<|stop|>", id=9), 2
    assert notes_on_stop(model, stop, end_of_text) == []
    with torch.no_grad():
        rows = model.get_output_embeddings().weight
        rows[10:40] = rows[9] + 0.03 * rows[9].norm() * torch.nn.functional.normalize(torch.randn(30, 32))
    (note,) = notes_on_stop(model, stop, end_of_text)
    assert "the same as 30 other tokens" in note
    assert "--model.template plain" in note
    for reserved in (12, stop.id, None):  # it was never trained either, is the same token, or there is none
        (note,) = notes_on_stop(model, stop, reserved)
        assert note.endswith("Take the instruction-tuned model")
